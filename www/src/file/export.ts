/** The rows with their verdicts as files: CSV, JSON, JSON Lines; the file's own columns, and two more. */

import Papa from "papaparse";
import type { Item } from "./rows.ts";
import type { Cell, Table } from "./table.ts";

/** What a spreadsheet would take for a formula, and compute: plain numbers are none. */
const FORMULA = /^(?![+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$)[=+\-@\t\r]/i;

/** The formats, each with its ending and its media type. */
export const EXPORTS = {
  csv: { type: "text/csv;charset=utf-8", write: csv },
  json: {
    type: "application/json",
    write: (table: Table, items: readonly Item[]) => `${JSON.stringify(records(table, items), null, 2)}\n`,
  },
  jsonl: {
    type: "application/jsonl",
    write: (table: Table, items: readonly Item[]) =>
      records(table, items)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(""),
  },
} as const;

/** A format, by its ending. */
export type Ending = keyof typeof EXPORTS;

/** The name of an export: "reviews.csv" gives "reviews-labels.jsonl". */
export function nameOf(file: string, ending: Ending): string {
  return `${file.replace(/\.[^.]*$/, "") || "texts"}-labels.${ending}`;
}

/** The columns' names: the file's, and two that are not among them. */
function namesOf({ columns }: Table): string[] {
  const free = (name: string): string => (columns.includes(name) ? free(`predicted_${name}`) : name);
  return [...columns, free("label"), free("score")];
}

function csv(table: Table, items: readonly Item[]): string {
  const data = items.map(({ cells, label, score }) => [
    ...table.columns.map((_, at) => cells[at] ?? ""),
    label ?? "",
    label === null ? "" : score,
  ]);
  return `${Papa.unparse({ fields: namesOf(table), data }, { escapeFormulae: FORMULA })}\r\n`;
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
