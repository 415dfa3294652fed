/** Starts the package's additional WebAssembly modules, which are fetched only if needed. */

import { TabsenseError } from "../api/errors.js";
import type { WasmName } from "../builds.js";
import type { EngineHost } from "./engine.js";

/** The JavaScript of a module. */
interface Glue {
  default(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;
}

/**
 * Fetches and starts the module `name`. `glue`: the import of its JavaScript, whose path must be a literal in
 * the calling code, so that bundlers find the file. The module is the package's own, even if the option
 * `wasm` names another engine. `describe` returns the error's message for the reason of a failure.
 *
 * Kind `"network"` if it can't be reached, `"environment"` if it doesn't exist or can't run here.
 */
export async function startExtraModule<Module extends Glue>(
  host: EngineHost,
  name: WasmName,
  glue: Promise<Module>,
  signal: AbortSignal,
  describe: (why: string) => string,
): Promise<Module> {
  try {
    const [module, compiled] = await Promise.all([glue, host.compileWasm(name, null, signal, () => {})]);
    await module.default({ module_or_path: compiled });
    return module;
  } catch (cause) {
    signal.throwIfAborted();
    throw new TabsenseError(
      cause instanceof TabsenseError ? cause.kind : "environment",
      describe(
        cause instanceof TabsenseError
          ? cause.message
          : `${cause instanceof Error ? cause.message : String(cause)}.`,
      ),
      { cause },
    );
  }
}
