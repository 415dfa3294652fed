/** The place where a file is dropped or chosen, the progress of its reading, and what is wrong with it. */

import { find, part } from "../dom.ts";
import { fill } from "./bar.ts";
import type { Shown } from "./shown.ts";
import type { State } from "./state.ts";

/** What the user can request here. */
export interface Events {
  chosen(file: File): void;
  sample(): void;
  cancel(): void;
  /** Read the file as Windows-1252. */
  recode(): void;
}

/** The zone. */
export interface Zone {
  /** Where a file is chosen. */
  readonly input: HTMLElement;
  /** Ends a reading; visible only during one. */
  readonly cancel: HTMLElement;
  show(state: State, shown: Shown): void;
}

/** Wires the zone and the error below it. */
export function wireZone(events: Events): Zone {
  const input = part("file-input", HTMLInputElement);
  const zone = part("file-zone", HTMLElement);
  const words = find(".zone-words", HTMLElement, zone);
  const bar = part("file-reading", HTMLElement);
  const cancel = part("file-reading-cancel", HTMLButtonElement);
  const error = part("file-error", HTMLElement);
  const message = part("file-error-message", HTMLElement);
  const recode = part("file-recode", HTMLButtonElement);
  input.addEventListener("change", () => {
    const [chosen] = input.files ?? [];
    if (chosen) events.chosen(chosen);
    input.value = ""; // so that the same file can be chosen again
  });
  part("file-sample", HTMLButtonElement).addEventListener("click", events.sample);
  cancel.addEventListener("click", events.cancel);
  recode.addEventListener("click", events.recode);
  return {
    input,
    cancel,
    show(state, { zone: visible, zoneWords, reading }) {
      zone.hidden = !visible;
      if (words.textContent !== zoneWords) words.textContent = zoneWords; // a live region
      bar.hidden = cancel.hidden = !reading;
      if (state.name === "reading") fill(bar, state.share);
      error.hidden = state.problem === null;
      recode.hidden = state.problem?.recodable !== true;
      const problem = state.problem?.message ?? "";
      if (message.textContent !== problem) message.textContent = problem;
    },
  };
}
