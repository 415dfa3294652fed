/**
 * The File tab, fetched when it is opened: reads a file and shows verdicts on its texts as they come.
 * Views and tasks dispatch events, events change the state (state.ts), and the views show the new state.
 */

import "../forms.css";
import "./file.css";
import "./results.css";
import markup from "./file.html?raw";
import type { FileRead } from "../code.ts";
import { filled, part } from "../dom.ts";
import type { Loaded } from "../slot.ts";
import { wireCode } from "../view/code.ts";
import { kindOf } from "../view/status.ts";
import { wireChosen } from "./chosen.ts";
import { keepFocus } from "./focus.ts";
import { wireClassifierSelect, type Taught } from "./row-classifier.ts";
import { readTable } from "./read.ts";
import { FileProblem, type Reading } from "./reading.ts";
import { wireResults } from "./results.ts";
import { waiting } from "./rows.ts";
import { classifyRows, type Progress } from "./run.ts";
import { fetchSample } from "./sample.ts";
import { shownFor } from "./shown.ts";
import { EMPTY, next, openedIn, problemOf, type Event, type Opened } from "./state.ts";
import { guessColumn } from "./table.ts";
import { wireZone } from "./zone.ts";

/** What the tab needs from the page. */
export interface Page {
  /** The model in use, with the request that loaded it. */
  loaded(): Loaded | null;
  /** The taught classifier; null if there is none. */
  taught(): Taught | null;
  /** Runs calls that the page tracks. */
  run<T>(calls: () => Promise<T>): Promise<T>;
}

/** The tab, as the page uses it. */
export interface FileTab {
  /** Another model is in use, or another classifier was taught. */
  adopt(): void;
  /** Reads a dropped file; refuses several. */
  open(files: readonly File[]): void;
}

/** Brings the tab to life. */
export function openFileTab(page: Page): FileTab {
  const panel = filled(part("panel-file", HTMLElement), markup);
  const code = wireCode("file-code");
  const classifiers = wireClassifierSelect(page.loaded, page.taught, () => render());
  const zone = wireZone({
    chosen: (file) => void read(file.name, () => file),
    sample: () => void read("sample.csv", fetchSample),
    cancel: () => close(),
    recode() {
      if (state.name === "error" && state.file) reread(state.file, { encoding: "windows-1252" });
    },
  });
  const chosen = wireChosen({
    column: (column) => dispatch({ type: "column", column }),
    named(named) {
      const opened = openedIn(state);
      if (opened) reread(opened.file, { encoding: opened.table.encoding, named });
    },
    start: () => void start(),
    stop: () => task.abort(),
    close: () => close(),
  });
  const results = wireResults({
    filter: (filter) => dispatch({ type: "filtered", filter }),
    sort: (key) => dispatch({ type: "sorted", key }),
  });
  const focus = keepFocus(panel, () => [zone.cancel, ...chosen.todo, results.bar, chosen.close, zone.input]);

  let state = EMPTY;
  let task = new AbortController(); // ends the reading or the run under way

  const render = (...takers: (Element | null)[]): void => {
    const shown = shownFor(state, classifiers.current());
    focus.keep(
      () => {
        panel.dataset.state = state.name;
        part("tab-file", HTMLElement).classList.toggle("running", shown.running);
        if (!shown.results) part("file-code", HTMLElement).hidden = true;
        zone.show(state, shown);
        chosen.show(state, shown);
        results.show(state, shown);
      },
      ...takers,
    );
  };

  const dispatch = (event: Event, ...takers: (Element | null)[]): void => {
    state = next(state, event);
    render(...takers);
  };

  /** Ends the task under way and begins another, whose events count until the next one begins. */
  const begin = (): { signal: AbortSignal; tell: typeof dispatch } => {
    task.abort();
    const mine = (task = new AbortController());
    return {
      signal: mine.signal,
      tell: (event, ...takers) => {
        if (task === mine) dispatch(event, ...takers);
      },
    };
  };

  /** Reads the file that `source` supplies. */
  const read = async (
    name: string,
    source: (signal: AbortSignal) => File | Promise<File>,
    reading: Reading = {},
  ): Promise<void> => {
    const { signal, tell } = begin();
    const pressed = document.activeElement;
    tell({ type: "opening", file: name });
    const waits = document.activeElement; // where the focus is meanwhile
    let file: File | null = null;
    try {
      file = await source(signal);
      const table = await readTable(file, reading, signal, (share) => tell({ type: "reading", share }));
      const column = guessColumn(table);
      if (column < 0)
        throw new FileProblem([`${file.name} has no column with text.`, ...table.remarks].join(" "));
      // The pressed element gets the focus back, unless the focus was moved on.
      tell({ type: "read", file, table, column }, document.activeElement === waits ? pressed : null);
    } catch (error) {
      tell({ type: "unread", file, problem: problemOf(error) });
    }
  };

  const reread = (file: File, reading: Reading): void => void read(file.name, () => file, reading);

  const start = async (): Promise<void> => {
    const classifier = classifiers.current();
    if (!classifier || !openedIn(state) || state.name === "running") return;
    const { signal, tell } = begin();
    tell({ type: "started", classifier });
    const opened = openedIn(state);
    if (!opened) return;
    code.show(classifier.code(codeOf(opened)));
    const step = (progress: Progress): void => tell({ type: "classified", progress });
    try {
      await page.run(() => classifyRows(waiting(opened.items), classifier, { signal, step }));
      tell({ type: "finished" });
    } catch (error) {
      if (signal.aborted) tell({ type: "stopped", cause: "cancelled" });
      else if (kindOf(error) === "disposed") tell({ type: "stopped", cause: "replaced" });
      else tell({ type: "stopped", cause: "failed", problem: problemOf(error) });
    }
  };

  const close = (): void => {
    begin();
    dispatch({ type: "closed" });
    zone.input.focus();
  };

  render();
  return {
    adopt: () =>
      focus.keep(() => {
        classifiers.adopt();
        render();
      }),
    open: ([first, ...others]) => {
      if (others.length > 0) {
        const problem = new FileProblem("Only one file can be open at a time. Drop the one to classify.");
        dispatch({ type: "refused", problem: problemOf(problem) });
      } else if (first) reread(first, {});
    },
  };
}

/** How the file was read, for the code that does the same. */
function codeOf({ table, column }: Opened): FileRead {
  const { name, format, encoding, dialect, named, columns } = table;
  return {
    name,
    format,
    encoding,
    ...(dialect && { dialect }),
    named,
    at: column,
    column: columns[column] ?? "",
  };
}
