/** Classifies many rows, with verdicts and progress on the way. */

import type { RowClassifier } from "./row-classifier.ts";
import type { Item } from "./rows.ts";

const STEP_MS = 100; // between two reports of progress

/** The progress of a run. */
export interface Progress {
  done: number;
  total: number;
  /** Milliseconds so far, and an estimate of those left. */
  spent: number;
  left: number;
}

/** How to report progress, and when to end. */
export interface RunOptions {
  signal: AbortSignal;
  step(progress: Progress): void;
}

/**
 * Gives each of `items` its verdict. Rejects when the signal fires or the model fails;
 * verdicts until then stay.
 *
 * `stream()` has no progress callback and needs none: verdicts come in order, so counting them is progress.
 * It can't be resumed either: a cancelled run continues with a new stream of the rows without a verdict.
 */
export async function classifyRows(
  items: readonly Item[],
  classifier: RowClassifier,
  { signal, step }: RunOptions,
): Promise<void> {
  const { maxTokens } = classifier.info.model;
  // The time that is left is estimated by length: a text beyond the model's length costs no more.
  const weight = ({ text }: Item): number => 20 + Math.min(text.length, 5 * maxTokens);
  const all = items.reduce((sum, item) => sum + weight(item), 0);
  const start = performance.now();
  let done = 0;
  let read = 0;
  let reported = start;
  const report = (): void => {
    reported = performance.now();
    const spent = reported - start;
    step({ done, total: items.length, spent, left: read > 0 ? (spent * (all - read)) / read : 0 });
  };
  const texts = items.map(({ text }) => text);
  try {
    for await (const { index, ...verdict } of classifier.stream(texts, { signal })) {
      const item = items[index];
      if (!item) continue;
      Object.assign(item, verdict);
      done = index + 1;
      read += weight(item);
      if (performance.now() - reported >= STEP_MS) report();
    }
  } finally {
    report();
  }
}
