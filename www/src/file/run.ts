/** Classifies many rows, so that verdicts are seen while they come and the page's own calls get their turn. */

import type { Judge } from "./judge.ts";
import type { Item } from "./rows.ts";

const STEP_MS = 100; // between two reports of progress

/** How far a run is. */
export interface Progress {
  done: number;
  total: number;
  /** Milliseconds so far, and those that are left as far as can be told. */
  spent: number;
  left: number;
}

/** How a run goes on: what to tell, and when to end. */
export interface Ways {
  signal: AbortSignal;
  step(progress: Progress): void;
}

/**
 * Gives each of `items` its verdict. Rejects when the signal fires, and when the model fails; verdicts until
 * then stay.
 */
export async function classifyRows(
  items: readonly Item[],
  judge: Judge,
  { signal, step }: Ways,
): Promise<void> {
  const { maxTokens } = judge.info.model;
  // Time goes by what is read, so what is left is told by that: a text beyond the model's length costs no
  // more.
  const weight = ({ text }: Item): number => 20 + Math.min(text.length, 5 * maxTokens);
  const all = items.reduce((sum, item) => sum + weight(item), 0);
  const start = performance.now();
  let read = 0;
  let told = start;
  const texts = items.map(({ text }) => text);
  for await (const { index, ...verdict } of judge.stream(texts, { signal })) {
    const item = items[index];
    if (!item) continue;
    Object.assign(item, verdict);
    read += weight(item);
    const now = performance.now();
    if (now - told < STEP_MS && index + 1 < items.length) continue;
    told = now;
    step({
      done: index + 1,
      total: items.length,
      spent: now - start,
      left: ((now - start) * (all - read)) / read,
    });
  }
}
