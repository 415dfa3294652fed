/** The verdicts: the chart of the labels, the table of the rows, its filters and its exports. */

import { part } from "../dom.ts";
import { counted, whole } from "../format.ts";
import { download } from "../view/copy.ts";
import { EXPORTS, nameOf, type ExportFormat } from "./export.ts";
import { facts, finding } from "./facts.ts";
import { Grid } from "./grid.ts";
import { labelChart } from "./labels.ts";
import { ALL, AS_READ, select, tally, type Filter, type Item, type Key } from "./rows.ts";
import type { Shown } from "./shown.ts";
import { openedIn, runIn, type Opened, type Run, type State } from "./state.ts";

const DRAW_EVERY_MS = 150;
const EXPORT_FORMATS: readonly ExportFormat[] = ["csv", "json", "jsonl"];
const HINT = "Select a row with a click or the arrow keys to read its whole text.";

/** What the user can request here. */
export interface Events {
  filter(filter: Partial<Filter>): void;
  sort(key: Key): void;
}

/** The part of the tab with the verdicts. */
export interface Results {
  /** The first label's bar, if there is one. */
  readonly bar: HTMLElement | null;
  show(state: State, shown: Shown): void;
}

/** Wires the part of the tab with the verdicts. */
export function wireResults(events: Events): Results {
  const section = part("file-results", HTMLElement);
  const labels = part("file-labels", HTMLUListElement);
  const search = part("file-search", HTMLInputElement);
  const minScore = part("file-min-score", HTMLInputElement);
  const reset = part("file-reset", HTMLButtonElement);
  const count = part("file-shown", HTMLElement);
  const chart = labelChart(labels, (group) => events.filter({ group }));
  const grid = new Grid(part("file-grid", HTMLElement), {
    sort: events.sort,
    chosen: (item) => {
      const hand = part("file-row", HTMLElement);
      hand.textContent = item ? `Row ${whole(item.place)}: ${item.text.trim() || "no text"}` : HINT;
      hand.classList.toggle("hint", !item);
    },
  });
  let drawn: State | null = null;
  let listed: Item[] = []; // the rows that pass the filter, in order
  let due = 0; // when the table may be drawn again, so that a long one leaves time for the rest

  search.addEventListener("input", () => events.filter({ text: search.value }));
  minScore.addEventListener("input", () => events.filter({ minScore: Number(minScore.value) / 100 }));
  reset.addEventListener("click", () => {
    events.filter(ALL);
    search.focus();
  });
  for (const format of EXPORT_FORMATS) {
    part(`export-${format}`, HTMLButtonElement).addEventListener("click", () => {
      const opened = drawn && openedIn(drawn);
      if (!opened) return;
      const rows = part("export-all", HTMLInputElement).checked ? opened.items : listed;
      const { write, type } = EXPORTS[format];
      download(nameOf(opened.table.name, format), write(opened.table, rows), type);
    });
  }

  const draw = ({ items, filter, order }: Opened, run: Run, top: boolean): void => {
    const start = performance.now();
    listed = select(items, filter, order);
    grid.show(listed, order, top);
    const counts = tally(items);
    chart.show(counts, items.length, filter.group);
    const all = counted(items.length, "row");
    const words = listed.length === items.length ? all : `${whole(listed.length)} of ${all}`;
    if (count.textContent !== words) count.textContent = words; // a live region
    if (search.value !== filter.text) search.value = filter.text;
    minScore.value = String(Math.round(filter.minScore * 100));
    part("file-min-score-shown", HTMLOutputElement).textContent = `${minScore.value} %`;
    reset.hidden = filter.group === null && filter.text === "" && filter.minScore === 0;
    part("file-finding", HTMLElement).textContent = finding(items, counts);
    facts({ ...run.progress, classifier: run.classifier, items });
    due = performance.now() + Math.max(DRAW_EVERY_MS, 8 * (performance.now() - start));
  };

  const clear = (): void => {
    listed = [];
    grid.show(listed, AS_READ, true); // releases the rows
    chart.show(new Map(), 0, null);
    part("file-finding", HTMLElement).textContent = finding([], new Map());
    facts(null);
  };

  return {
    get bar() {
      return labels.querySelector("button");
    },
    show(state, shown) {
      section.hidden = !shown.results;
      const [before, now] = [drawn && openedIn(drawn), openedIn(state)];
      const [last, run] = [drawn && runIn(drawn), runIn(state)];
      if (drawn === null || now?.table !== before?.table || now?.column !== before?.column)
        grid.columns(now?.table.columns ?? [], now?.column ?? 0);
      if (!now || !run) {
        if (drawn === null || last) clear();
      } else {
        const top =
          now.items !== before?.items || now.filter !== before.filter || now.order !== before.order || !last;
        // Progress waits for its turn; the user's actions are shown at once.
        if (top || drawn?.name !== state.name || performance.now() >= due) draw(now, run, top);
      }
      drawn = state;
    },
  };
}
