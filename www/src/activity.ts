/**
 * Tracks the page's own calls: the benchmark waits for them, and discards the samples that they disturbed.
 */

/** The page's own calls, from the text box, the comparison and the other tabs. */
export interface Activity {
  /** Runs a call and tracks it. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** A number that changes at the beginning and the end of each call. */
  changes(): number;
  /** Whether a call is under way. */
  busy(): boolean;
  /** Resolves as soon as no call is; rejects when `signal` fires. */
  idle(signal: AbortSignal): Promise<void>;
}

/** Starts with nothing under way. */
export function watchActivity(): Activity {
  const calls = new Set<Promise<unknown>>();
  let changes = 0;
  return {
    run(call) {
      changes += 1;
      const ended = call().finally(() => {
        calls.delete(ended);
        changes += 1;
      });
      calls.add(ended);
      return ended;
    },
    changes: () => changes,
    busy: () => calls.size > 0,
    async idle(signal) {
      while (calls.size > 0 && !signal.aborted) {
        const settled = new AbortController();
        const aborted = new Promise((resolve) =>
          signal.addEventListener("abort", resolve, { signal: settled.signal }),
        );
        await Promise.race([Promise.allSettled(calls), aborted]);
        settled.abort();
      }
      signal.throwIfAborted();
    },
  };
}
