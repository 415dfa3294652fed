/**
 * The results in figures: a row for each device and length. It also replaces the charts for
 * those who can't see them.
 */

import { make } from "../dom.ts";
import { whole } from "../format.ts";
import type { Row } from "./results.ts";

/** A column: its heading, what it means, and its figure. */
export interface Column {
  head: string;
  title: string;
  cell(row: Row): string;
}

const FIRST: readonly Column[] = [
  {
    head: "tokens",
    title: "length of the text, special tokens included",
    cell: ({ tokens }) => whole(tokens),
  },
  { head: "runs", title: "measured calls", cell: ({ latency }) => whole(latency.count) },
  { head: "p50", title: "median, milliseconds", cell: ({ latency }) => ms(latency.p50) },
  {
    head: "p95",
    title: "95 of 100 calls were as fast, milliseconds",
    cell: ({ latency }) => ms(latency.p95),
  },
  {
    head: "p99",
    title: "99 of 100 calls were as fast, milliseconds",
    cell: ({ latency }) => ms(latency.p99),
  },
  { head: "mean", title: "milliseconds", cell: ({ latency }) => ms(latency.mean) },
  { head: "sd", title: "standard deviation, milliseconds", cell: ({ latency }) => ms(latency.deviation) },
  { head: "min", title: "fastest call, milliseconds", cell: ({ latency }) => ms(latency.min) },
  {
    head: "requests/s",
    title: "one after the other, by the mean",
    cell: ({ requestsPerSecond }) => rate(requestsPerSecond),
  },
  {
    head: "tokens/s",
    title: "one request after the other, by the mean",
    cell: ({ tokensPerSecond }) => rate(tokensPerSecond),
  },
];
const LEAD = "p50"; // the figure to read first
const DEVICE: Column = { head: "device", title: "where it ran", cell: ({ device }) => device };

/** The columns; devices have one only if there are several. */
export function columns(devices: readonly string[]): readonly Column[] {
  return devices.length > 1 ? [DEVICE, ...FIRST] : FIRST;
}

/** Fills `table` with `rows`. */
export function showTable(table: HTMLTableElement, devices: readonly string[], rows: readonly Row[]): void {
  const shown = columns(devices);
  const heads = make("tr");
  for (const { head: name, title } of shown) {
    const cell = make("th", "", name);
    cell.scope = "col";
    cell.title = title;
    heads.append(cell);
  }
  const body = rows.map((row) => {
    const line = make("tr");
    line.dataset.device = row.device;
    line.dataset.tokens = String(row.tokens);
    shown.forEach(({ head, cell }, index) => {
      const item = make(index === 0 ? "th" : "td", "", cell(row));
      if (index === 0) item.setAttribute("scope", "row");
      item.classList.toggle("lead", head === LEAD);
      line.append(item);
    });
    return line;
  });
  const [thead, tbody] = [make("thead"), make("tbody")];
  thead.append(heads);
  tbody.append(...body);
  table.replaceChildren(thead, tbody);
}

/** Milliseconds without the unit, to the precision of a browser's clock. */
function ms(value: number): string {
  return value < 100 ? value.toFixed(value < 10 ? 2 : 1) : whole(Math.round(value));
}

function rate(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value < 10 ? value.toFixed(1) : whole(Math.round(value));
}
