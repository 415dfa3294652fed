/** A row of text with its other columns, for any format. */

import { TabsenseError } from "../api/errors.js";
import { quoted } from "../api/quoted.js";
import type { Text } from "../api/types.js";

/** The formats that are read. */
export const FORMATS = ["csv", "tsv", "jsonl", "text"] as const;

/** A format that is read. */
export type Format = (typeof FORMATS)[number];

/** One text, or two as a pair, and what came with it. */
export interface Row {
  /** The line that it begins on, from 1. */
  line: number;
  /** Bytes of the file up to the next row. */
  end: number;
  text: string;
  /** The second text; null if none is requested. */
  pair: string | null;
  /** The names of `values`. */
  columns: readonly string[];
  values: readonly unknown[];
  /** The unparsed row of a JSON Lines file: parsing would lose digits of large numbers. */
  json: string | null;
}

/** Called for a row that is left out. Without it, such a row ends the command. */
export type OnInvalid = (error: TabsenseError) => void;

/** What messages call the columns, and the options that name them. */
export interface ColumnNames {
  text: { what: string; option: string };
  pair: { what: string; option: string };
}

/** The names for texts and pairs to classify. */
export const PAIR_COLUMNS: ColumnNames = {
  text: { what: "text", option: "--column" },
  pair: { what: "second text", option: "--pair-column" },
};

/** How to find the texts in a file. */
export interface RowOptions {
  /** What messages call the file. */
  name: string;
  format: Format;
  /** A column's name, or its number from 1. Null: `"text"`, or the only one. */
  column: string | null;
  /** The column of the second texts; null: there are none. */
  pairColumn: string | null;
  names: ColumnNames;
  /** What separates columns; null: detected in the file. */
  delimiter: string | null;
  /** What quotes fields; null: nothing does. */
  quote: string | null;
  /** Whether the CSV's first row has the columns' names. */
  header: boolean;
  onInvalid: OnInvalid | null;
}

/** The rows of a file, and the columns that the first of them has. */
export interface Rows {
  columns: readonly string[];
  /** Their names as the file has them, which may be empty or the same. */
  header: readonly string[];
  /** What separates columns in the file; null if it isn't CSV. */
  delimiter: string | null;
  rows: AsyncGenerator<Row>;
}

/** A column's index: by its name, or else by its number. Null if there is none. */
export function placeOf(column: string | null, columns: readonly string[]): number | null {
  if (column === null)
    return columns.includes("text") ? columns.indexOf("text") : columns.length === 1 ? 0 : null;
  if (columns.includes(column)) return columns.indexOf(column);
  const number = /^[1-9]\d*$/.test(column) ? Number(column) : 0;
  return number >= 1 && number <= columns.length ? number - 1 : null;
}

/** The part of a row that is classified. */
export function textOf({ text, pair }: Pick<Row, "text" | "pair">): Text {
  return pair === null ? text : { text, pair };
}

/** Whether `nothing` is true for all texts of a row. */
export function isOnly({ text, pair }: Row, nothing: (text: string) => boolean): boolean {
  return nothing(text) && nothing(pair ?? "");
}

/** Leaves a row out, or else throws its error. */
export function refuseRow(error: TabsenseError, onInvalid: OnInvalid | null): void {
  if (!onInvalid) throw withAdvice(error);
  onInvalid(error);
}

/** The error of a row that could have been left out. */
export function withAdvice({ kind, message, cause }: TabsenseError): TabsenseError {
  return new TabsenseError(kind, `${message} Or skip such rows with --skip-invalid.`, { cause });
}

/** An error in a row. */
export function invalidRow(message: string, cause?: unknown): TabsenseError {
  return new TabsenseError("invalid_argument", message, { cause });
}

/** A generator whose first step has already been taken. */
export async function* continued<T>(
  first: IteratorResult<T, unknown>,
  rest: AsyncGenerator<T>,
): AsyncGenerator<T> {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** The maximum number of characters of a name in a message. */
const LONGEST_NAME = 40;

/** Names for a message, not too many of them. */
export function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, 20)
    .map((name) => quoted(name, LONGEST_NAME))
    .join(", ");
  return names.length === 0 ? "none" : names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

/** The error of a row in another encoding. */
export function notUtf8(line: number, name: string): TabsenseError {
  return invalidRow(
    `Line ${line} of ${name} is not UTF-8. Save the file as UTF-8, or pass its encoding: --encoding windows-1252.`,
  );
}
