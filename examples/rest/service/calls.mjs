/** Runs calls within limits: their number at a time and their duration. Ends calls whose caller hung up. */

import { clientClosed, HttpError, refuse, RETRY_AFTER } from "./errors.mjs";

export function createCalls(limits) {
  let count = 0;
  return {
    /** The number of calls that wait or are under way. */
    get count() {
      return count;
    },
    /**
     * Resolves to the result of `work(classifier, signal)`, or refuses if it takes too long
     * or too many are under way.
     */
    async run(c, model, work) {
      if (count >= limits.calls)
        refuse(
          429,
          "busy",
          `${count} calls are in progress, which is the maximum. Try again later.`,
          RETRY_AFTER,
        );
      count++;
      try {
        const timeout = AbortSignal.timeout(limits.time);
        const signal = AbortSignal.any([timeout, c.req.raw.signal]);
        const classifier = await model.get(c.env, signal).catch((error) => {
          if (!signal.aborted || error !== signal.reason) throw error;
          throw timeout.aborted
            ? new HttpError(503, "loading", "The model is still loading. Try again later.")
            : clientClosed();
        });
        return await work(classifier, signal).catch((error) => {
          if (timeout.aborted)
            refuse(
              504,
              "timeout",
              `The call took longer than ${limits.time} ms. Send fewer or shorter texts.`,
            );
          throw signal.aborted ? clientClosed() : error;
        });
      } finally {
        count--;
      }
    },
  };
}
