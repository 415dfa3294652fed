/** Latencies of a session: the last values and their percentiles. */

/** The nearest-rank percentile of `values` (0 < share ≤ 1); NaN where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
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

  /** Forgets all: a new model starts a new session. */
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
