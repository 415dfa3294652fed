/** What the readers of a file's formats share: what they yield, and what a tab takes at most. */

import { whole } from "../format.ts";
import type { Encoding, Table } from "./table.ts";

/** The most columns that are read. */
export const MOST_COLUMNS = 200;
const MOST_ROWS = 300_000;

/** What larger files are told. */
export const COMMAND_LINE = "Larger files are for the command line: npx tabsense classify.";

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

/** How to read. */
export interface Ways {
  /** Whether a CSV file's first row holds names; undefined where that is to be guessed. */
  named: boolean | undefined;
  signal: AbortSignal;
}

/** What a format's reader yields. */
export type Read = Pick<Table, "named" | "columns" | "rows" | "remarks" | "dialect">;

/** What is told of a table with more columns than are read. */
export function beyond(width: number): string[] {
  return width > MOST_COLUMNS
    ? [
        `Of ${whole(width)} columns, the first ${whole(MOST_COLUMNS)} are read: the rest is neither shown nor exported.`,
      ]
    : [];
}

/** Throws a {@link FileProblem} where there are more rows than a tab takes. */
export function limitRows(count: number): void {
  if (count > MOST_ROWS)
    throw new FileProblem(
      `The file has more than ${whole(MOST_ROWS)} rows, the most that a tab takes. ${COMMAND_LINE}`,
    );
}

/** Gives the page a turn; rejects once `signal` has fired. */
export async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}
