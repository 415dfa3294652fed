/** What each state of the tab shownFor: its texts, and which of its parts are visible. */

import { counted, seconds, whole } from "../format.ts";
import type { RowClassifier } from "./row-classifier.ts";
import { openedIn, runIn, type Cause, type State } from "./state.ts";
import { hasText, waiting, type Item } from "./rows.ts";
import type { Progress } from "./run.ts";

/** The parts whose presence depends on the state. */
export interface Shown {
  /** The place to drop a file, and its text. */
  zone: boolean;
  zoneWords: string;
  /** A file is being read: there is a progress bar and a button to cancel. */
  reading: boolean;
  /** The file, with its first rows until there are verdicts. */
  chosen: boolean;
  preview: boolean;
  results: boolean;
  /** A run is under way: it can be cancelled, and the form is locked. */
  running: boolean;
  status: string;
  /** What a screen reader announces: each step of a run would be too much. */
  announced: string;
  /** The button that starts a run. */
  start: { words: string; enabled: boolean };
}

/** What `state` shownFor; `classifier` is the current one, null while there is no model. */
export function shownFor(state: State, classifier: RowClassifier | null): Shown {
  const running = state.name === "running";
  const has = openedIn(state) !== null;
  const classified = runIn(state) !== null;
  const status = statusOf(state);
  return {
    zone: !has,
    zoneWords: state.name === "reading" ? `Reading ${state.file} …` : "Drop a file here",
    reading: state.name === "reading",
    chosen: has,
    preview: has && !classified,
    results: classified,
    running,
    status,
    announced: running ? "Classifying" : status,
    start: startOf(state, classifier),
  };
}

function statusOf(state: State): string {
  switch (state.name) {
    case "chosen": {
      const { items } = state.opened;
      const texts = items.filter(hasText).length;
      const without = items.length - texts;
      return without === 0
        ? counted(texts, "text")
        : `${counted(texts, "text")}, ${counted(without, "row")} without text`;
    }
    case "running":
      return runningWords(state.run.progress);
    case "done":
      return `Done: ${counted(state.run.progress.done, "text")} in ${seconds(state.run.progress.spent)}`;
    case "stopped":
      return stoppedWords(state.cause, state.run.progress);
    default:
      return "";
  }
}

function runningWords({ done, total, spent, left }: Progress): string {
  const of = `${whole(done)} of ${counted(total, "text")}`;
  if (spent === 0) return of;
  return `${of}, ${whole(Math.round((1000 * done) / spent))} per second, ${seconds(left)} left`;
}

function stoppedWords(cause: Cause, { done, total }: Progress): string {
  if (cause === "replaced") return "Stopped: another model is in use now";
  const ended = cause === "cancelled" ? "Cancelled" : "Stopped";
  return `${ended}: ${whole(done)} of ${counted(total, "text")} classified`;
}

function startOf(state: State, classifier: RowClassifier | null): Shown["start"] {
  if (state.name === "running") return { words: "", enabled: false }; // not worth counting rows: it is hidden
  if (!classifier) return { words: "Waiting for the model", enabled: false };
  const items: readonly Item[] = openedIn(state)?.items ?? [];
  const last = runIn(state);
  const fresh = last !== null && last.classifier.key !== classifier.key;
  const count = (fresh ? items.filter(hasText) : waiting(items)).length;
  if (count === 0)
    return { words: items.some(hasText) ? "All classified" : "No text to classify", enabled: false };
  const others = last !== null && !fresh;
  return {
    words: others ? `Classify the other ${whole(count)}` : `Classify ${counted(count, "text")}`,
    enabled: true,
  };
}
