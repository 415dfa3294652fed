/** The progress of the training, below the examples. */

import type { Evaluation, TeachProgress } from "tabsense";
import { find, part } from "../dom.ts";
import { counted, seconds, whole } from "../format.ts";
import type { Lesson } from "./lesson.ts";
import type { State } from "./trainer.ts";

const SLOW_MS = 400; // training that takes longer shows its progress

/** Shows states. */
export interface Progress {
  show(state: State, lesson: Lesson, report: Evaluation | null, spent: number): void;
}

/** Wires the line with its bar and its buttons. */
export function wireProgress(): Progress {
  const line = part("teach-status", HTMLElement);
  const bar = part("teach-progress", HTMLElement);
  const stop = part("teach-stop", HTMLButtonElement);
  const again = part("teach-again", HTMLButtonElement);
  let begun = 0;

  const announce = (words: string): void => void (part("teach-announce", HTMLElement).textContent = words);
  const fill = (share: number): void => {
    find("i", HTMLElement, bar).style.setProperty("--share", String(share));
    bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
  };
  const set = (state: State["state"], words: string): void => {
    const focused = document.activeElement === stop || document.activeElement === again;
    line.dataset.state = state === "failed" ? "error" : state;
    line.textContent = words;
    stop.hidden = state !== "learning";
    again.hidden = state !== "stopped" && state !== "failed";
    bar.classList.toggle("active", state === "learning");
    if (state !== "learning") fill(0);
    if (focused && stop.hidden) (again.hidden ? part("teach-lines", HTMLElement) : again).focus();
  };

  return {
    show(state, lesson, report, spent) {
      if (state.state !== "learning") begun = 0;
      switch (state.state) {
        case "waiting":
          return set("waiting", state.why);
        case "learning": {
          begun ||= performance.now();
          // Short training isn't shown: the line would only flicker.
          if (performance.now() - begun < SLOW_MS) return;
          set("learning", state.progress ? words(state.progress) : "Training …");
          return fill(state.progress ? shareOf(state.progress) : 0);
        }
        case "ready": {
          const count = lesson.counted.examples.length;
          set("ready", `Trained on ${counted(count, "example")} in ${seconds(spent)}`);
          const right = report?.accuracy == null ? "" : `: ${Math.round(100 * report.accuracy)} % correct`;
          return announce(`Trained on ${counted(count, "example")}${right}`);
        }
        case "stopped":
          announce("Stopped");
          return set("stopped", "Stopped: answers come from the previous training.");
        case "failed":
          return set("failed", "Training failed.");
      }
    },
  };
}

function shareOf({ done, total }: TeachProgress): number {
  return total === 0 ? 0 : done / total;
}

function words({ stage, done, total }: TeachProgress): string {
  if (stage === "embed") return `Reading: ${whole(done)} of ${counted(total, "text")}`;
  return `Training: ${Math.round(100 * shareOf({ stage, done, total }))} %`;
}
