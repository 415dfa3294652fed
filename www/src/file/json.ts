/** Reads JSON Lines and JSON arrays. Numbers that JavaScript would change keep their digits. */

import { LosslessNumber, parse, stringify } from "lossless-json";
import { counted, whole } from "../format.ts";
import {
  columnRemarks,
  FileProblem,
  limitRows,
  MAX_COLUMNS,
  type ParseEvent,
  type Shape,
  type Source,
} from "./reading.ts";
import { linesOf } from "./source.ts";
import type { Cell } from "./table.ts";

const ROWS_PER_BATCH = 5_000;

/** Matches what may be a number that JavaScript changes: one with many digits or an exponent. */
const LARGE = /[\d.]{16}|\d[eE]/;

/** Reads JSON Lines. Lines that aren't JSON are left out, and a remark counts them. */
export async function* readJsonLines(source: Source): AsyncGenerator<ParseEvent> {
  const columns = new Columns();
  let place = 0;
  let count = 0;
  let wrong = 0;
  let firstWrong = 0;
  for await (const { lines, read } of linesOf(source, "\n")) {
    const rows: Cell[][] = [];
    for (const line of lines) {
      place += 1;
      if (line.trim() === "") continue;
      try {
        rows.push(columns.row(parsed(line)));
      } catch {
        wrong += 1;
        firstWrong ||= place;
      }
    }
    count += rows.length;
    yield { type: "rows", rows, read };
  }
  if (count === 0 && wrong > 0)
    throw new FileProblem(
      `Line ${whole(firstWrong)} is not valid JSON, and neither is any other line. ` +
        "JSON Lines needs one object per line.",
      "syntax",
    );
  const shape = columns.shape();
  if (wrong > 0)
    shape.remarks.unshift(
      `${counted(wrong, "line")} left out, starting with line ${whole(firstWrong)}: not valid JSON.`,
    );
  yield { type: "end", shape, skip: 0 };
}

/** Reads an array of objects, or of texts. */
export async function* readJson(source: Source): AsyncGenerator<ParseEvent> {
  const texts: string[] = [];
  let end = 0;
  for await (const { text, read } of source.pieces()) {
    texts.push(text);
    end = read;
    yield { type: "rows", rows: [], read };
  }
  let values: unknown;
  try {
    values = parsed(texts.join(""));
  } catch (error) {
    // Engines' messages may repeat a piece of the file: only the line number is taken from them.
    const line = /(?:\(| at )line (\d+) column \d+/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new FileProblem(
      `The file is not valid JSON${line ? `: there is an error in line ${line}` : ""}. ` +
        "It must contain an array of objects or strings.",
      "syntax",
    );
  }
  if (!Array.isArray(values))
    throw new FileProblem("The JSON is not an array. It must be an array of objects or strings.");
  limitRows(values.length);
  const columns = new Columns();
  for (let at = 0; at < values.length; at += ROWS_PER_BATCH) {
    const rows = values.slice(at, at + ROWS_PER_BATCH).map((value) => columns.row(value));
    yield { type: "rows", rows, read: end };
  }
  yield { type: "end", shape: columns.shape(), skip: 0 };
}

function parsed(json: string): unknown {
  const value: unknown = JSON.parse(json);
  if (!LARGE.test(json)) return value;
  return parse(json, null, {
    parseNumber: (digits) =>
      String(Number(digits)) === digits ? Number(digits) : new LosslessNumber(digits),
    onDuplicateKey: ({ newValue }) => newValue, // like JSON.parse
  });
}

/** The columns: the keys of all objects in order of appearance, and "value" for anything that isn't an object. */
class Columns {
  readonly #places = new Map<string, number>();
  readonly #left = new Set<string>(); // keys beyond the column limit
  #objects = false;

  row(value: unknown): Cell[] {
    const object = isObject(value);
    this.#objects ||= object;
    const row: Cell[] = [];
    for (const [key, own] of Object.entries(object ? value : { value })) {
      let at = this.#places.get(key);
      if (at === undefined && this.#places.size < MAX_COLUMNS)
        this.#places.set(key, (at = this.#places.size));
      if (at === undefined) this.#left.add(key);
      else row[at] = cellOf(own);
    }
    return Array.from(row, (cell) => cell ?? null); // missing keys have left holes
  }

  shape(): Shape {
    return {
      named: this.#objects,
      columns: [...this.#places.keys()],
      remarks: columnRemarks(this.#places.size + this.#left.size),
    };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber)
  );
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
