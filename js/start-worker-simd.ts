/** Replaces start-worker.ts in `tabsense/simd`: a worker with one build and without helpers. */

import { trusted } from "./platform/trusted.js";
import { workerFromElsewhere } from "./platform/worker-from-elsewhere.js";

/** Starts the classifier's worker. Throws if the browser refuses at once. */
export function newWorker(): Worker {
  return trusted(
    () =>
      workerFromElsewhere("./worker-simd.js", import.meta.url) ??
      // Bundlers look for exactly this line.
      new Worker(new URL("./worker-simd.js", import.meta.url), { type: "module" }),
  );
}

/** Starts none: without threads there are no helpers. */
export function startHelper(): null {
  return null;
}
