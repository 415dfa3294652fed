/**
 * Statistics of latencies: percentiles, spread, bins, where two lines cross, and the
 * session of the calls so far.
 */

/** The nearest-rank percentile of `values` (0 < share ≤ 1); NaN if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** A summary of values, in their unit; NaN if there are none. */
export interface Description {
  count: number;
  mean: number;
  /** The sample's standard deviation (n − 1); 0 for a single value. */
  deviation: number;
  min: number;
  max: number;
  p50: number;
  p95: number;
  p99: number;
}

/** Describes `values`. */
export function describe(values: readonly number[]): Description {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count,
    mean,
    deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : count === 1 ? 0 : Number.NaN,
    min: count > 0 ? Math.min(...values) : Number.NaN,
    max: count > 0 ? Math.max(...values) : Number.NaN,
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    p99: percentile(values, 0.99),
  };
}

/** A histogram with bins of equal width; the last one also counts all values above it. */
export interface Histogram {
  start: number;
  width: number;
  counts: number[];
  /** How many of the last bin's values are above it. */
  above: number;
}

/**
 * Counts `values` in bins of a round width: 1, 2 or 5 times a power of ten, at most about `bins` of them.
 *
 * Bins end at three interquartile ranges above the upper quartile, so that one slow value doesn't squeeze the
 * rest into a single bar. They are never narrower than `finest`, the step of the values.
 */
export function histogram(values: readonly number[], bins: number, finest: number): Histogram {
  if (values.length === 0) return { start: 0, width: finest, counts: [], above: 0 };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const upper = percentile(values, 0.75);
  const fence = upper + 3 * Math.max(upper - percentile(values, 0.25), finest);
  const width = Math.max(finest, round((Math.min(high, fence) - low) / bins));
  // The values come in steps: a tiny amount is added, so that 0.3 / 0.1 falls on the third
  // edge and not just below it.
  const place = (value: number): number => Math.floor(value / width + 1e-6);
  const first = place(low);
  const last = place(Math.min(high, fence));
  const counts = new Array<number>(last - first + 1).fill(0);
  let above = 0;
  for (const value of values) {
    if (place(value) > last) above += 1;
    const at = Math.min(place(value), last) - first;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return { start: first * width, width, counts, above };
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below `value`. */
function round(value: number): number {
  if (!(value > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((factor) => factor * power >= value) ?? 10);
}

/** A point of a line: a length in tokens and its latency. */
export interface Point {
  x: number;
  y: number;
}

/**
 * Where two lines with the same `x` cross, straight between their points on logarithmic axes.
 *
 * Returns each crossing, from left to right; lines that touch and part again don't cross.
 */
export function crossings(one: readonly Point[], other: readonly Point[]): Point[] {
  const found: Point[] = [];
  const gaps = one
    .flatMap(({ x, y }) => {
      const twin = other.find((point) => point.x === x);
      return twin && x > 0 && y > 0 && twin.y > 0
        ? [{ x: Math.log(x), y: Math.log(y), gap: Math.log(y / twin.y) }]
        : [];
    })
    .sort((a, b) => a.x - b.x);
  let left = gaps[0];
  for (const right of gaps.slice(1)) {
    if (right.gap === 0) continue; // the next point decides whether this is a crossing
    if (left && left.gap * right.gap < 0) {
      const share = left.gap / (left.gap - right.gap);
      found.push({
        x: Math.exp(left.x + share * (right.x - left.x)),
        y: Math.exp(left.y + share * (right.y - left.y)),
      });
    }
    left = right;
  }
  return found;
}

/** What the page shows of a session. */
export interface Summary {
  count: number;
  p50: number;
  p95: number;
}

/** Collects the latencies of one model; percentiles are over the last `kept` of them. */
export class Session {
  #values: number[] = [];
  #count = 0;

  constructor(private readonly kept = 1_000) {}

  /** Adds one call's milliseconds. */
  add(ms: number): void {
    this.#count += 1;
    this.#values.push(ms);
    if (this.#values.length > this.kept) this.#values.shift();
  }

  /** Forgets everything: a new model starts a new session. */
  clear(): void {
    this.#values = [];
    this.#count = 0;
  }

  /** The last `count` values, oldest first. */
  last(count: number): readonly number[] {
    return this.#values.slice(-count);
  }

  /** Count of all calls, and the percentiles of those kept. */
  summary(): Summary {
    return { count: this.#count, p50: percentile(this.#values, 0.5), p95: percentile(this.#values, 0.95) };
  }
}
