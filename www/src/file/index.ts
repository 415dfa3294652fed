/** The File tab: a file is read, its texts are classified, and the verdicts shown while they come. Fetched when the tab is opened. */

import "./file.css";
import type { Classifier } from "tabsense";
import { fileCode } from "../code.ts";
import { find, make, part } from "../dom.ts";
import { bytes, counted, DEVICE_NAMES, percent, seconds, whole } from "../format.ts";
import type { Loaded } from "../slot.ts";
import { wireCode } from "../view/code.ts";
import { download } from "../view/copy.ts";
import { kindOf } from "../view/status.ts";
import { EXPORTS, nameOf, type Ending } from "./export.ts";
import { Grid } from "./grid.ts";
import { labelChart } from "./labels.ts";
import { showPreview } from "./preview.ts";
import { FileProblem, readTable, type Reading } from "./read.ts";
import { itemsOf, select, tally, type Filter, type Item, type Order } from "./rows.ts";
import { classifyRows, type Progress } from "./run.ts";
import { guessColumn, type Format, type Table } from "./table.ts";

const DRAW_EVERY_MS = 150;
const ENDINGS: readonly Ending[] = ["csv", "json", "jsonl"];
const FORMATS: Record<Format, string> = { csv: "CSV", jsonl: "JSON Lines", json: "JSON", lines: "a text a line" };
const ALL: Filter = { group: null, text: "", least: 0 };
const AS_READ: Order = { key: "place", down: false };
const HINT = "Press a row, or walk with the arrow keys, to read its whole text.";

/** What the tab needs of the page. */
export interface Page {
  /** The model in use, with the request that brought it. */
  loaded(): Loaded | null;
}

/** The tab's side of the page. */
export interface FileTab {
  /** Tells that another model is in use, or the first one. */
  adopt(): void;
  /** Reads a file that was dropped. */
  open(file: File): void;
}

/** The states of the panel. */
type State = "empty" | "reading" | "chosen" | "running" | "done" | "stopped" | "error";

/** Brings the tab to life. */
export function openFileTab(page: Page): FileTab {
  const panel = part("panel-file", HTMLElement);
  const input = part("file-input", HTMLInputElement);
  const column = part("file-column", HTMLSelectElement);
  const named = part("file-named", HTMLInputElement);
  const run = part("file-run", HTMLButtonElement);
  const stop = part("file-stop", HTMLButtonElement);
  const status = part("file-status", HTMLElement);
  const search = part("file-search", HTMLInputElement);
  const least = part("file-least", HTMLInputElement);
  const code = wireCode("file-code");

  let file: File | null = null;
  let table: Table | null = null;
  let items: Item[] = [];
  let shown: Item[] = [];
  let filter = ALL;
  let order = AS_READ;
  let by: Classifier | null = null; // the model that gave the verdicts
  let abort: AbortController | null = null;
  let due = 0; // when the table may be drawn again, so that a long one leaves time for the rest

  const chart = labelChart(part("file-labels", HTMLUListElement), (group) => narrow({ group }));
  const grid = new Grid(part("file-grid", HTMLElement), {
    sort: (key) => {
      order = { key, down: order.key === key ? !order.down : key === "score" };
      draw(true);
    },
    chosen: (item) => {
      const hand = part("file-row", HTMLElement);
      hand.textContent = item ? `Row ${whole(item.place)}: ${item.text.trim() || "no text"}` : HINT;
      hand.classList.toggle("hint", !item);
    },
  });

  const set = (state: State, words: string): void => {
    panel.dataset.state = state;
    status.dataset.state = state;
    status.textContent = words;
    part("tab-file", HTMLElement).classList.toggle("running", state === "running");
    part("file-progress", HTMLElement).classList.toggle("active", state === "running");
    const held = document.activeElement === run || document.activeElement === stop;
    part("file-zone", HTMLElement).hidden = table !== null;
    part("file-chosen", HTMLElement).hidden = table === null;
    part("file-preview", HTMLElement).hidden = by !== null;
    part("file-results", HTMLElement).hidden = by === null;
    run.hidden = state === "running";
    stop.hidden = state !== "running";
    column.disabled = named.disabled = state === "running";
    if (held) (run.hidden ? stop : run).focus();
    // Each step of a run would be too much for a screen reader: it hears the beginning and the end.
    part("file-announce", HTMLElement).textContent = state === "running" ? "Classifying" : words;
    offer();
  };

  /** What there is to classify is told by the button. */
  const offer = (): void => {
    const loaded = page.loaded();
    const waiting = loaded && by && loaded.classifier !== by ? items.filter(({ text }) => text.trim() !== "").length : left().length;
    run.disabled = !loaded || waiting === 0;
    run.textContent = !loaded ? "Waiting for the model" : waiting === 0 ? "All classified" : by && loaded.classifier === by ? `Classify the other ${whole(waiting)}` : `Classify ${counted(waiting, "text")}`;
  };

  const left = (): Item[] => items.filter(({ label, why }) => label === null && why === "");

  const fail = (problem: unknown): void => {
    const message = problem instanceof Error ? problem.message : String(problem);
    part("file-error-message", HTMLElement).textContent = message;
    part("file-recode", HTMLElement).hidden = !(problem instanceof FileProblem && problem.otherwise);
    part("file-error", HTMLElement).hidden = false;
  };

  const draw = (top: boolean): void => {
    const start = performance.now();
    shown = select(items, filter, order);
    grid.show(shown, order, top);
    const counts = tally(items);
    chart.show(counts, items.length, filter.group);
    const words = shown.length === items.length ? counted(items.length, "row") : `${whole(shown.length)} of ${counted(items.length, "row")}`;
    const count = part("file-shown", HTMLElement);
    if (count.textContent !== words) count.textContent = words; // what is the same is not to be read out again
    part("file-reset", HTMLElement).hidden = filter.group === null && filter.text === "" && filter.least === 0;
    part("file-least-shown", HTMLOutputElement).textContent = `${Math.round(filter.least * 100)} %`;
    part("file-finding", HTMLElement).textContent = finding(items, counts);
    for (const ending of ENDINGS) part(`export-${ending}`, HTMLButtonElement).disabled = items.length === 0;
    due = performance.now() + Math.max(DRAW_EVERY_MS, 8 * (performance.now() - start));
  };

  const narrow = (change: Partial<Filter>): void => {
    filter = { ...filter, ...change };
    draw(true);
  };

  const showAll = (): void => {
    filter = ALL;
    search.value = "";
    least.value = "0";
    draw(true);
  };

  /** Takes a column as the one with the texts; verdicts on another are gone. */
  const choose = (at: number): void => {
    if (!table) return;
    items = itemsOf(table, at);
    by = null;
    filter = ALL;
    order = AS_READ;
    search.value = "";
    least.value = "0";
    grid.columns(table.columns, at);
    showPreview(find("table", HTMLTableElement, part("file-preview", HTMLElement)), table, at);
    part("file-code", HTMLElement).hidden = true;
    facts(null);
    draw(true);
    fill(0);
    const texts = left().length;
    set("chosen", texts === items.length ? counted(texts, "text") : `${counted(texts, "text")}; ${counted(items.length - texts, "row")} without`);
  };

  const read = async (next: File, reading: Reading = {}): Promise<void> => {
    abort?.abort();
    const mine = (abort = new AbortController());
    file = next;
    table = null;
    by = null;
    items = [];
    part("file-error", HTMLElement).hidden = true;
    set("reading", "");
    find(".zone-words", HTMLElement).textContent = `Reading ${next.name} …`;
    try {
      const found = await readTable(next, reading, mine.signal);
      const at = guessColumn(found);
      if (at < 0) throw new FileProblem(`${next.name} has no column with a text in it.`);
      abort = null;
      table = found;
      column.replaceChildren(...found.columns.map((name, place) => new Option(name, String(place), false, place === at)));
      named.checked = found.named;
      part("file-named-label", HTMLElement).hidden = found.format !== "csv";
      find(".field", HTMLElement, part("file-form", HTMLElement)).hidden = found.columns.length < 2;
      part("file-name", HTMLElement).textContent = found.name;
      part("file-facts", HTMLElement).textContent = `${FORMATS[found.format]}, ${counted(found.rows.length, "row")}, ${bytes(next.size)}`;
      part("file-remarks", HTMLElement).replaceChildren(...found.remarks.map((remark) => make("li", "", remark)));
      choose(at);
    } catch (error) {
      if (mine.signal.aborted) return;
      abort = null;
      set("error", "");
      fail(error);
    } finally {
      if (abort === null) find(".zone-words", HTMLElement).textContent = "Drop a file here";
    }
  };

  const start = async (): Promise<void> => {
    const loaded = page.loaded();
    const at = Number(column.value);
    if (!table || !loaded || abort) return;
    if (by !== null && by !== loaded.classifier) items = itemsOf(table, at); // verdicts of two models are not mixed
    by = loaded.classifier;
    const mine = (abort = new AbortController());
    const texts = left();
    let last: Progress = { done: 0, total: texts.length, spent: 0, left: 0 };
    part("file-error", HTMLElement).hidden = true;
    set("running", `0 of ${counted(texts.length, "text")}`);
    draw(true);
    code.show(fileCode(loaded.request, { name: table.name, format: table.format, encoding: table.encoding, column: columnOf(table, at) }));
    const told = (): void => {
      fill(last.done / (last.total || 1));
      facts({ ...last, classifier: loaded.classifier, items });
      draw(false);
    };
    try {
      await classifyRows(texts, loaded.classifier, {
        signal: mine.signal,
        step: (progress) => {
          last = progress;
          if (mine.signal.aborted) return;
          const rate = (1000 * progress.done) / progress.spent;
          status.textContent = `${whole(progress.done)} of ${counted(progress.total, "text")}, ${whole(Math.round(rate))} a second, ${seconds(progress.left)} left`;
          if (performance.now() >= due) told();
        },
      });
      set("done", `Done: ${counted(last.done, "text")} in ${seconds(last.spent)}`);
    } catch (error) {
      if (abort !== mine) return; // another file has been opened
      if (mine.signal.aborted) set("stopped", `Cancelled: ${whole(last.done)} of ${counted(last.total, "text")} are classified`);
      else if (kindOf(error) === "disposed") set("stopped", "Stopped: another model has come into use");
      else {
        set("stopped", `Stopped: ${whole(last.done)} of ${counted(last.total, "text")} are classified`);
        fail(error);
      }
    } finally {
      if (abort === mine) {
        abort = null;
        told();
        offer();
      }
    }
  };

  const fill = (share: number): void => {
    const bar = part("file-progress", HTMLElement);
    find("i", HTMLElement, bar).style.setProperty("--share", String(share));
    bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
  };

  const close = (): void => {
    abort?.abort();
    abort = null;
    file = table = by = null;
    items = [];
    part("file-error", HTMLElement).hidden = true;
    part("file-code", HTMLElement).hidden = true;
    part("file-finding", HTMLElement).textContent = finding([], new Map());
    facts(null);
    set("empty", "");
    input.focus();
  };

  input.addEventListener("change", () => {
    const [chosen] = input.files ?? [];
    if (chosen) void read(chosen);
    input.value = ""; // so that the same file can be chosen again
  });
  part("file-sample", HTMLButtonElement).addEventListener("click", () => {
    fetch("./sample.csv").then(async (response) => {
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
      await read(new File([await response.blob()], "sample.csv"));
    }).catch((error: unknown) => fail(new FileProblem(`The sample could not be fetched (${error instanceof Error ? error.message : String(error)}).`)));
  });
  part("file-close", HTMLButtonElement).addEventListener("click", close);
  part("file-recode", HTMLButtonElement).addEventListener("click", () => {
    if (file) void read(file, { encoding: "windows-1252" });
  });
  column.addEventListener("change", () => choose(Number(column.value)));
  named.addEventListener("change", () => {
    if (file && table) void read(file, { encoding: table.encoding, named: named.checked });
  });
  part("file-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void start();
  });
  stop.addEventListener("click", () => abort?.abort());
  search.addEventListener("input", () => narrow({ text: search.value }));
  least.addEventListener("input", () => narrow({ least: Number(least.value) / 100 }));
  part("file-reset", HTMLButtonElement).addEventListener("click", () => {
    showAll();
    search.focus();
  });
  for (const ending of ENDINGS) {
    part(`export-${ending}`, HTMLButtonElement).addEventListener("click", () => {
      if (!table) return;
      const rows = part("export-all", HTMLInputElement).checked ? items : shown;
      download(nameOf(table.name, ending), EXPORTS[ending].write(table, rows), EXPORTS[ending].type);
    });
  }
  find(".file-body", HTMLElement).hidden = false;
  facts(null);
  set("empty", "");
  return { adopt: offer, open: (dropped) => void read(dropped) };
}

/** The column as code names it. */
function columnOf({ format, named, columns }: Table, at: number): string | number | null {
  if (named) return columns[at] ?? null;
  return format === "csv" ? at : null;
}

/** The headline: what most rows are, once there are verdicts. */
function finding(items: readonly Item[], counts: ReadonlyMap<string, number>): string {
  const judged = items.filter(({ label }) => label !== null).length;
  const [label, count] = [...counts].find(([group]) => items.some((item) => item.label === group)) ?? [];
  if (label === undefined || count === undefined) return "Classify a whole file";
  return `${percent(count / judged)} are ${label}`;
}

/** The facts of a run, as far as it has come. */
function facts(run: (Progress & { classifier: Classifier; items: readonly Item[] }) | null): void {
  const pairs: [string, string][] = [["texts", "–"], ["time", "–"], ["texts a second", "–"], ["model", "–"], ["runs on", "–"]];
  if (run) {
    const { info } = run.classifier;
    const cut = run.items.filter((item) => item.cut).length;
    const values = [whole(run.done), seconds(run.spent), run.spent > 0 ? whole(Math.round((1000 * run.done) / run.spent)) : "–", `${info.model.name}, ${info.dtype}`, `${DEVICE_NAMES[info.device] === "AUTO" ? "CPU or WebGPU" : DEVICE_NAMES[info.device]}${info.device === "cpu" ? `, ${counted(info.threads, "thread")}` : ""}`];
    pairs.forEach((pair, at) => (pair[1] = values[at] ?? "–"));
    if (cut > 0) pairs.push([`cut to ${info.model.maxTokens} tokens`, counted(cut, "text")]);
  }
  part("file-run-facts", HTMLElement).replaceChildren(...pairs.map(([name, value]) => {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    return pair;
  }));
}
