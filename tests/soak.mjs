// For tests that repeat an action and check that nothing grows: the number of repetitions, and whether the samples
// are flat at the end.

import assert from "node:assert/strict";

/** `usual` times, or `long` times under `npm run test:long`. */
export function times(usual, long) {
  return process.env.TABSENSE_LONG ? long : usual;
}

/** The parts into which the samples of a run are divided. */
const PARTS = 5;

/** The median of numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Fails if the median of the last fifth of the samples is more than `slack` above that of the second fifth; during
 * the first, code is compiled and pools fill up. Medians, because a sample may be taken before or after a garbage
 * collection. Reports the median of each fifth.
 */
export function assertFlat(t, name, samples, slack, unit = "MiB") {
  const size = Math.floor(samples.length / PARTS);
  assert.ok(size >= 1, `${name}: ${samples.length} samples are too few`);
  const parts = Array.from({ length: PARTS }, (_, part) =>
    median(samples.slice(part * size, part === PARTS - 1 ? undefined : (part + 1) * size)),
  );
  const scaled = unit === "MiB" ? parts.map((bytes) => (bytes / 2 ** 20).toFixed(1)) : parts;
  t.diagnostic(`${name}: ${scaled.join(" → ")} ${unit}, medians of fifths of ${samples.length} samples`);
  const grown = parts[PARTS - 1] - parts[1];
  assert.ok(grown <= slack, `${name} grew by ${grown}, which is more than ${slack}: ${parts.join(" ")}`);
}
