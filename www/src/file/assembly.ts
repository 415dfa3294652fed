/** Reassembles the rows that a reader sends. */

import { LosslessNumber } from "lossless-json";
import type { ReaderMessage } from "./reading.ts";
import type { Cell, Table } from "./table.ts";

/** A table that is being read. */
export interface Assembly {
  take(sent: ReaderMessage): void;
  /** The table; null until it is complete. */
  table(): Table | null;
}

/** Starts a table without rows. */
export function assembly(): Assembly {
  let rows: Cell[][] = [];
  let table: Table | null = null;
  return {
    take(sent) {
      if (sent.type === "rows") for (const row of sent.rows) rows.push(revived(row));
      else if (sent.type === "restart") rows = [];
      else if (sent.type === "end") table = { ...sent.table, rows: rows.slice(sent.skip) };
    },
    table: () => table,
  };
}

/** Messages between threads keep the fields of objects, but not their class. */
function revived(row: Cell[]): Cell[] {
  return row.some((cell) => typeof cell === "object" && cell !== null)
    ? row.map((cell) => (typeof cell === "object" && cell !== null ? new LosslessNumber(cell.value) : cell))
    : row;
}
