/** A file as a table: rows of cells below named columns, and the choice of the column with the texts. */

import type { LosslessNumber } from "lossless-json";
import type { Encoding } from "../../../js/csv/content.ts";
import type { Dialect } from "../../../js/csv/dialect.ts";

export type { Encoding };

/**
 * The content of a cell. Nested JSON is kept as its JSON text, and a number that JavaScript would
 * change keeps its digits.
 */
export type Cell = string | number | boolean | null | LosslessNumber;

/**
 * How a file is laid out: `"csv"` with any of the usual separators, JSON Lines, a JSON array, or one text per
 * line.
 */
export type Format = "csv" | "jsonl" | "json" | "lines";

/** What was read. */
export interface Table {
  /** The file's name. */
  name: string;
  format: Format;
  encoding: Encoding;
  /** Whether the columns' names are the file's own. */
  named: boolean;
  columns: string[];
  rows: Cell[][];
  /** The dialect of a CSV; `skipped`: lines before its first row. */
  dialect?: Dialect & { skipped: number };
  /** What the user should know about the reading, in sentences. */
  remarks: string[];
}

const NAMES = [
  "text",
  "texts",
  "review",
  "sentence",
  "comment",
  "content",
  "message",
  "body",
  "tweet",
  "feedback",
  "description",
  "summary",
  "title",
];
/** How many rows the choice of a column looks at, if one of them contains a text. */
export const SAMPLE_ROWS = 200;
const SHORT = 40; // characters of the longest plausible name of a column

/** A cell as it is shown and classified. */
export function textOf(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? "" : String(cell);
}

/** The column that most likely contains the texts, by its name or else by its length; -1 if none has any. */
export function guessColumn({ columns, rows }: Pick<Table, "columns" | "rows">): number {
  const names = columns.map((name) => name.trim().toLowerCase());
  const weigh = (seen: readonly Cell[][]): number[] =>
    columns.map((_, at) =>
      seen.reduce(
        (sum, row) => sum + (typeof row[at] === "string" && !isNumber(row[at]) ? row[at].trim().length : 0),
        0,
      ),
    );
  let weight = weigh(rows.slice(0, SAMPLE_ROWS));
  if (weight.every((length) => length === 0)) weight = weigh(rows);
  const hasText = (at: number): boolean => (weight[at] ?? 0) > 0;
  for (const name of NAMES) {
    const at = names.indexOf(name);
    if (at >= 0 && hasText(at)) return at;
  }
  const longest = Math.max(0, ...weight);
  const part = names.findIndex(
    (name, at) =>
      hasText(at) && (weight[at] ?? 0) * 2 > longest && NAMES.some((known) => name.includes(known)),
  );
  return part >= 0 ? part : longest > 0 ? weight.indexOf(longest) : -1;
}

/**
 * Whether a first row looks like names: none is long, a number or a sentence. If one is empty or occurs
 * twice, all others must be words that don't occur again in their columns.
 */
export function looksLikeNames(row: readonly string[], below: readonly (readonly string[])[]): boolean {
  const names = row.map((name) => name.trim());
  const given = names.filter((name) => name !== "");
  if (given.length === 0 || !given.every(looksLikeName)) return false;
  if (new Set(given).size === names.length) return true;
  const seen = below.slice(0, SAMPLE_ROWS);
  return (
    seen.length > 0 &&
    names.every(
      (name, at) => name === "" || (WORDS.test(name) && !seen.some((cells) => cells[at]?.trim() === name)),
    )
  );
}

/** One to three words. */
const WORDS = /^[\p{L}_][\p{L}\p{N}_.-]*(?: [\p{L}\p{N}_.-]+){0,2}$/u;

function looksLikeName(name: string): boolean {
  return name.length <= SHORT && !isNumber(name) && !/[.!?]$/.test(name);
}

/** Whether a text is a number and nothing else. */
export function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}
