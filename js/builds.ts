/**
 * The WebAssembly builds: which of them this runtime supports, and the files of each. `builds-simd.ts`
 * replaces it if there is only one build.
 */

/** The JavaScript of a build without threads. */
export type SingleModule = typeof import("./wasm/simd/tabsense.js");

/** The JavaScript of a build with threads. */
export type ThreadedModule = typeof import("./wasm/simd-threads/tabsense.js");

/** The exports of every build, once it is started. */
export type EngineModule = Omit<SingleModule, "default">;

/** A build without threads, by its name in wasm-pack.toml. */
export type SingleBuild = "simd" | "relaxed";

/** A build with threads. */
export type ThreadedBuild = `${SingleBuild}-threads`;

/** A build variant. */
export type Build = SingleBuild | ThreadedBuild;

/**
 * A module with a `.wasm` file: a build variant, the one that reads PyTorch checkpoints, or the one that
 * teaches.
 */
export type WasmName = Build | "rewriter" | "teacher";

/** A module of one function that needs SIMD128: `() => i8x16.popcnt(i8x16.splat(0))`. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
]);

/** A module of one function that needs relaxed SIMD: `() => f32x4.relaxed_madd(z, z, z)` of zeros. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 17, 65, 0,
  253, 17, 65, 0, 253, 17, 253, 133, 2, 11,
]);

/** A module with a shared memory, and one function that needs atomics: `() => drop(i32.atomic.load(0))`. */
const THREADS_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254,
  16, 2, 0, 26, 11,
]);

/**
 * The fastest build without threads that this runtime supports: a runtime that lacks one of a build's
 * features rejects the whole module. Null if it supports none.
 */
export function fastestBuild(): SingleBuild | null {
  if (!supportsSimd()) return null;
  return WebAssembly.validate(RELAXED_PROBE) ? "relaxed" : "simd";
}

/** Whether this runtime supports the build `simd`; otherwise, it supports none. */
export function supportsSimd(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(SIMD_PROBE);
}

/**
 * Whether this runtime supports the builds with threads. Their futures wait with `Atomics.waitAsync`; without
 * it, each wait would start a worker instead.
 */
export function supportsThreads(): boolean {
  return (
    typeof SharedArrayBuffer === "function" &&
    typeof (Atomics as { waitAsync?: unknown }).waitAsync === "function" &&
    WebAssembly.validate(THREADS_PROBE)
  );
}

/** The `.wasm` file of each module. The paths are literals, so that bundlers find the files. */
export const WASM: Record<WasmName, () => URL> = {
  simd: () => new URL("./wasm/simd/tabsense_bg.wasm", import.meta.url),
  relaxed: () => new URL("./wasm/relaxed/tabsense_bg.wasm", import.meta.url),
  "simd-threads": () => new URL("./wasm/simd-threads/tabsense_bg.wasm", import.meta.url),
  "relaxed-threads": () => new URL("./wasm/relaxed-threads/tabsense_bg.wasm", import.meta.url),
  rewriter: () => new URL("./wasm/rewriter/tabsense_bg.wasm", import.meta.url),
  teacher: () => new URL("./wasm/teacher/tabsense_bg.wasm", import.meta.url),
};

/** The JavaScript of the builds with threads. The paths are literals, so that bundlers find the files. */
export const THREADED_GLUE: Record<ThreadedBuild, () => Promise<ThreadedModule>> = {
  "simd-threads": () => import("./wasm/simd-threads/tabsense.js"),
  "relaxed-threads": () => import("./wasm/relaxed-threads/tabsense.js"),
};

/** The JavaScript of the builds without threads. */
export const SINGLE_GLUE: Record<SingleBuild, () => Promise<SingleModule>> = {
  simd: () => import("./wasm/simd/tabsense.js"),
  relaxed: () => import("./wasm/relaxed/tabsense.js"),
};
