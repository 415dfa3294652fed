/** Progress events of one file: their rate smoothed, and not more of them than a page can draw. */

import type { Progress } from "../api/types.js";

/** Milliseconds between two events of one file. */
const INTERVAL = 50;

/** How much a new interval counts against those before it. */
const SMOOTHING = 0.3;

/**
 * Yields a function to call with the bytes so far; it calls `emit` at the first bytes, at times in between,
 * and at the last.
 */
export function progressOf(
  stage: Progress["stage"],
  file: string,
  emit: (progress: Progress) => void,
): (bytes: number, total: number | null, last?: boolean) => void {
  let then = performance.now();
  let before = 0;
  let rate = 0;
  let first = true;
  return (bytes, total, last = bytes === total) => {
    const now = performance.now();
    if (!first && !last && now - then < INTERVAL) return;
    if (now > then && bytes > before) {
      const current = ((bytes - before) / (now - then)) * 1000;
      rate = rate === 0 ? current : rate + SMOOTHING * (current - rate);
    }
    first = false;
    then = now;
    before = bytes;
    emit({ stage, file, bytes, total, rate });
  };
}
