/** The File tab, fetched when it is opened: reads a file and shows verdicts on its texts as they come. */

import "../forms.css";
import "./file.css";
import "./results.css";
import markup from "./file.html?raw";
import { filled, find, part } from "../dom.ts";
import { counted, seconds, whole } from "../format.ts";
import { wireCode } from "../view/code.ts";
import { download } from "../view/copy.ts";
import { kindOf } from "../view/status.ts";
import { EXPORTS, nameOf, type Ending } from "./export.ts";
import { facts, finding } from "./facts.ts";
import { Grid } from "./grid.ts";
import { wireJudges, type Judge } from "./judge.ts";
import { labelChart } from "./labels.ts";
import { showPreview } from "./preview.ts";
import { readTable, type Reading } from "./read.ts";
import { FileProblem } from "./reading.ts";
import { itemsOf, select, tally, type Filter, type Item, type Order } from "./rows.ts";
import { classifyRows, type Progress } from "./run.ts";
import {
  fetchSample,
  fill,
  offered,
  readingOf,
  showFile,
  usable,
  type FileTab,
  type Page,
  type State,
} from "./tab.ts";
import { guessColumn, type Table } from "./table.ts";

export type { FileTab, Page };

const DRAW_EVERY_MS = 150;
const ENDINGS: readonly Ending[] = ["csv", "json", "jsonl"];
const ALL: Filter = { group: null, text: "", least: 0 };
const AS_READ: Order = { key: "place", down: false };
const HINT = "Press a row, or walk with the arrow keys, to read its whole text.";
/** Brings the tab to life. */
export function openFileTab(page: Page): FileTab {
  const panel = filled(part("panel-file", HTMLElement), markup);
  const input = part("file-input", HTMLInputElement);
  const column = part("file-column", HTMLSelectElement);
  const named = part("file-named", HTMLInputElement);
  const run = part("file-run", HTMLButtonElement);
  const stop = part("file-stop", HTMLButtonElement);
  const status = part("file-status", HTMLElement);
  const search = part("file-search", HTMLInputElement);
  const least = part("file-least", HTMLInputElement);
  const judged = part("file-judge", HTMLSelectElement);
  const code = wireCode("file-code");

  let file: File | null = null;
  let table: Table | null = null;
  let items: Item[] = [];
  let shown: Item[] = [];
  let filter = ALL;
  let order = AS_READ;
  let by: Judge | null = null; // what gave the verdicts
  let abort: AbortController | null = null;
  let due = 0; // when the table may be drawn again, so that a long one leaves time for the rest

  const chart = labelChart(part("file-labels", HTMLUListElement), (group) => narrow({ group }));
  const judges = wireJudges(page.loaded, page.taught, () => offer());
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

  /**
   * Makes a change, and hands the focus on where what had it can't keep it: to the first of `next` that can
   * take it, or else to what there is to do now.
   */
  const change = (made: () => void, ...next: (Element | null)[]): void => {
    const held = document.activeElement;
    made();
    if (!held || !panel.contains(held) || usable(held)) return;
    const bar = part("file-labels", HTMLElement).querySelector("button");
    const taker = [...next, run, stop, bar, part("file-close", HTMLElement), input].find(usable);
    if (taker instanceof HTMLElement) taker.focus();
  };

  const set = (state: State, words: string, ...next: (Element | null)[]): void =>
    change(
      () => {
        panel.dataset.state = state;
        status.dataset.state = state;
        status.textContent = words;
        part("tab-file", HTMLElement).classList.toggle("running", state === "running");
        part("file-progress", HTMLElement).classList.toggle("active", state === "running");
        part("file-zone", HTMLElement).hidden = table !== null;
        part("file-chosen", HTMLElement).hidden = table === null;
        part("file-preview", HTMLElement).hidden = by !== null;
        part("file-results", HTMLElement).hidden = by === null;
        run.hidden = state === "running";
        stop.hidden = state !== "running";
        column.disabled = named.disabled = judged.disabled = state === "running";
        // Each step of a run would be too much for a screen reader: it hears the beginning and the end.
        part("file-announce", HTMLElement).textContent = state === "running" ? "Classifying" : words;
        if (state === "reading" || state === "running") part("file-error", HTMLElement).hidden = true;
        offer();
      },
      ...next,
    );

  /** The button says what there is to classify. */
  const offer = (): void => {
    const judge = judges.current();
    const anew = judge !== null && by !== null && judge.key !== by.key;
    const waiting = anew ? items.filter(({ text }) => text.trim() !== "").length : left().length;
    run.disabled = !judge || waiting === 0;
    run.textContent = offered(judge !== null, waiting, by !== null && !anew, items);
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
    const words =
      shown.length === items.length
        ? counted(items.length, "row")
        : `${whole(shown.length)} of ${counted(items.length, "row")}`;
    const count = part("file-shown", HTMLElement);
    if (count.textContent !== words) count.textContent = words; // what is the same is not to be read out again
    part("file-reset", HTMLElement).hidden =
      filter.group === null && filter.text === "" && filter.least === 0;
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

  /** Lets go of the file before, its rows and its verdicts. */
  const forget = (): void => {
    file = table = by = null;
    items = [];
    grid.columns([], 0);
    find("table", HTMLTableElement, part("file-preview", HTMLElement)).replaceChildren();
    part("file-code", HTMLElement).hidden = true;
    facts(null);
    showAll();
  };

  /**
   * Takes a column as the one with the texts; verdicts on another are gone. The focus goes to `next` where it
   * has to go.
   */
  const choose = (at: number, ...next: (Element | null)[]): void => {
    if (!table) return;
    items = itemsOf(table, at);
    by = null;
    order = AS_READ;
    grid.columns(table.columns, at);
    showPreview(find("table", HTMLTableElement, part("file-preview", HTMLElement)), table, at);
    part("file-code", HTMLElement).hidden = true;
    facts(null);
    showAll();
    fill(0);
    const texts = left().length;
    set(
      "chosen",
      texts === items.length
        ? counted(texts, "text")
        : `${counted(texts, "text")}; ${counted(items.length - texts, "row")} without`,
      ...next,
    );
  };

  /** Reads a file, at once or as soon as `source` has fetched it; whatever is read next ends that. */
  const read = async (
    name: string,
    source: (signal: AbortSignal) => File | Promise<File>,
    reading: Reading = {},
  ): Promise<void> => {
    abort?.abort();
    const mine = (abort = new AbortController());
    const pressed = document.activeElement;
    change(() => {
      forget();
      set("reading", "");
    });
    const passed = document.activeElement; // where the focus waits meanwhile
    find(".zone-words", HTMLElement).textContent = `Reading ${name} …`;
    try {
      const next = await source(mine.signal);
      mine.signal.throwIfAborted();
      file = next;
      const found = await readTable(next, reading, mine.signal);
      const at = guessColumn(found);
      if (at < 0)
        throw new FileProblem([`${next.name} has no column with a text in it.`, ...found.remarks].join(" "));
      abort = null;
      table = found;
      showFile(found, next.size, at);
      choose(at, document.activeElement === passed ? pressed : null);
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
    const judge = judges.current();
    const at = Number(column.value);
    if (!table || !judge || abort) return;
    if (by !== null && by.key !== judge.key) {
      items = itemsOf(table, at); // verdicts of two models are not mixed
      filter = { ...filter, group: null }; // it may have other labels
    }
    by = judge;
    const mine = (abort = new AbortController());
    const texts = left();
    let last: Progress = { done: 0, total: texts.length, spent: 0, left: 0 };
    set("running", `0 of ${counted(texts.length, "text")}`);
    draw(true);
    code.show(judge.code(readingOf(table, at)));
    const told = (): void => {
      fill(last.done / (last.total || 1));
      facts({ ...last, judge, items });
      draw(false);
    };
    try {
      await page.run(() =>
        classifyRows(texts, judge, {
          signal: mine.signal,
          step: (progress) => {
            last = progress;
            if (mine.signal.aborted) return;
            const rate = (1000 * progress.done) / progress.spent;
            status.textContent = `${whole(progress.done)} of ${counted(progress.total, "text")}, ${whole(Math.round(rate))} a second, ${seconds(progress.left)} left`;
            if (performance.now() >= due) told();
          },
        }),
      );
      if (abort !== mine) return;
      told();
      set("done", `Done: ${counted(last.done, "text")} in ${seconds(last.spent)}`);
    } catch (error) {
      if (abort !== mine) return; // another file has been opened
      told();
      if (mine.signal.aborted)
        set("stopped", `Cancelled: ${whole(last.done)} of ${counted(last.total, "text")} are classified`);
      else if (kindOf(error) === "disposed") set("stopped", "Stopped: another model has come into use");
      else {
        set("stopped", `Stopped: ${whole(last.done)} of ${counted(last.total, "text")} are classified`);
        fail(error);
      }
    } finally {
      if (abort === mine) abort = null;
    }
  };

  const close = (): void => {
    abort?.abort();
    abort = null;
    forget();
    part("file-error", HTMLElement).hidden = true;
    set("empty", "");
    input.focus();
  };

  input.addEventListener("change", () => {
    const [chosen] = input.files ?? [];
    if (chosen) void read(chosen.name, () => chosen);
    input.value = ""; // so that the same file can be chosen again
  });
  part("file-sample", HTMLButtonElement).addEventListener("click", () => {
    void read("sample.csv", fetchSample);
  });
  part("file-close", HTMLButtonElement).addEventListener("click", close);
  part("file-recode", HTMLButtonElement).addEventListener("click", () => {
    const again = file;
    if (again) void read(again.name, () => again, { encoding: "windows-1252" });
  });
  column.addEventListener("change", () => choose(Number(column.value)));
  named.addEventListener("change", () => {
    const again = file;
    if (again && table)
      void read(again.name, () => again, { encoding: table.encoding, named: named.checked });
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
  facts(null);
  set("empty", "");
  return {
    adopt: () =>
      change(() => {
        judges.adopt();
        offer();
      }),
    open: ([first, ...others]) => {
      if (others.length > 0)
        fail(new FileProblem("One file at a time: drop the one whose texts are to be classified."));
      else if (first) void read(first.name, () => first);
    },
  };
}
