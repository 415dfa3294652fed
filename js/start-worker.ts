/**
 * The web workers that a page starts: the classifier's own, and those that help it. `start-worker-simd.ts`
 * replaces it where there are no threads.
 */

import { trusted } from "./platform/trusted.js";
import { workerFromElsewhere } from "./platform/worker-from-elsewhere.js";
import type { HelperReply } from "./worker/threads.js";

/** Starts the classifier's worker. Throws where the browser refuses at once. */
export function newWorker(): Worker {
  return trusted(
    () =>
      workerFromElsewhere("./worker.js", import.meta.url) ??
      // This line as it stands is what bundlers look for.
      new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  );
}

/**
 * Starts a worker that helps the classifier's, which talks with it through `port`. It is the page that starts
 * it, for Chromium may lose the end of a worker that has workers of its own. Null where it can't be started,
 * which the port then tells.
 */
export function startHelper(port: MessagePort): Worker | null {
  const fail = () => port.postMessage({ ready: false } satisfies HelperReply);
  let worker: Worker;
  try {
    worker = trusted(
      () =>
        workerFromElsewhere("./thread.js", import.meta.url) ??
        // This line as it stands is what bundlers look for.
        new Worker(new URL("./thread.js", import.meta.url), { type: "module" }),
    );
  } catch {
    fail();
    return null;
  }
  worker.onmessage = () => {
    worker.onmessage = worker.onerror = null;
    worker.postMessage(port, [port]);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail();
  };
  return worker;
}
