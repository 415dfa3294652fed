/**
 * Classifies many rows, some at a time, so that verdicts are seen while they come and the page's own calls
 * get their turn.
 */

import type { Classifier } from "tabsense";
import type { Item } from "./rows.ts";

const FIRST = 16; // rows of the first call
const MOST = 1_024; // more gain nothing
const AIM_MS = 300; // of a call: other calls wait no longer, and the table moves

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
  classifier: Classifier,
  { signal, step }: Ways,
): Promise<void> {
  const { maxTokens } = classifier.info.model;
  // Time goes by what is read, so what is left is told by that: a text beyond the model's length costs no
  // more.
  const weight = ({ text }: Item): number => 20 + Math.min(text.length, 5 * maxTokens);
  const all = items.reduce((sum, item) => sum + weight(item), 0);
  const start = performance.now();
  let read = 0;
  let size = FIRST;
  for (let done = 0; done < items.length; ) {
    const group = items.slice(done, done + size);
    const before = performance.now();
    await classifyGroup(group, classifier, signal);
    const now = performance.now();
    done += group.length;
    read += group.reduce((sum, item) => sum + weight(item), 0);
    size = Math.max(1, Math.min(MOST, 2 * size, Math.round((group.length * AIM_MS) / (now - before || 1))));
    step({ done, total: items.length, spent: now - start, left: ((now - start) * (all - read)) / read });
  }
}

/** One call. An item whose text has nothing to read gets no label. */
async function classifyGroup(
  group: readonly Item[],
  classifier: Classifier,
  signal: AbortSignal,
): Promise<void> {
  const results = await classifier.classify(
    group.map(({ text }) => text),
    { signal },
  );
  results.forEach(([best], at) => {
    const item = group[at];
    if (!item) return;
    if (best) Object.assign(item, { label: best.label, score: best.score, cut: best.truncated ?? false });
    else item.why = "no text";
  });
}
