/** Replaces builds.ts in `tabsense/simd` and on the edge, where `simd` is the only build. */

import { supportsSimd, type SingleBuild, type SingleModule, type WasmName } from "./builds.js";

/** The one build, or null if this runtime doesn't support it. */
export function fastestBuild(): SingleBuild | null {
  return supportsSimd() ? "simd" : null;
}

/** There is no build with threads. */
export function supportsThreads(): boolean {
  return false;
}

/** Its `.wasm` file, and those of the modules that read PyTorch checkpoints and teach classifiers. */
export const WASM: Partial<Record<WasmName, () => URL>> = {
  simd: () => new URL("./wasm/simd/tabsense_bg.wasm", import.meta.url),
  rewriter: () => new URL("./wasm/rewriter/tabsense_bg.wasm", import.meta.url),
  teacher: () => new URL("./wasm/teacher/tabsense_bg.wasm", import.meta.url),
};

/** Its JavaScript. */
export const SINGLE_GLUE: Partial<Record<SingleBuild, () => Promise<SingleModule>>> = {
  simd: () => import("./wasm/simd/tabsense.js"),
};

/** None. */
export const THREADED_GLUE = {};
