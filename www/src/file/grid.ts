/**
 * The table of verdicts: only visible rows are in the document, so that a hundred thousand scroll like ten.
 */

import { find, make } from "../dom.ts";
import { percent, whole } from "../format.ts";
import { groupOf, type Item, type Key, type Order } from "./rows.ts";
import { textOf } from "./table.ts";

const ROW_PX = 34; // the same in results.css
const OVERSCAN = 6; // rows beyond the edge, so that scrolling shows no gap
const MAX_EXTRA_COLUMNS = 12; // of the file's own columns

/**
 * A column: its key, its heading, and its width in rem. The text's is at least `--text` of results.css, and
 * fills the remaining space.
 */
interface Column {
  key: Key;
  head: string;
  width: number;
}

/** The events of the table. */
export interface Events {
  /** A heading was pressed. */
  sort(key: Key): void;
  /** Another row was selected, or none. */
  chosen(item: Item | null): void;
}

/** Shows rows in `grid`, a scrolling element with the role of a grid. */
export class Grid {
  readonly #grid: HTMLElement;
  readonly #events: Events;
  readonly #head = make("div", "grid-head");
  readonly #body = make("div", "grid-body");
  #columns: Column[] = [];
  #items: readonly Item[] = [];
  #at = -1; // the selected row
  #frame = 0;

  constructor(grid: HTMLElement, events: Events) {
    this.#grid = grid;
    this.#events = events;
    this.#head.setAttribute("role", "rowgroup");
    this.#body.setAttribute("role", "rowgroup");
    grid.replaceChildren(this.#head, this.#body);
    grid.addEventListener("scroll", () => this.#draw(), { passive: true });
    grid.addEventListener("keydown", (event) => this.#walk(event));
    this.#body.addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-at]") : null;
      if (row) this.#choose(Number(row.dataset.at));
    });
    new ResizeObserver(() => this.#draw()).observe(grid);
  }

  /** Starts over with the columns of a file; `text` is the one that is classified. */
  columns(names: readonly string[], text: number): void {
    const extra = names
      .map((head, key) => ({ key, head, width: 9 }))
      .filter(({ key }) => key !== text)
      .slice(0, MAX_EXTRA_COLUMNS);
    this.#columns = [
      { key: "place", head: "row", width: 4 },
      { key: "text", head: names[text] ?? "text", width: 0 },
      { key: "label", head: "label", width: 7.5 },
      { key: "score", head: "score", width: 6.5 },
      ...extra,
    ];
    this.#grid.style.setProperty(
      "--columns",
      this.#columns
        .map(({ key, width }) => (key === "text" ? "minmax(var(--text), 1fr)" : `${width}rem`))
        .join(" "),
    );
    this.#grid.style.setProperty(
      "--min-width",
      `calc(var(--text) + ${this.#columns.reduce((sum, { width }) => sum + width, 0)}rem)`,
    );
    this.#grid.setAttribute("aria-colcount", String(this.#columns.length));
    const row = make("div", "grid-row");
    row.setAttribute("role", "row");
    for (const { key, head } of this.#columns) {
      const cell = make("div", `cell ${key}`);
      cell.setAttribute("role", "columnheader");
      const button = make("button", "", head);
      button.type = "button";
      button.title = `Sort by ${head}`;
      button.addEventListener("click", () => this.#events.sort(key));
      cell.append(button);
      row.append(cell);
    }
    this.#head.replaceChildren(row);
    this.#body.replaceChildren();
    this.#grid.scrollTo(0, 0);
    this.#choose(-1);
  }

  /** Shows rows; `top` scrolls to the first of them. */
  show(items: readonly Item[], order: Order, top: boolean): void {
    const selected = this.#items[this.#at];
    this.#items = items;
    this.#grid.setAttribute("aria-rowcount", String(items.length + 1));
    this.#body.style.height = `${items.length * ROW_PX}px`;
    [...find(".grid-row", HTMLElement, this.#head).children].forEach((cell, index) => {
      const sorted = this.#columns[index]?.key === order.key;
      cell.setAttribute("aria-sort", sorted ? (order.down ? "descending" : "ascending") : "none");
    });
    if (top) this.#grid.scrollTop = 0;
    // The selected row stays selected, wherever it is now.
    const at = selected ? items.indexOf(selected) : -1;
    if (at !== this.#at) this.#choose(at, false);
    else if (selected) this.#events.chosen(selected);
    this.#draw();
  }

  #draw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const { scrollTop, clientHeight } = this.#grid;
      const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - OVERSCAN);
      const last = Math.max(
        first,
        Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / ROW_PX) + OVERSCAN),
      );
      // Rows are reused with new texts: creating them is most of the cost of scrolling.
      while (this.#body.children.length > last - first) this.#body.lastElementChild?.remove();
      while (this.#body.children.length < last - first) this.#body.append(this.#empty());
      [...this.#body.children].forEach((row, index) => {
        const item = this.#items[first + index];
        if (item && row instanceof HTMLElement) this.#write(row, item, first + index);
      });
    });
  }

  #empty(): HTMLElement {
    const row = make("div", "grid-row");
    row.setAttribute("role", "row");
    for (const { key } of this.#columns) {
      const cell = make("div", `cell ${key}`);
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    return row;
  }

  #write(row: HTMLElement, item: Item, at: number): void {
    row.id = `row-${item.place}`;
    row.dataset.at = String(at);
    row.classList.toggle("selected", at === this.#at);
    row.setAttribute("aria-rowindex", String(at + 2));
    row.setAttribute("aria-selected", String(at === this.#at));
    row.style.setProperty("--at", String(at));
    this.#columns.forEach(({ key }, index) => {
      const cell = row.children[index];
      if (!(cell instanceof HTMLElement)) return;
      const text = written(item, key);
      if (cell.textContent !== text) cell.textContent = text;
      if (key === "score") cell.style.setProperty("--share", String(item.label === null ? 0 : item.score));
      if (key === "label") cell.classList.toggle("none", item.label === null);
    });
  }

  #walk(event: KeyboardEvent): void {
    if (event.target !== this.#grid || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.#grid.clientHeight / ROW_PX) - 2);
    const last = this.#items.length - 1;
    const steps: Record<string, number> = {
      ArrowDown: this.#at + 1,
      ArrowUp: this.#at - 1,
      PageDown: this.#at + page,
      PageUp: this.#at - page,
      Home: 0,
      End: last,
    };
    const next = steps[event.key];
    if (next === undefined || last < 0) return;
    event.preventDefault();
    this.#choose(Math.min(Math.max(next, 0), last));
  }

  #choose(at: number, follow = true): void {
    this.#at = at;
    const item = this.#items[at] ?? null;
    if (item) {
      this.#grid.setAttribute("aria-activedescendant", `row-${item.place}`);
      if (follow) this.#reveal(at);
    } else this.#grid.removeAttribute("aria-activedescendant");
    this.#events.chosen(item);
    this.#draw();
  }

  #reveal(at: number): void {
    const { scrollTop, clientHeight } = this.#grid;
    const top = at * ROW_PX;
    if (top < scrollTop) this.#grid.scrollTop = top;
    else if (top + 2 * ROW_PX > scrollTop + clientHeight)
      this.#grid.scrollTop = top + 2 * ROW_PX - clientHeight; // the heading covers the first row
  }
}

/** A cell as the table shows it. */
function written(item: Item, key: Key): string {
  switch (key) {
    case "place":
      return whole(item.place);
    case "text":
      return item.text.slice(0, 300).replace(/\s+/g, " ");
    case "label":
      return groupOf(item) ?? "…";
    case "score":
      return item.label === null ? "" : percent(item.score);
    default:
      return textOf(item.cells[key]).slice(0, 100);
  }
}
