/** Exports the rows with their verdicts as CSV, JSON or JSON Lines: the file's own columns, and two more. */

import { stringify as toCsv } from "csv-stringify/browser/esm/sync";
import { stringify } from "lossless-json";
import { withoutFormula } from "../../../js/csv/formulas.ts";
import type { Item } from "./rows.ts";
import { textOf, type Cell, type Table } from "./table.ts";

/** The formats by their file extensions, each with its media type. */
export const EXPORTS = {
  csv: { type: "text/csv;charset=utf-8", write: csv },
  json: {
    type: "application/json",
    write: (table: Table, items: readonly Item[]) => `${stringify(records(table, items), null, 2)}\n`,
  },
  jsonl: {
    type: "application/jsonl",
    write: (table: Table, items: readonly Item[]) =>
      records(table, items)
        .map((record) => `${stringify(record)}\n`)
        .join(""),
  },
} as const;

/** A format, as a file extension. */
export type ExportFormat = keyof typeof EXPORTS;

/** The name of an export: "reviews.csv" gives "reviews-labels.jsonl". */
export function nameOf(file: string, format: ExportFormat): string {
  return `${file.replace(/\.[^.]*$/, "") || "texts"}-labels.${format}`;
}

/** The columns' names: the file's, and two that are not among them. */
function namesOf({ columns }: Table): string[] {
  const free = (name: string): string => (columns.includes(name) ? free(`predicted_${name}`) : name);
  return [...columns, free("label"), free("score")];
}

function csv(table: Table, items: readonly Item[]): string {
  const rows = items.map(({ cells, label, score }) => [
    ...table.columns.map((_, at) => textOf(cells[at])),
    label ?? "",
    label === null ? "" : String(score),
  ]);
  const safe = [namesOf(table), ...rows].map((row) => row.map(withoutFormula));
  // Many readers would take a lone carriage return for the end of a row.
  return toCsv(safe, { record_delimiter: "\r\n", quoted_match: /[\r\n]/ });
}

function records(table: Table, items: readonly Item[]): Record<string, Cell>[] {
  const names = namesOf(table);
  return items.map(({ cells, label, score }) => {
    const values: Cell[] = [
      ...table.columns.map((_, at) => cells[at] ?? null),
      label,
      label === null ? null : score,
    ];
    return Object.fromEntries(names.map((name, at) => [name, values[at] ?? null]));
  });
}
