// A token bucket: all who take from it together get no more bytes a second than it is filled with.

/** What it holds at most, in seconds of its rate: as much as timers are late by. */
const DEPTH = 0.01;
/** Nor less than this many bytes, or a slow one could never give a whole chunk. */
const LEAST = 32 * 1024;

/** A bucket of `rate` bytes a second; yields a function to wait with until `bytes` may be sent. */
export function tokenBucket(rate) {
  const most = Math.max(LEAST, rate * DEPTH);
  let tokens = 0;
  let then = performance.now();
  let last = Promise.resolve();

  async function wait(bytes) {
    for (;;) {
      const now = performance.now();
      tokens = Math.min(most, tokens + ((now - then) / 1000) * rate);
      then = now;
      if (tokens >= bytes) break;
      const lacking = ((bytes - tokens) / rate) * 1000;
      await new Promise((resolve) => setTimeout(resolve, lacking));
    }
    tokens -= bytes;
  }

  // One after the other, in the order in which they come: answers take turns.
  return (bytes) => (last = last.then(() => wait(bytes)));
}
