// A token bucket: all its users together get at most as many bytes per second as it is filled with.

/** Its capacity in seconds of its rate: as much as timers are late by. */
const DEPTH = 0.01;
/** Its minimum capacity in bytes: with less, a slow one could never supply a whole chunk. */
const MIN_CAPACITY = 32 * 1024;

/** A bucket of `rate` bytes per second; returns a function that resolves when `bytes` may be sent. */
export function tokenBucket(rate) {
  const capacity = Math.max(MIN_CAPACITY, rate * DEPTH);
  let tokens = 0;
  let updated = performance.now();
  let last = Promise.resolve();

  async function take(bytes) {
    for (;;) {
      const now = performance.now();
      tokens = Math.min(capacity, tokens + ((now - updated) / 1000) * rate);
      updated = now;
      if (tokens >= bytes) break;
      const delay = ((bytes - tokens) / rate) * 1000;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
    tokens -= bytes;
  }

  // One after the other, in order of arrival: responses take turns.
  return (bytes) => (last = last.then(() => take(bytes)));
}
