/** Loads the WebAssembly module: checks that this runtime can run it, fetches the one variant, and starts it. */

import { TabsenseError } from "./errors.js";
import { progressOf } from "./progress.js";
import type { Progress } from "./types.js";

/** The exports of the module. */
export type EngineModule = typeof import("./wasm/simd/tabsense.js");

/** A build variant, by its name in wasm-pack.toml. */
export type Build = "simd" | "relaxed";

/** How this runtime gets at the compiled module: by streaming in a browser, from disk in Node. `url` null: the package's own, of `build`. */
export type CompileWasm = (build: Build, url: string | null, signal: AbortSignal, onBytes: (bytes: number, total: number | null) => void) => Promise<WebAssembly.Module>;

/** A module of one function that needs SIMD128: `() => i8x16.popcnt(i8x16.splat(0))`. */
const SIMD_PROBE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

/** A module of one function that needs relaxed SIMD: `() => f32x4.relaxed_madd(z, z, z)` of zeros. */
const RELAXED_PROBE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11]);

/** The JavaScript of each build. The paths stand here as literals, so that bundlers find the files. */
const GLUE: Record<Build, () => Promise<EngineModule>> = {
  simd: () => import("./wasm/simd/tabsense.js"),
  relaxed: () => import("./wasm/relaxed/tabsense.js"),
};

/** The fastest build that this runtime takes: one without a build's features rejects the whole module. Null where it takes none. */
export function fastestBuild(): Build | null {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD_PROBE)) return null;
  return WebAssembly.validate(RELAXED_PROBE) ? "relaxed" : "simd";
}

/** The started module. One thread (a page, a worker) holds one instance, however many models it loads. */
export async function loadEngineModule(compile: CompileWasm, url: string | null, signal: AbortSignal, emit: (progress: Progress) => void): Promise<EngineModule> {
  const fastest = fastestBuild();
  if (fastest === null) {
    throw new TabsenseError("environment", "This browser runs no WebAssembly SIMD. Use Chrome or Edge 91, Firefox 89, Safari 16.4, Node 20, or newer.");
  }
  // A file of the caller's own is of the build that every runtime takes.
  const build = url === null ? fastest : "simd";
  const glue = GLUE[build]().catch((cause: unknown) => {
    throw new TabsenseError("environment", `The package's module wasm/${build}/tabsense.js could not be loaded. Serve the package's dist folder whole, beside its other modules.`, { cause });
  });
  const compiled = compile(build, url, signal, progressOf("runtime", "tabsense_bg.wasm", emit));
  const [module, wasm] = await Promise.all([glue, compiled]);
  try {
    await module.default({ module_or_path: wasm });
  } catch (cause) {
    throw environment("could not be started", cause);
  }
  return module;
}

/** Compiles what was fetched; a failure says that the file is wrong or the runtime too old. */
export async function compileBytes(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw environment("could not be compiled", cause);
  }
}

/** The error for a wasm file that can't be used here. */
export function environment(what: string, cause: unknown): TabsenseError {
  if (cause instanceof RangeError) return new TabsenseError("out_of_memory", `There is no memory for the WebAssembly module (${cause.message}). Close other tabs.`, { cause });
  return new TabsenseError("environment", `The WebAssembly module ${what} (${cause instanceof Error ? cause.message : String(cause)}). Check that the .wasm file is the one of this version of the package, and that the page's Content-Security-Policy allows 'wasm-unsafe-eval'.`, { cause });
}
