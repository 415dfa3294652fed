/** The box for a second text, which models of pairs accept next to the first one. */

import { part } from "../dom.ts";
import type { Pairs } from "../pairs.ts";

/** Shows the box if the model can use it. */
export class SecondText {
  readonly #section = part("second", HTMLElement);
  readonly #label = part("second-label", HTMLElement);
  readonly #input = part("second-input", HTMLTextAreaElement);
  readonly #toggle = part("second-toggle", HTMLButtonElement);
  /** The user's choice; null until there is one. */
  #wanted: boolean | null = null;

  /** `changed` is called when the second text changes, appears or disappears. */
  constructor(changed: () => void) {
    this.#input.addEventListener("input", changed);
    this.#toggle.addEventListener("click", () => {
      this.#wanted = !this.open;
      this.#open(this.#wanted);
      if (this.#wanted) this.#input.focus();
      changed();
    });
  }

  /** Whether there is a box to write in. */
  get open(): boolean {
    return !this.#section.hidden && !this.#input.hidden;
  }

  /** The second text; empty if there is none. */
  get text(): string {
    return this.open ? this.#input.value : "";
  }

  set text(text: string) {
    this.#input.value = text;
  }

  /** Hides the box, offers it, or opens it, depending on the model and the user's choice. */
  offer(pairs: Pairs): void {
    this.#section.hidden = pairs === "no";
    this.#open(this.#wanted ?? pairs === "yes");
  }

  #open(open: boolean): void {
    this.#label.hidden = this.#input.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
    this.#toggle.textContent = open ? "Remove the second text" : "Add a second text";
  }
}
