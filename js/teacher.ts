/**
 * The WebAssembly module that teaches a classifier from examples, for every runtime. It is fetched only if
 * one is taught.
 */

import type { EngineHost } from "./worker/engine.js";
import { startExtraModule } from "./worker/extra-module.js";

/** The exports of the module. */
export type TeacherModule = typeof import("./wasm/teacher/tabsense.js");

/** Fetches and starts the module. Rejects as {@link startExtraModule} does. */
export function startTeacher(host: EngineHost, signal: AbortSignal): Promise<TeacherModule> {
  const describe = (why: string) =>
    `The package's module that teaches a classifier (wasm/teacher/) could not be started. ${why} A classifier that is already taught runs without it.`;
  return startExtraModule(host, "teacher", import("./wasm/teacher/tabsense.js"), signal, describe);
}
