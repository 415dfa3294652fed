/** The rows of a file with their verdicts: what is shown of them, and in which order. */

import { isNumber, textOf, type Cell, type Table } from "./table.ts";

/** One row: its text, and its verdict or why there is none. */
export interface Item {
  /** Its place in the file, from 1. */
  place: number;
  cells: readonly Cell[];
  text: string;
  /** The text in lower case, to search and sort by. */
  lower: string;
  label: string | null;
  score: number;
  /** Whether the text was cut to the model's length. */
  cut: boolean;
  /** Why there is no verdict; empty if there is one, or will be. */
  why: "" | "no text" | "not sure";
}

/** Which rows to show. */
export interface Filter {
  /** A label, or a reason for having none; null for all. */
  group: string | null;
  text: string;
  /** The minimum score; 0 also shows rows without a verdict. */
  minScore: number;
}

/** What rows are sorted by: one of the page's columns, or the index of one of the file's. */
export type Key = "place" | "text" | "label" | "score" | number;

/** A column and a direction. */
export interface Order {
  key: Key;
  down: boolean;
}

/** A filter that all rows pass. */
export const ALL: Filter = { group: null, text: "", minScore: 0 };

/** The order of the file. */
export const AS_READ: Order = { key: "place", down: false };

/** The rows of a table, with the texts of one of its columns. */
export function itemsOf({ rows }: Table, column: number): Item[] {
  return rows.map((cells, at) => {
    const text = textOf(cells[column]);
    return {
      place: at + 1,
      cells,
      text,
      lower: text.toLowerCase(),
      label: null,
      score: 0,
      cut: false,
      why: text.trim() === "" ? "no text" : "", // the model may find others without text, too
    };
  });
}

/** Whether a row has a text to classify. */
export function hasText({ text }: Item): boolean {
  return text.trim() !== "";
}

/** The rows that have no verdict yet. */
export function waiting(items: readonly Item[]): Item[] {
  return items.filter(({ label, why }) => label === null && why === "");
}

/** What a row counts as: its label, or why it has none; null while it waits. */
export function groupOf({ label, why }: Item): string | null {
  return label ?? (why || null);
}

/** The number of rows in each group, largest first; rows that wait are not counted. */
export function tally(items: readonly Item[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const group = groupOf(item);
    if (group !== null) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return new Map([...counts].sort((a, b) => b[1] - a[1]));
}

/** The rows that pass the filter, in order. Rows without a value to sort by come last in either direction. */
export function select(
  items: readonly Item[],
  { group, text, minScore }: Filter,
  { key, down }: Order,
): Item[] {
  const wanted = text.trim().toLowerCase();
  const shown = items.filter(
    (item) =>
      (group === null || groupOf(item) === group) &&
      (minScore === 0 || (item.label !== null && item.score >= minScore)) &&
      (wanted === "" || item.lower.includes(wanted)),
  );
  if (key === "place") return down ? shown.reverse() : shown;
  const value = valueBy(key, items);
  const keyed = shown.map((item) => ({ item, by: value(item) }));
  keyed.sort((a, b) => {
    if (a.by === null || b.by === null)
      return a.by === b.by ? a.item.place - b.item.place : a.by === null ? 1 : -1;
    const order = a.by < b.by ? -1 : a.by > b.by ? 1 : 0;
    return (down ? -order : order) || a.item.place - b.item.place;
  });
  return keyed.map(({ item }) => item);
}

function valueBy(key: Exclude<Key, "place">, items: readonly Item[]): (item: Item) => string | number | null {
  if (key === "text") return (item) => item.lower || null;
  if (key === "label") return (item) => groupOf(item);
  if (key === "score") return (item) => (item.label === null ? null : item.score);
  // A column of numbers is sorted as numbers, in a CSV file too.
  const numbers = items.every(({ cells }) => textOf(cells[key]) === "" || isNumber(textOf(cells[key])));
  return ({ cells }) => {
    const text = textOf(cells[key]);
    return text === "" ? null : numbers ? Number(text) : text.toLowerCase();
  };
}
