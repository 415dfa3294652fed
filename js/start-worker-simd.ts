/** Stands in for start-worker.ts in `tabsense/simd`: a worker that knows one build, and no helpers. */

import { workerFromElsewhere } from "./platform/worker-from-elsewhere.js";

/** Starts the classifier's worker. Throws where the browser refuses at once. */
export function newWorker(): Worker {
  const worker = workerFromElsewhere("./worker-simd.js", import.meta.url);
  // This line as it stands is what bundlers look for.
  return worker ?? new Worker(new URL("./worker-simd.js", import.meta.url), { type: "module" });
}

/** Starts none: without threads, nobody asks for a helper. */
export function startHelper(): null {
  return null;
}
