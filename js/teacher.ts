/**
 * The WebAssembly module that teaches a classifier from examples, for every runtime: it is fetched only where one
 * is taught.
 */

import { TabsenseError } from "./api/errors.js";
import type { EngineHost } from "./worker/engine.js";

/** The exports of the module. */
export type TeacherModule = typeof import("./wasm/teacher/tabsense.js");

/**
 * Fetches and starts the module. It is the package's own, also where the caller's option `wasm` names another
 * engine.
 *
 * Kind `"network"` where it can't be reached, `"environment"` where it isn't there or can't run here.
 */
export async function startTeacher(host: EngineHost, signal: AbortSignal): Promise<TeacherModule> {
  try {
    const [module, compiled] = await Promise.all([
      // The path stands here as a literal, so that bundlers find the file.
      import("./wasm/teacher/tabsense.js"),
      host.compileWasm("teacher", null, signal, () => {}),
    ]);
    await module.default({ module_or_path: compiled });
    return module;
  } catch (cause) {
    signal.throwIfAborted();
    throw new TabsenseError(
      cause instanceof TabsenseError ? cause.kind : "environment",
      `The package's module that teaches a classifier (wasm/teacher/) could not be started. ${cause instanceof Error ? cause.message : String(cause)} A classifier that was taught elsewhere runs without it.`,
      { cause },
    );
  }
}
