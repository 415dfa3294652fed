/**
 * The web workers that a page starts: the classifier's own, and its helpers. `start-worker-simd.ts` replaces
 * this file if there are no threads.
 */

import { trusted } from "./platform/trusted.js";
import { workerFromElsewhere } from "./platform/worker-from-elsewhere.js";
import type { HelperReply } from "./worker/threads.js";

/** Starts the classifier's worker. Throws if the browser refuses at once. */
export function newWorker(): Worker {
  return trusted(
    () =>
      workerFromElsewhere("./worker.js", import.meta.url) ??
      // Bundlers look for exactly this line.
      new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
  );
}

/**
 * Starts a worker that helps the classifier's worker, which communicates with it through `port`. The page
 * starts it, because Chromium may lose the end of a worker that has its own workers. Null if it can't be
 * started, which is also reported through the port.
 */
export function startHelper(port: MessagePort): Worker | null {
  const fail = () => port.postMessage({ ready: false } satisfies HelperReply);
  let worker: Worker;
  try {
    worker = trusted(
      () =>
        workerFromElsewhere("./thread.js", import.meta.url) ??
        // Bundlers look for exactly this line.
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
