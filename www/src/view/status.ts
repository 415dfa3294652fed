/** The state of the model in the page's head: what is loading, how far it is, and what went wrong. */

import type { Progress } from "tabsense";
import { find, part } from "../dom.ts";
import { bytes } from "../format.ts";

/** The states of `status`. */
export type State = "idle" | "loading" | "ready" | "error";

/** What an error can be about: the load of a model, or one text. */
export type Subject = "model" | "text";

/** The stages of a load, as the page names them. */
export const STAGES: Record<Progress["stage"], string> = {
  runtime: "engine",
  config: "configuration",
  tokenizer: "tokenizer",
  weights: "weights",
  ready: "ready",
};

/** Shows the state, the download and the last error. */
export class Status {
  readonly #status = part("status", HTMLElement);
  readonly #detail = part("detail", HTMLElement);
  readonly #progress = part("progress", HTMLElement);
  readonly #fill = find("i", HTMLElement, this.#progress);
  readonly #error = part("error", HTMLElement);
  #state: State = "idle";
  #about: Subject | null = null;
  readonly cancel = part("cancel", HTMLButtonElement);
  readonly restart = part("restart", HTMLButtonElement);

  constructor() {
    part("error-dismiss", HTMLButtonElement).addEventListener("click", () => this.clearError());
  }

  /**
   * Sets the state with its text; `again` offers to load again. A focused button that
   * disappears passes the focus on.
   */
  set(state: State, text: string, detail = "", again = state === "idle" || state === "error"): void {
    this.#state = state;
    this.#status.dataset.state = state;
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#detail.textContent = detail;
    const hadFocus = document.activeElement === this.cancel || document.activeElement === this.restart;
    this.cancel.hidden = state !== "loading";
    this.restart.hidden = !again;
    if (state !== "loading") this.#bar(null, false);
    if (hadFocus)
      (this.cancel.hidden ? (this.restart.hidden ? fallbackFocus() : this.restart) : this.cancel).focus();
  }

  /** The state as last set. */
  get state(): State {
    return this.#state;
  }

  /** What the error on show is about; null if there is none. */
  get about(): Subject | null {
    return this.#about;
  }

  /** Shows how far a download is; returns the share of all files that has arrived. */
  show(progress: Progress): number {
    const { stage, total } = progress;
    if (stage === "ready") return 1;
    const amount = total === null ? bytes(progress.bytes) : `${bytes(progress.bytes)} of ${bytes(total)}`;
    const rate = progress.rate > 0 ? `, ${(progress.rate / 1e6).toFixed(1)} MB/s` : "";
    this.#detail.textContent = `${STAGES[stage]} ${amount}${rate}`;
    this.#bar(progress.overall, true);
    return progress.overall;
  }

  /** Shows an error's sentence and its kind. */
  fail(error: unknown, about: Subject): void {
    this.#about = about;
    part("error-message", HTMLElement).textContent = error instanceof Error ? error.message : String(error);
    part("error-kind", HTMLElement).textContent = kindOf(error);
    this.#error.dataset.kind = kindOf(error);
    this.#error.hidden = false;
  }

  /** Removes the last error. */
  clearError(): void {
    const hadFocus = this.#error.contains(document.activeElement);
    this.#error.hidden = true;
    this.#about = null;
    delete this.#error.dataset.kind;
    if (hadFocus) fallbackFocus().focus();
  }

  #bar(share: number | null, active: boolean): void {
    this.#progress.classList.toggle("active", active);
    this.#progress.setAttribute("aria-hidden", String(!active)); // without a value it would be announced as busy
    this.#progress.classList.toggle("unknown", active && share === null);
    this.#fill.style.setProperty("--share", String(share ?? 0));
    if (share === null) this.#progress.removeAttribute("aria-valuenow");
    else this.#progress.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
  }
}

/** Where the focus goes when its element disappears: the text box, or the tab if that is hidden. */
function fallbackFocus(): HTMLElement {
  const input = part("input", HTMLElement);
  return input.checkVisibility() ? input : find('[role="tab"][aria-selected="true"]', HTMLElement);
}

/** The `kind` of a TabsenseError; anything else is a fault of the page or of the engine. */
export function kindOf(error: unknown): string {
  return error instanceof Error && "kind" in error && typeof error.kind === "string"
    ? error.kind
    : "internal";
}
