/** What the readers of all formats share: what they read, what they send, their limits and their errors. */

import { whole } from "../format.ts";
import type { Cell, Encoding, Table } from "./table.ts";

/** The maximum number of columns that are read. */
export const MAX_COLUMNS = 200;

/** The largest file that is read, in bytes. */
export const MAX_BYTES = 100e6;

const MAX_ROWS = 300_000;

/** What a larger file's error recommends. */
export const COMMAND_LINE = "Use the command line for larger files: npx tabsense classify.";

/** What can be wrong with a file. */
export type ProblemKind =
  | "empty"
  | "too large"
  | "unreadable"
  | "not text"
  | "not UTF-8"
  | "syntax"
  | "unsuitable"
  | "internal";

/** A file that can't be used, and why. */
export class FileProblem extends Error {
  constructor(
    message: string,
    readonly kind: ProblemKind = "unsuitable",
  ) {
    super(message);
  }
}

/** How to read a file if the guess is wrong. */
export interface Reading {
  encoding?: Encoding;
  /** Whether a CSV file's first row contains names. */
  named?: boolean;
}

/** A part of a file's text. */
export interface Piece {
  text: string;
  /** The bytes of the file up to the end of this piece. */
  read: number;
}

/** A file's text. */
export interface Source {
  encoding: Encoding;
  /** The first piece: enough to recognise the format and the CSV dialect. */
  head: string;
  /** Whether the first piece is the whole file. */
  isComplete: boolean;
  /** Reads the text, from its beginning each time. */
  pieces(): AsyncIterable<Piece>;
}

/** What a reader finds out about the table as a whole. */
export type Shape = Pick<Table, "named" | "columns" | "remarks" | "dialect">;

/** What a format's reader yields. */
export type ParseEvent =
  /** More rows; `read` as in {@link Piece}. */
  | { type: "rows"; rows: Cell[][]; read: number }
  /** The rows so far are void: the file is read again, in another way. */
  | { type: "restart" }
  /** The end. The first `skip` rows don't belong to the table. */
  | { type: "end"; shape: Shape; skip: number };

/** What the worker sends. */
export type ReaderMessage =
  | Exclude<ParseEvent, { type: "end" }>
  | { type: "end"; table: Omit<Table, "rows">; skip: number }
  | { type: "problem"; kind: ProblemKind; message: string };

/** The remark on a table with more columns than are read. */
export function columnRemarks(width: number): string[] {
  return width > MAX_COLUMNS
    ? [
        `Only the first ${whole(MAX_COLUMNS)} of ${whole(width)} columns are read. ` +
          "The others are neither shown nor exported.",
      ]
    : [];
}

/** Throws a {@link FileProblem} if there are more rows than the tab accepts. */
export function limitRows(count: number): void {
  if (count > MAX_ROWS)
    throw new FileProblem(
      `The file has more than ${whole(MAX_ROWS)} rows, which is the limit of this tab. ${COMMAND_LINE}`,
      "too large",
    );
}
