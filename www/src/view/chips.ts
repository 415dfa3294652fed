/** The tokens as chips, and the range of the text that belongs to the selected chip. */

import type { Token } from "tabsense";
import { find, make, part } from "../dom.ts";
import { counted } from "../format.ts";

const HINT = "Hover over a token, or use the arrow keys, to see its place in the text.";

/** Shows tokens in the list `tokens`; marks their ranges behind the text box. */
export class Chips {
  readonly #list = part("tokens", HTMLOListElement);
  readonly #brief = part("token-brief", HTMLElement);
  readonly #detail = part("token-detail", HTMLElement);
  readonly #mirror = part("mirror", HTMLElement);
  readonly #input = part("input", HTMLTextAreaElement);
  #tokens: readonly Token[] = [];
  #text = ""; // the text that the tokens belong to

  constructor() {
    this.#list.addEventListener("pointerover", (event) => this.#mark(indexOf(event.target)));
    this.#list.addEventListener("pointerleave", () => this.#mark(indexOf(document.activeElement)));
    this.#list.addEventListener("focusin", (event) => this.#mark(indexOf(event.target)));
    this.#list.addEventListener("focusout", () => this.#mark(null));
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Shows the tokens of `text`. */
  show(text: string, tokens: readonly Token[]): void {
    const focused = indexOf(document.activeElement);
    this.#text = text;
    this.#tokens = tokens;
    this.#list.replaceChildren(...tokens.map(chip));
    this.#brief.textContent = tokens.length > 0 ? counted(tokens.length, "token") : "";
    this.#mark(null);
    if (focused !== null) this.#focus(Math.min(focused, tokens.length - 1));
  }

  /** Shows no tokens. */
  clear(): void {
    this.show("", []);
  }

  /** Repeats the text box's content behind it: that gives the box its height, and the marks a place. */
  follow(): void {
    this.#mark(null);
  }

  #mark(index: number | null): void {
    const text = this.#input.value;
    const token = index === null ? undefined : this.#tokens[index];
    // A trailing line break would not give the mirror its last line, so a zero-width space follows the text.
    if (!token || token.special || token.pair || text !== this.#text)
      this.#mirror.replaceChildren(text, "\u200b");
    else {
      const mark = make("mark", "", text.slice(token.start, token.end));
      this.#mirror.replaceChildren(text.slice(0, token.start), mark, text.slice(token.end), "\u200b");
    }
    this.#detail.textContent = token ? describe(token) : this.#tokens.length ? HINT : "";
  }

  #walk(event: KeyboardEvent): void {
    const index = indexOf(event.target);
    if (index === null) return;
    const last = this.#tokens.length - 1;
    const steps: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#focus(Math.min(Math.max(next, 0), last));
  }

  /** Only one chip is in the Tab order; the arrow keys change which. */
  #focus(index: number): void {
    for (const button of this.#list.querySelectorAll("button")) {
      button.tabIndex = Number(button.dataset.index) === index ? 0 : -1;
    }
    if (index >= 0) find(`button[data-index="${index}"]`, HTMLButtonElement, this.#list).focus();
  }
}

function describe(token: Token): string {
  if (token.special) return `${token.text} is a special token, id ${token.id}`;
  const of = token.pair ? " of the second text" : "";
  return `${token.text}, id ${token.id}, characters ${token.start} to ${token.end}${of}`;
}

function chip(token: Token, index: number): HTMLLIElement {
  const piece = token.text.startsWith("##") && !token.special;
  const item = make("li", token.special ? "special" : piece ? "piece" : "");
  const button = make("button", "", piece ? token.text.slice(2) : token.text);
  button.type = "button";
  button.tabIndex = index === 0 ? 0 : -1;
  button.dataset.index = String(index);
  button.dataset.start = String(token.start);
  button.dataset.end = String(token.end);
  button.setAttribute("aria-label", describe(token));
  item.append(button);
  return item;
}

function indexOf(target: EventTarget | null): number | null {
  if (!(target instanceof HTMLElement)) return null;
  const index = target.closest<HTMLElement>("[data-index]")?.dataset.index;
  return index === undefined ? null : Number(index);
}

/** "57 characters, 14 tokens" under the heading of the text box. */
export function counts(text: string, tokens: number | null): string {
  if (!text) return "";
  const characters = counted([...text].length, "character");
  return tokens === null ? characters : `${characters}, ${counted(tokens, "token")}`;
}
