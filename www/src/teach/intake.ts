/** Examples from a file: a table's columns of texts and labels, or lines for one label. */

import { counted, whole } from "../format.ts";
import { guessColumn, textOf, type Table } from "../file/table.ts";
import type { Example } from "./lesson.ts";

/** Usual names of a column of labels, most likely first. */
const NAMES = [
  "label",
  "labels",
  "class",
  "category",
  "intent",
  "topic",
  "tag",
  "target",
  "expected",
  "sentiment",
  "type",
];
const SAMPLE_ROWS = 2_000; // rows that the choice of a column looks at

/** The columns that seem to contain a table's texts and labels. */
export interface Columns {
  text: number;
  /** -1 if none looks like labels. */
  label: number;
}

/** Which columns contain the texts and the labels; null if there is no text. */
export function guessColumns(table: Pick<Table, "columns" | "rows">): Columns | null {
  const text = guessColumn(table);
  return text < 0 ? null : { text, label: guessLabels(table, text) };
}

/** The column other than `text` with a usual name, or else the one with the fewest values, if they repeat. */
function guessLabels({ columns, rows }: Pick<Table, "columns" | "rows">, text: number): number {
  const names = columns.map((name) => name.trim().toLowerCase());
  const named = NAMES.map((name) => names.indexOf(name)).find((at) => at >= 0 && at !== text);
  if (named !== undefined) return named;
  const seen = rows.slice(0, SAMPLE_ROWS);
  const kinds = columns.map((_, at) => new Set(seen.map((row) => textOf(row[at]).trim())).size);
  const places = columns
    .map((_, at) => at)
    .filter((at) => {
      const kind = kinds[at] ?? 0;
      return at !== text && kind > 1 && kind <= seen.length / 2;
    });
  return places.sort((a, b) => (kinds[a] ?? 0) - (kinds[b] ?? 0))[0] ?? -1;
}

/** The examples of a table; rows without a text or a label are left out. */
export function examplesOf({ rows }: Pick<Table, "rows">, { text, label }: Columns): Example[] {
  return rows
    .map((row) => ({ text: oneLine(textOf(row[text])), label: oneLine(textOf(row[label])) }))
    .filter((example) => example.text !== "" && example.label !== "");
}

/** What a table contains, in a sentence. */
export function intakeWords(name: string, examples: readonly Example[], rows: number): string {
  const labels = new Set(examples.map(({ label }) => label)).size;
  const left = rows - examples.length;
  const without = left > 0 ? `; ${counted(left, "row")} without a text or a label` : "";
  return `${name}: ${counted(examples.length, "example")} of ${counted(labels, "label")}${without}.`;
}

/** Why this many examples and labels are not accepted; null if they are. */
export function tooMany(
  { examples, labels }: { examples: number; labels: number },
  max: { examples: number; labels: number },
): string | null {
  if (examples > max.examples)
    return `That would be ${whole(examples)} examples, but this tab allows at most ${whole(max.examples)}. The package and the command line (tabsense teach) allow more.`;
  if (labels > max.labels)
    return `That would be ${whole(labels)} labels, but this tab allows at most ${whole(max.labels)}. Is it the right column?`;
  return null;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
