/**
 * Lets the engine optimize the kernels while the model downloads, so that the first call is as fast as
 * later ones.
 */

import { nextTask } from "../files/bytes.js";
import type { Loader } from "../wasm/simd/tabsense.js";

/** Milliseconds of warming up, after which every kernel has been called often enough. */
const WARM_UP_MS = 80;

/** The rest of a model's warm-up. */
export interface WarmUp {
  /** Warms up until `awaited` has settled, or it was enough. */
  until(awaited: Promise<unknown>): Promise<void>;
}

/** Warms up a loader's kernels. Bytes that have already arrived don't wait for it. */
export function startWarmUp(loader: Loader): WarmUp {
  let spent = 0;
  return {
    async until(awaited) {
      let settled = false;
      const settle = () => void (settled = true);
      awaited.then(settle, settle);
      while (spent < WARM_UP_MS) {
        await nextTask();
        if (settled) return;
        const start = performance.now();
        loader.warmUp();
        spent += performance.now() - start;
      }
    },
  };
}
