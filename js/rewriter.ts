/**
 * The WebAssembly module that reads PyTorch checkpoints, for every runtime. It is fetched only if a model's
 * weights are in one.
 */

import type { EngineHost } from "./worker/engine.js";
import { startExtraModule } from "./worker/extra-module.js";

/** The exports of the module. */
type RewriterModule = typeof import("./wasm/rewriter/tabsense.js");

/** Fetches and starts the module. Rejects as {@link startExtraModule} does. */
export function startRewriter(host: EngineHost, signal: AbortSignal): Promise<RewriterModule> {
  const describe = (why: string) =>
    `The weights are a PyTorch checkpoint, and the module that reads it (wasm/rewriter/) could not be started. ${why} Or convert the weights to safetensors: \`npx tabsense convert\`.`;
  return startExtraModule(host, "rewriter", import("./wasm/rewriter/tabsense.js"), signal, describe);
}
