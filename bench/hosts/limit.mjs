// A subject that hangs must not hang the run: each request has a time limit, after which
// the subject is abandoned.

/**
 * An `ask` that rejects if no answer arrives in time, and rejects all later requests at once.
 * `request` is in seconds.
 */
export function limited(ask, request) {
  let timedOut = null;
  return async (message) => {
    if (timedOut) throw timedOut;
    const seconds = limitOf(message, request);
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => {
        timedOut = new Error(`no answer to "${message.op}" within ${seconds} s`);
        reject(timedOut);
      }, 1000 * seconds);
    });
    try {
      return await Promise.race([ask(message), limit]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Seconds that a message may take if each of its requests, and loading, may take `request`. */
function limitOf({ op, texts, limit }, request) {
  if (op === "load") return 2 * request;
  if (op === "answers") return texts.length * request;
  // A turn ends after `limit` milliseconds: one request is under way then, and another is timed if all
  // before it were warm-ups.
  if (op === "turn") return limit / 1000 + 2 * request;
  return request;
}
