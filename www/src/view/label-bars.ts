/** A bar for each label, and the verdict above them. */

import { find, make } from "../dom.ts";
import { percent } from "../format.ts";

const STEADY = 8; // up to this many labels keep their places: bars that jump are hard to read
const MANY = 10; // more labels than this scroll
const ANNOUNCE_AFTER_MS = 700; // a pause in typing, so that a screen reader is not flooded

/** A label with its score. */
export interface Scored {
  label: string;
  score: number;
}

/** Shows the scores of labels in a section: its `.verdict`, its `.bars` and what is announced. */
export class LabelBars {
  readonly #label: HTMLElement;
  readonly #score: HTMLElement;
  readonly #list: HTMLUListElement;
  readonly #announce: HTMLElement;
  #rows = new Map<string, HTMLLIElement>();
  #timer = 0;

  constructor(private readonly section: HTMLElement) {
    this.#label = find(".verdict .label", HTMLElement, section);
    this.#score = find(".verdict .score", HTMLElement, section);
    this.#list = find(".bars", HTMLUListElement, section);
    this.#announce = find(".announce", HTMLElement, section);
  }

  /** Starts over with other labels, unless they are the same. */
  labels(names: readonly string[]): void {
    if (names.length === this.#rows.size && names.every((name) => this.#rows.has(name))) return;
    this.#rows = new Map(names.map((name) => [name, row(name)]));
    this.#list.replaceChildren(...this.#rows.values());
    this.#list.classList.toggle("many", names.length > MANY);
    if (names.length > MANY) this.#list.tabIndex = 0;
    else this.#list.removeAttribute("tabindex");
  }

  /** Shows scores, best first, under the verdict `words`; `sure`: whether the best one is the verdict. */
  show(scores: readonly Scored[], words: string, sure: boolean): void {
    const [best] = scores;
    if (!best) return;
    this.#label.textContent = words;
    this.#score.textContent = sure ? percent(best.score) : "";
    for (const { label, score } of scores) {
      const item = this.#rows.get(label);
      if (!item) continue;
      item.classList.toggle("lead", sure && label === best.label);
      item.style.setProperty("--share", String(score));
      find(".share", HTMLElement, item).textContent = percent(score);
      if (scores.length > STEADY) this.#list.append(item);
    }
    this.section.dataset.state = sure ? "ready" : "unsure";
    this.section.dataset.label = sure ? best.label : "";
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#announce.textContent = sure ? `${words}, ${percent(best.score)}` : words;
    }, ANNOUNCE_AFTER_MS);
  }

  /** Shows `hint` instead of scores. */
  idle(hint: string): void {
    clearTimeout(this.#timer);
    this.#announce.textContent = "";
    this.#label.textContent = hint;
    this.#score.textContent = "";
    for (const item of this.#rows.values()) {
      item.classList.remove("lead");
      item.style.setProperty("--share", "0");
      find(".share", HTMLElement, item).textContent = "–";
    }
    this.section.dataset.state = "idle";
    delete this.section.dataset.label;
  }
}

function row(label: string): HTMLLIElement {
  const item = make("li", "bar");
  item.dataset.valence = "none";
  const name = make("span", "bar-label", label);
  name.title = label;
  const track = make("span", "track");
  track.append(make("i"));
  item.append(name, track, make("span", "share", "–"));
  return item;
}
