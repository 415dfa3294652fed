/** The section that shows both backends on the same text. */

import type { Classifier, Detailed } from "tabsense";
import { find, part } from "../dom.ts";
import { BACKENDS, decimals, DEVICE_NAMES, duration, type Backend } from "../format.ts";

const CLOSED = "loads the model once more, on the other device";

/** Shows what the comparison finds in the section `comparison`. */
export class ComparisonView {
  readonly #section = part("comparison", HTMLElement);
  readonly #body = part("compare-body", HTMLElement);
  readonly #table = find("table", HTMLTableElement, this.#body);
  readonly #note = part("compare-note", HTMLElement);
  readonly #reason = part("compare-reason", HTMLElement);
  readonly #button = part("compare", HTMLButtonElement);

  /** `toggle` is called when the button is pressed. */
  constructor(toggle: () => void) {
    this.#button.addEventListener("click", toggle);
  }

  /** Enables the button if there is a model to compare. */
  allow(there: boolean): void {
    this.#button.disabled = !there;
  }

  /** Shows only the button. */
  close(): void {
    this.#set("closed", CLOSED);
    for (const backend of BACKENDS) {
      head(backend).textContent = DEVICE_NAMES[backend];
      this.answer(backend, null, false);
    }
    this.difference(null);
  }

  /** The model is loading on the other device. */
  load(name: string): void {
    this.#set("loading", `Loading ${name} on the other device`);
  }

  /** Both are loaded. */
  ready(sides: Readonly<Record<Backend, Classifier>>): void {
    const { webgpu } = sides.webgpu.info;
    this.#set(
      "ready",
      "adapter" in webgpu
        ? `${webgpu.adapter || "an unnamed GPU"}${webgpu.software ? ", a software adapter" : ""}`
        : "",
    );
    const dtypes = { cpu: sides.cpu.info.dtype, webgpu: sides.webgpu.info.dtype };
    if (dtypes.cpu === dtypes.webgpu) return;
    for (const backend of BACKENDS)
      head(backend).textContent = `${DEVICE_NAMES[backend]}, ${dtypes[backend]}`;
  }

  /** There is nothing to compare with: says why. */
  refuse(reason: string): void {
    this.#set("refused", "not possible here");
    this.#table.hidden = true;
    this.fail(reason);
  }

  /** Says what went wrong. */
  fail(reason: string): void {
    this.#reason.textContent = reason;
    this.#reason.hidden = false;
  }

  /** One side's last answer; `current` says that it is about the text in the box. */
  answer(backend: Backend, result: Detailed | null, current: boolean): void {
    const row = part(`compare-${backend}`, HTMLTableRowElement);
    const best = result?.scores[0];
    row.classList.toggle("old", !current);
    fill(row, [
      best?.label ?? "–",
      best ? decimals(best.score) : "–",
      result ? duration(result.timings.total) : "–",
    ]);
    if (best && current) Object.assign(row.dataset, { label: best.label, score: String(best.score) });
    else {
      delete row.dataset.label;
      delete row.dataset.score;
    }
  }

  /** The difference between the two on the text in the box; null while one of them has no answer for it. */
  difference(results: readonly [Detailed, Detailed] | null): void {
    const row = part("compare-delta", HTMLTableRowElement);
    if (!results) {
      delete row.dataset.delta;
      return fill(row, ["–", "–", ""]);
    }
    const [one, other] = results;
    const delta = largestDifference(one, other);
    fill(row, [
      one.scores[0]?.label === other.scores[0]?.label ? "the same" : "they differ",
      decimals(delta),
      "",
    ]);
    row.dataset.delta = String(delta);
  }

  #set(state: "closed" | "loading" | "ready" | "refused", note: string): void {
    const open = state !== "closed";
    this.#section.dataset.state = state;
    this.#note.textContent = note;
    this.#button.textContent = open ? "Close" : "Compare";
    this.#button.setAttribute("aria-expanded", String(open));
    this.#body.hidden = !open;
    this.#table.hidden = false;
    this.#reason.hidden = true;
  }
}

/** Over all labels: with two of them it is the same for both. */
function largestDifference(one: Detailed, other: Detailed): number {
  const scores = new Map(other.scores.map(({ label, score }) => [label, score]));
  return Math.max(...one.scores.map(({ label, score }) => Math.abs(score - (scores.get(label) ?? 0))));
}

function head(backend: Backend): HTMLElement {
  return find("th", HTMLElement, part(`compare-${backend}`, HTMLElement));
}

function fill(row: HTMLTableRowElement, texts: readonly string[]): void {
  row.querySelectorAll("td").forEach((cell, index) => {
    cell.textContent = texts[index] ?? "";
    cell.title = index === 0 ? cell.textContent : "";
  });
}
