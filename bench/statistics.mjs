// Statistics of times: summaries, ratios with their spread, fitted lines, and whether a
// change is more than noise.

import {
  linearRegression,
  max,
  mean,
  median,
  min,
  permutationTest,
  quantile,
  rSquared,
  sampleStandardDeviation,
} from "simple-statistics";
import { seeded } from "./random.mjs";

const PERMUTATIONS = 2000;

/** Percentiles and moments of times in milliseconds. */
export function summarize(times) {
  return {
    count: times.length,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    mean: mean(times),
    sd: times.length > 1 ? sampleStandardDeviation(times) : 0,
    min: min(times),
    max: max(times),
  };
}

/** The median of numbers. */
export { median };

/**
 * How many times as long `theirs` takes as `ours`, from the medians of the rounds that both ran side by side:
 * the median of the rounds' ratios, and the 10th and 90th percentiles as its spread.
 */
export function ratio(theirs, ours) {
  const ratios = theirs.slice(0, ours.length).map((time, round) => time / ours[round]);
  return { median: median(ratios), low: quantile(ratios, 0.1), high: quantile(ratios, 0.9) };
}

/** The least-squares line through points `[x, y]`: `{ slope, intercept, r2 }`. */
export function fitLine(points) {
  const { m, b } = linearRegression(points);
  return { slope: m, intercept: b, r2: rSquared(points, (x) => m * x + b) };
}

/**
 * The change from the rounds' medians `before` to those `after`: relative, with the probability that
 * shuffled rounds differ as much (a permutation test). It is significant if that probability is below 1 %
 * and the change above `minChange`.
 */
export function change(before, after, minChange = 0.03) {
  const [old, now] = [median(before), median(after)];
  const relative = now / old - 1;
  const enough = before.length > 3 && after.length > 3;
  const p = enough ? permutationTest(before, after, "two_side", PERMUTATIONS, seeded(1)) : null;
  return {
    before: old,
    after: now,
    relative,
    p,
    significant: p !== null && p < 0.01 && Math.abs(relative) > minChange,
  };
}
