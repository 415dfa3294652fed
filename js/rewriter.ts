/**
 * The WebAssembly module that reads PyTorch's checkpoints, for every runtime: it is fetched only where a model's
 * weights are such files.
 */

import { TabsenseError } from "./api/errors.js";
import type { EngineHost } from "./worker/engine.js";

/** The exports of the module. */
type RewriterModule = typeof import("./wasm/rewriter/tabsense.js");

/**
 * Fetches and starts the module. It is the package's own, also where the caller's option `wasm` names another
 * engine.
 *
 * Kind `"network"` where it can't be reached, `"environment"` where it isn't there or can't run here.
 */
export async function startRewriter(host: EngineHost, signal: AbortSignal): Promise<RewriterModule> {
  try {
    const [module, compiled] = await Promise.all([
      // The path stands here as a literal, so that bundlers find the file.
      import("./wasm/rewriter/tabsense.js"),
      host.compileWasm("rewriter", null, signal, () => {}),
    ]);
    await module.default({ module_or_path: compiled });
    return module;
  } catch (cause) {
    signal.throwIfAborted();
    throw new TabsenseError(
      cause instanceof TabsenseError ? cause.kind : "environment",
      `The weights are a checkpoint of PyTorch's, and the package's module that reads it (wasm/rewriter/) could not be started. ${cause instanceof Error ? cause.message : String(cause)} Without it, convert the weights to safetensors: \`npx tabsense convert\`.`,
      { cause },
    );
  }
}
