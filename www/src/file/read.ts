/**
 * Reads a file that was dropped on the page into a table: CSV, JSON Lines, a JSON array, or a text a line.
 * Bad files are told in words.
 */

import { markedEncoding, notText, type Encoding } from "../../../js/csv/content.ts";
import { bytes } from "../format.ts";
import { readCsv } from "./csv.ts";
import { readJson, readJsonLines } from "./json.ts";
import { COMMAND_LINE, FileProblem, limitRows, type Read } from "./reading.ts";
import type { Format, Table } from "./table.ts";

const MOST_BYTES = 100e6;
const HEAD_BYTES = 1 << 16; // in which a file shows what it is

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
    ...(await read(decoded.text, { named, signal }, /\.(tsv|tab)$/i.test(file.name))),
  };
  if (table.rows.length === 0)
    throw new FileProblem(`${file.name} has no rows${table.named ? " below its head" : ""}.`);
  return table;
}

function decode(
  content: Uint8Array<ArrayBuffer>,
  name: string,
  asked: Encoding | undefined,
): { text: string; encoding: Encoding } {
  const marked = markedEncoding(content);
  const problem = marked?.startsWith("utf-16") ? null : notText(content.subarray(0, HEAD_BYTES));
  if (problem !== null) throw new FileProblem(`${name} is ${problem}.`);
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

async function readLines(text: string): Promise<Read> {
  const rows = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "")
    .map((line) => [line]);
  limitRows(rows.length);
  return { named: false, columns: ["line"], rows, remarks: [] };
}
