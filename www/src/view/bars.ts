/** The verdict in large type and a bar for each label. */

import type { Score } from "tabsense";
import { find, make, part } from "../dom.ts";
import { percent } from "../format.ts";

/**
 * Labels with a direction get a sign and a bar with its own pattern, so that colour is
 * never the only difference.
 */
export function valence(label: string): "positive" | "negative" | "none" {
  if (/^(very )?pos(itive)?$/i.test(label)) return "positive";
  if (/^(very )?neg(ative)?$/i.test(label)) return "negative";
  return "none";
}

/** The signs of the directions. */
export const SIGNS = { positive: "+", negative: "−", none: "" } as const;
const MANY = 10; // more labels than this scroll
const ANNOUNCE_AFTER_MS = 700; // a pause in typing, so that a screen reader is not flooded

/**
 * Whether labels are a scale: up to two are, and so are three of which one is positive and one is negative.
 */
function isScale(labels: readonly string[]): boolean {
  const found = new Set(labels.map(valence));
  return labels.length <= 2 || (labels.length === 3 && found.has("positive") && found.has("negative"));
}

/** How a result relates to the text in the box; a guess comes from the word list, not from the model. */
export type ResultState = "idle" | "guess" | "pending" | "ready";

/** Shows results in the section `result`. */
export class Bars {
  readonly #section = part("result", HTMLElement);
  readonly #sign = find(".sign", HTMLElement, this.#section);
  readonly #label = part("verdict", HTMLElement);
  readonly #score = find(".score", HTMLElement, this.#section);
  readonly #list = part("bars", HTMLUListElement);
  readonly #note = part("result-note", HTMLElement);
  readonly #announce = part("announce", HTMLElement);
  #rows = new Map<string, HTMLLIElement>();
  #sorts = false;
  #timer = 0;

  /** Starts over with the labels of a model, unless they are the same; all bars are empty then. */
  labels(labels: readonly string[]): void {
    if (labels.length === this.#rows.size && labels.every((label) => this.#rows.has(label))) return;
    this.#rows = new Map(labels.map((label) => [label, row(label)]));
    // Labels of one scale keep their places, the last one (by convention the positive one) on top; a bar that
    // jumps while the user types is hard to read.
    this.#sorts = !isScale(labels);
    this.#list.replaceChildren(...[...this.#rows.values()].reverse());
    this.#list.classList.toggle(
      "plain",
      labels.every((label) => valence(label) === "none"),
    );
    this.#list.classList.toggle("many", labels.length > MANY);
    if (labels.length > MANY) this.#list.tabIndex = 0;
    else this.#list.removeAttribute("tabindex");
  }

  /** Shows the model's `scores`, best first, with a note on their origin. */
  show(scores: readonly Score[], note: string): void {
    const [best] = scores;
    if (!best) return;
    this.#fill(scores, "ready");
    this.note(note);
    this.#section.dataset.label = best.label;
    this.#section.dataset.score = String(best.score);
  }

  /** Shows what a word list says about the text while there is no model. */
  guess(scores: readonly Score[]): void {
    this.#fill(scores, "guess");
  }

  /** Says where the result comes from. */
  note(words: string): void {
    this.#note.textContent = words;
  }

  #fill(scores: readonly Score[], state: ResultState): void {
    const best = scores[0];
    if (!best) return;
    const kind = valence(best.label);
    this.#sign.textContent = SIGNS[kind];
    this.#label.textContent = best.label;
    this.#score.textContent = percent(best.score);
    for (const { label, score } of scores) {
      const item = this.#rows.get(label);
      if (!item) continue;
      item.classList.toggle("lead", label === best.label);
      item.style.setProperty("--share", String(score));
      find(".share", HTMLElement, item).textContent = percent(score);
      if (this.#sorts) this.#list.append(item);
    }
    this.#section.dataset.valence = kind;
    this.#state(state);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const by = state === "guess" ? ", from a word list" : "";
      this.#announce.textContent = `${best.label}, ${percent(best.score)}${by}`;
    }, ANNOUNCE_AFTER_MS);
  }

  /** The text has changed: what is shown belongs to an older one. */
  pending(): void {
    if (this.#section.dataset.state === "ready") this.#state("pending");
  }

  /** Shows `hint` instead of a result and, instead of the score, how far the model is loaded. */
  idle(hint: string, share: number | null = null): void {
    clearTimeout(this.#timer);
    this.#announce.textContent = "";
    this.#sign.textContent = "";
    this.#label.textContent = hint;
    this.#note.textContent = "";
    this.#score.textContent = share === null ? "" : `${Math.floor(share * 100)} %`;
    for (const item of this.#rows.values()) {
      item.classList.remove("lead");
      item.style.setProperty("--share", "0");
      find(".share", HTMLElement, item).textContent = "–";
    }
    delete this.#section.dataset.valence;
    this.#state("idle");
  }

  #state(state: ResultState): void {
    this.#section.dataset.state = state;
    delete this.#section.dataset.label;
    delete this.#section.dataset.score;
  }
}

function row(label: string): HTMLLIElement {
  const kind = valence(label);
  const item = make("li", "bar");
  item.dataset.valence = kind;
  const name = make("span", "bar-label", label);
  name.title = label;
  const track = make("span", "track");
  track.append(make("i"));
  item.append(make("span", "bar-sign", SIGNS[kind]), name, track, make("span", "share", "–"));
  return item;
}
