// A subject that hangs must not hang the run: what it is asked has a limit, after which it is given up.

/**
 * An `ask` that rejects where no answer comes in time; what is asked after that is rejected at once.
 * `request` is in seconds.
 */
export function limited(ask, request) {
  let late = null;
  return async (message) => {
    if (late) throw late;
    const seconds = limitOf(message, request);
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => {
        late = new Error(`no answer to "${message.op}" after ${seconds} s: it was given up`);
        reject(late);
      }, 1000 * seconds);
    });
    try {
      return await Promise.race([ask(message), limit]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Seconds that a message may take where each of its requests, and loading, may take `request`. */
function limitOf({ op, texts, limit }, request) {
  if (op === "load") return 2 * request;
  if (op === "answers") return texts.length * request;
  // A turn ends after `limit` milliseconds: one request is under way then, and one more is timed where all
  // before were to warm up.
  if (op === "turn") return limit / 1000 + 2 * request;
  return request;
}
