/**
 * Reads a file that was dropped on the page into a table: CSV, JSON Lines, a JSON array, or a text a line.
 * Bad files are told in words.
 */

import Papa from "papaparse";
import { bytes, counted, whole } from "../format.ts";
import { looksLikeNames, type Cell, type Encoding, type Format, type Table } from "./table.ts";

const MOST_BYTES = 100e6;
const MOST_ROWS = 300_000;
const MOST_COLUMNS = 200;
const CSV_CHUNK = 512 * 1024; // UTF-16 units that are read at once; in between, the page gets a turn
const LINES_CHUNK = 5_000;
const COMMAND_LINE = "Larger files are for the command line: npx tabsense classify.";

/** A file that can't be read, and why. */
export class FileProblem extends Error {
  /** `otherwise`: the encoding that it may be in. */
  constructor(
    message: string,
    readonly otherwise: Encoding | null = null,
  ) {
    super(message);
  }
}

/** How to read a file where the guess is not to be trusted. */
export interface Reading {
  encoding?: Encoding;
  /** Whether a CSV file's first row holds names. */
  named?: boolean;
}

/**
 * Reads a file. The page stays responsive meanwhile.
 *
 * @throws {FileProblem} where it is empty, too large, no text, or holds nothing to classify; an `AbortError`
 * when `signal` fires.
 */
export async function readTable(
  file: File,
  { encoding, named }: Reading,
  signal: AbortSignal,
): Promise<Table> {
  if (file.size === 0) throw new FileProblem(`${file.name} is empty.`);
  if (file.size > MOST_BYTES)
    throw new FileProblem(
      `${file.name} has ${bytes(file.size)}: a tab takes ${bytes(MOST_BYTES)} at most. ${COMMAND_LINE}`,
    );
  const content = await file.arrayBuffer().catch(() => {
    throw new FileProblem(`${file.name} can’t be read any more. Choose it again.`);
  });
  signal.throwIfAborted();
  const decoded = decode(new Uint8Array(content), file.name, encoding);
  if (decoded.text.trim() === "") throw new FileProblem(`${file.name} holds nothing but white space.`);
  const format = formatOf(file.name, decoded.text);
  const read = { csv: readCsv, jsonl: readJsonLines, json: readJson, lines: readLines }[format];
  const table = {
    name: file.name,
    format,
    encoding: decoded.encoding,
    ...(await read(decoded.text, { named, signal })),
  };
  if (table.rows.length === 0)
    throw new FileProblem(`${file.name} has no rows${table.named ? " below its head" : ""}.`);
  return table;
}

interface Ways {
  named: boolean | undefined;
  signal: AbortSignal;
}

type Read = Pick<Table, "named" | "columns" | "rows" | "remarks">;

function decode(
  content: Uint8Array<ArrayBuffer>,
  name: string,
  asked: Encoding | undefined,
): { text: string; encoding: Encoding } {
  const [first, second, third] = content;
  if (first === 0x50 && second === 0x4b && third === 3)
    throw new FileProblem(`${name} is a workbook or an archive, not text. Export the sheet as CSV first.`);
  const marked: Encoding | null =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : null;
  const encoding = marked ?? asked ?? "utf-8";
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(content);
  } catch {
    throw new FileProblem(
      `${name} is not in UTF-8. Save it as UTF-8, or read it as Windows-1252, the encoding of older programs.`,
      encoding === "utf-8" ? "windows-1252" : null,
    );
  }
  if (text.includes("\0")) throw new FileProblem(`${name} is not a text file.`);
  return { text, encoding };
}

function formatOf(name: string, text: string): Format {
  const ending = /\.(\w+)$/.exec(name.toLowerCase())?.[1] ?? "";
  if (["csv", "tsv", "tab"].includes(ending)) return "csv";
  if (["jsonl", "ndjson"].includes(ending)) return "jsonl";
  const start = text.trimStart()[0];
  if (ending === "json") return start === "[" ? "json" : "jsonl";
  return start === "{" ? "jsonl" : "lines";
}

/** The separator is guessed; rows that lack cells or have too many, and quotes that don't match, are told. */
async function readCsv(text: string, { named, signal }: Ways): Promise<Read> {
  const all: string[][] = [];
  let quotes: number | null = null; // the first row whose quotes don't match, counted from 1
  await new Promise<void>((resolve, reject) => {
    const chunks = {
      chunkSize: CSV_CHUNK, // read by the parser, unknown to its types for strings
      skipEmptyLines: "greedy" as const,
      chunk: ({ data, errors }: Papa.ParseResult<string[]>, parser: Papa.Parser) => {
        const wrong = errors.find(({ type }) => type === "Quotes");
        if (wrong) quotes ??= all.length + 1 + (wrong.row ?? 0);
        for (const row of data) all.push(row);
        try {
          signal.throwIfAborted();
          limitRows(all.length);
        } catch (error) {
          parser.abort();
          return reject(error);
        }
        parser.pause();
        setTimeout(() => parser.resume());
      },
      complete: () => resolve(),
    };
    Papa.parse<string[]>(text, chunks as never);
  });
  const [head = [], ...below] = all;
  const hasNames = named ?? looksLikeNames(head);
  const rows: Cell[][] = hasNames ? below : all;
  const width = rows.reduce((most, row) => Math.max(most, row.length), hasNames ? head.length : 0);
  const columns = Array.from(
    { length: Math.min(MOST_COLUMNS, width) },
    (_, at) => (hasNames && head[at]?.trim()) || `column ${at + 1}`,
  );
  const unequal = rows.filter((row) => row.length !== (hasNames ? head.length : width)).length;
  const remarks: string[] = [];
  if (quotes !== null)
    remarks.push(`The quotes around row ${whole(quotes)} don’t match: what follows may be cut wrongly.`);
  if (unequal > 0)
    remarks.push(
      `${counted(unequal, "row")} ${unequal === 1 ? "has" : "have"} ${hasNames ? "more or fewer cells than the head" : "fewer cells than the longest one"}.`,
    );
  remarks.push(...beyond(width));
  return { named: hasNames, columns: unique(columns), rows, remarks };
}

/** Lines that are no JSON are left out, and told. */
async function readJsonLines(text: string, { signal }: Ways): Promise<Read> {
  const values: unknown[] = [];
  const wrong: number[] = [];
  let place = 0;
  for (const line of text.split("\n")) {
    place += 1;
    if (place % LINES_CHUNK === 0) await turn(signal);
    if (line.trim() === "") continue;
    try {
      values.push(JSON.parse(line));
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

async function readJson(text: string): Promise<Read> {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new FileProblem(`This is no JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
  if (!Array.isArray(values))
    throw new FileProblem("This JSON is not an array: it takes an array of objects, or of texts.");
  limitRows(values.length);
  return ofValues(values);
}

async function readLines(text: string): Promise<Read> {
  const rows = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "")
    .map((line) => [line]);
  limitRows(rows.length);
  return { named: false, columns: ["line"], rows, remarks: [] };
}

/** Objects by their keys, in the order in which they first come; anything else is a value by itself. */
function ofValues(values: readonly unknown[]): Read {
  const places = new Map<string, number>();
  const left = new Set<string>(); // keys beyond the most columns
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
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

/** What is told of a table with more columns than are read. */
function beyond(width: number): string[] {
  return width > MOST_COLUMNS
    ? [
        `Of ${whole(width)} columns, the first ${whole(MOST_COLUMNS)} are read: the rest is neither shown nor exported.`,
      ]
    : [];
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : JSON.stringify(value);
}

function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

function limitRows(count: number): void {
  if (count > MOST_ROWS)
    throw new FileProblem(
      `The file has more than ${whole(MOST_ROWS)} rows, the most that a tab takes. ${COMMAND_LINE}`,
    );
}

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}
