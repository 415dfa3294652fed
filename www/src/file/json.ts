/** Reads JSON Lines and JSON arrays into a table. Numbers that JavaScript can't hold are kept as they stand. */

import { LosslessNumber, parse, stringify } from "lossless-json";
import { counted, whole } from "../format.ts";
import { beyond, FileProblem, limitRows, MOST_COLUMNS, turn, type Read, type Ways } from "./reading.ts";
import type { Cell } from "./table.ts";

const LINES_AT_ONCE = 5_000;

/** What may be a number that JavaScript changes: one of many digits, or with an exponent. */
const LARGE = /[\d.]{16}|\d[eE]/;

/** Lines that are no JSON are left out, and told. */
export async function readJsonLines(text: string, { signal }: Ways): Promise<Read> {
  const values: unknown[] = [];
  const wrong: number[] = [];
  let place = 0;
  for (const line of text.split("\n")) {
    place += 1;
    if (place % LINES_AT_ONCE === 0) await turn(signal);
    if (line.trim() === "") continue;
    try {
      values.push(parsed(line));
    } catch {
      wrong.push(place);
    }
    limitRows(values.length);
  }
  if (values.length === 0)
    throw new FileProblem(
      `Line ${wrong[0] ?? 1} is no JSON, and no other line is: JSON Lines have an object a line.`,
    );
  const remarks =
    wrong.length > 0
      ? [
          `${counted(wrong.length, "line")}, the first of them line ${whole(wrong[0] ?? 0)}, ${wrong.length === 1 ? "is" : "are"} no JSON and left out.`,
        ]
      : [];
  const read = ofValues(values);
  return { ...read, remarks: [...remarks, ...read.remarks] };
}

/** Reads an array of objects, or of texts. */
export async function readJson(text: string): Promise<Read> {
  let values: unknown;
  try {
    values = parsed(text);
  } catch (error) {
    // Engines' messages may repeat a piece of the file: of them only the line is told.
    const line = /(?:\(| at )line (\d+) column \d+/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new FileProblem(
      `This is no JSON${line ? `: line ${line} is wrong` : ""}. It takes an array of objects, or of texts.`,
    );
  }
  if (!Array.isArray(values))
    throw new FileProblem("This JSON is not an array: it takes an array of objects, or of texts.");
  limitRows(values.length);
  return ofValues(values);
}

function parsed(json: string): unknown {
  const value: unknown = JSON.parse(json);
  if (!LARGE.test(json)) return value;
  return parse(json, null, {
    parseNumber: (digits) =>
      String(Number(digits)) === digits ? Number(digits) : new LosslessNumber(digits),
    onDuplicateKey: ({ newValue }) => newValue, // as JSON.parse
  });
}

/** Objects by their keys, in the order in which they first come; anything else is a value by itself. */
function ofValues(values: readonly unknown[]): Read {
  const places = new Map<string, number>();
  const left = new Set<string>(); // keys beyond the most columns
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof LosslessNumber);
  const objects = values.some(isObject);
  if (!objects)
    return { named: false, columns: ["value"], rows: values.map((value) => [cellOf(value)]), remarks: [] };
  const rows = values.map((value) => {
    const row: Cell[] = [];
    for (const [key, own] of Object.entries(isObject(value) ? value : { value })) {
      let at = places.get(key);
      if (at === undefined && places.size < MOST_COLUMNS) places.set(key, (at = places.size));
      if (at === undefined) left.add(key);
      else row[at] = cellOf(own);
    }
    return row;
  });
  // Keys that a row lacks leave holes, which are made cells here.
  for (const row of rows) for (let at = 0; at < places.size; at += 1) row[at] ??= null;
  return { named: true, columns: [...places.keys()], rows, remarks: beyond(places.size + left.size) };
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean" ||
    value instanceof LosslessNumber
    ? value
    : (stringify(value) ?? null);
}
