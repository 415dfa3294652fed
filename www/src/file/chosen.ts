/** The file that is open: its name, its first rows, the column with its texts, and the start of a run. */

import { find, make, part } from "../dom.ts";
import { bytes, counted } from "../format.ts";
import { fill } from "./bar.ts";
import { showPreview } from "./preview.ts";
import type { Shown } from "./shown.ts";
import { openedIn, runIn, type Opened, type State } from "./state.ts";
import type { Format } from "./table.ts";

/** The formats, as the tab names them. */
const FORMATS: Record<Format, string> = {
  csv: "CSV",
  jsonl: "JSON Lines",
  json: "JSON",
  lines: "one text per line",
};

/** What the user can request here. */
export interface Events {
  column(column: number): void;
  /** Whether the first row contains names. */
  named(named: boolean): void;
  start(): void;
  stop(): void;
  close(): void;
}

/** The file's part of the tab. */
export interface Chosen {
  /** The controls for the next step, most important first. */
  readonly todo: readonly HTMLElement[];
  readonly close: HTMLElement;
  show(state: State, shown: Shown): void;
}

/** Wires the file's part of the tab. */
export function wireChosen(events: Events): Chosen {
  const section = part("file-chosen", HTMLElement);
  const column = part("file-column", HTMLSelectElement);
  const named = part("file-named", HTMLInputElement);
  const classifierSelect = part("file-classifier", HTMLSelectElement);
  const run = part("file-run", HTMLButtonElement);
  const stop = part("file-stop", HTMLButtonElement);
  const close = part("file-close", HTMLButtonElement);
  const status = part("file-status", HTMLElement);
  const announce = part("file-announce", HTMLElement);
  const bar = part("file-progress", HTMLElement);
  const preview = part("file-preview", HTMLElement);
  const firstRows = find("table", HTMLTableElement, preview);
  let drawn: Opened | null = null;

  column.addEventListener("change", () => events.column(Number(column.value)));
  named.addEventListener("change", () => events.named(named.checked));
  part("file-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    events.start();
  });
  stop.addEventListener("click", events.stop);
  close.addEventListener("click", events.close);

  /** Shows what doesn't change while the same column of the same file is open. */
  const open = (opened: Opened | null): void => {
    if (opened?.table === drawn?.table && opened?.column === drawn?.column) return;
    if (!opened) firstRows.replaceChildren();
    else {
      if (opened.table !== drawn?.table) describe(opened, column);
      showPreview(firstRows, opened.table, opened.column);
    }
    drawn = opened;
  };

  return {
    todo: [run, stop],
    close,
    show(state, shown) {
      const progress = runIn(state)?.progress;
      open(openedIn(state));
      section.hidden = !shown.chosen;
      preview.hidden = !shown.preview;
      run.hidden = shown.running;
      run.disabled = !shown.start.enabled;
      run.textContent = shown.start.words;
      stop.hidden = !shown.running;
      column.disabled = named.disabled = classifierSelect.disabled = shown.running;
      status.dataset.state = state.name;
      status.textContent = shown.status;
      if (announce.textContent !== shown.announced) announce.textContent = shown.announced;
      bar.classList.toggle("active", shown.running);
      fill(bar, progress ? progress.done / (progress.total || 1) : 0);
    },
  };
}

function describe({ file, table, column }: Opened, select: HTMLSelectElement): void {
  select.replaceChildren(
    ...table.columns.map((name, at) => new Option(name, String(at), false, at === column)),
  );
  part("file-named", HTMLInputElement).checked = table.named;
  part("file-named-label", HTMLElement).hidden = table.format !== "csv";
  find(".field", HTMLElement, part("file-form", HTMLElement)).hidden = table.columns.length < 2;
  part("file-name", HTMLElement).textContent = table.name;
  part("file-facts", HTMLElement).textContent =
    `${FORMATS[table.format]}, ${counted(table.rows.length, "row")}, ${bytes(file.size)}`;
  part("file-remarks", HTMLElement).replaceChildren(...table.remarks.map((remark) => make("li", "", remark)));
}
