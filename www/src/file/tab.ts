/** What the File tab and the page know of each other, the tab's states, and its sample. */

import type { Loaded } from "../slot.ts";
import type { FileRead } from "../code.ts";
import { find, make, part } from "../dom.ts";
import { bytes, counted, whole } from "../format.ts";
import type { Taught } from "./judge.ts";
import { FileProblem } from "./reading.ts";
import type { Item } from "./rows.ts";
import type { Format, Table } from "./table.ts";

/** The formats, as the tab names them. */
const FORMATS: Record<Format, string> = {
  csv: "CSV",
  jsonl: "JSON Lines",
  json: "JSON",
  lines: "a text a line",
};

/** What the tab needs of the page. */
export interface Page {
  /** The model in use, with the request that brought it. */
  loaded(): Loaded | null;
  /** The classifier that was taught; null while there is none. */
  taught(): Taught | null;
  /** Runs calls, so that the page knows of them. */
  run<T>(calls: () => Promise<T>): Promise<T>;
}

/** The tab's side of the page. */
export interface FileTab {
  /** Tells that another model is in use, or another classifier was taught. */
  adopt(): void;
  /** Reads the file that was dropped; says so where there are several. */
  open(files: readonly File[]): void;
}

/** The states of the panel. */
export type State = "empty" | "reading" | "chosen" | "running" | "done" | "stopped" | "error";

/** Whether an element can have the focus. */
export function usable(element: Element | null): boolean {
  return element?.checkVisibility() === true && !element.matches(":disabled");
}

/** What the button says where `waiting` texts can be classified; `others`: some of the items are already. */
export function offered(ready: boolean, waiting: number, others: boolean, items: readonly Item[]): string {
  if (!ready) return "Waiting for the model";
  if (waiting > 0)
    return others ? `Classify the other ${whole(waiting)}` : `Classify ${counted(waiting, "text")}`;
  return items.every(({ why }) => why === "no text") ? "No text to classify" : "All classified";
}

/** Fetches the sample. Throws a {@link FileProblem} where that fails. */
export async function fetchSample(signal: AbortSignal): Promise<File> {
  try {
    const response = await fetch("./sample.csv", { signal });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
    return new File([await response.blob()], "sample.csv");
  } catch (error) {
    throw new FileProblem(
      `The sample could not be fetched (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
}

/** Shows what was read of a file of so many bytes; the column at `chosen` has its texts. */
export function showFile(table: Table, size: number, chosen: number): void {
  part("file-column", HTMLSelectElement).replaceChildren(
    ...table.columns.map((name, at) => new Option(name, String(at), false, at === chosen)),
  );
  part("file-named", HTMLInputElement).checked = table.named;
  part("file-named-label", HTMLElement).hidden = table.format !== "csv";
  find(".field", HTMLElement, part("file-form", HTMLElement)).hidden = table.columns.length < 2;
  part("file-name", HTMLElement).textContent = table.name;
  part("file-facts", HTMLElement).textContent =
    `${FORMATS[table.format]}, ${counted(table.rows.length, "row")}, ${bytes(size)}`;
  part("file-remarks", HTMLElement).replaceChildren(...table.remarks.map((remark) => make("li", "", remark)));
}

/** How the table was read, for the code that does the same. */
export function readingOf({ name, format, encoding, dialect, named, columns }: Table, at: number): FileRead {
  return { name, format, encoding, ...(dialect && { dialect }), named, at, column: columns[at] ?? "" };
}

/** Fills the bar of the progress, from 0 to 1. */
export function fill(share: number): void {
  const bar = part("file-progress", HTMLElement);
  find("i", HTMLElement, bar).style.setProperty("--share", String(share));
  bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
}
