/** Loads the WebAssembly module: checks which builds this runtime supports, fetches one, and starts it. */

import {
  fastestBuild,
  SINGLE_GLUE,
  supportsThreads,
  THREADED_GLUE,
  type Build,
  type EngineModule,
  type SingleBuild,
  type WasmName,
} from "../builds.js";
import { TabsenseError } from "../api/errors.js";
import { progressOf, type FileProgress } from "./progress.js";
import { startHelpers, threadsFor, type Helpers, type StartHelper } from "./threads.js";

/** What the engine needs from the browser or Node. */
export interface EngineHost {
  /**
   * Compiles the module: by streaming in a browser, from disk in Node. `url` null: the package's own file for
   * `name`.
   */
  compileWasm(
    name: WasmName,
    url: string | null,
    signal: AbortSignal,
    onBytes: (bytes: number, total: number | null) => void,
  ): Promise<WebAssembly.Module>;
  /** How many threads can compute at the same time; null if they can't share memory. */
  processors(): number | null;
  /** Null if the service is on a page's main thread, which must not block on others. */
  startHelper: StartHelper | null;
}

/** A started module. Several models may use it, one after the other. */
export interface Runtime {
  module: EngineModule;
  /** Ends its helpers; afterwards, the runtime must not be used. */
  end(): void;
}

/** Which module to start, and on how many threads. */
export interface EngineRequest {
  /** The URL of the .wasm file, or the compiled module; null for the package's own. */
  wasm: string | WebAssembly.Module | null;
  threads: number | "auto";
}

/**
 * Starts the module. A page or worker has one instance without threads, however many models it loads; one
 * with threads belongs to the worker that starts it.
 */
export async function startEngine(
  host: EngineHost,
  { wasm, threads }: EngineRequest,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): Promise<Runtime> {
  const fastest = fastestBuild();
  if (fastest === null) {
    throw new TabsenseError(
      "environment",
      "This browser doesn't support WebAssembly SIMD. Use Chrome or Edge 91, Firefox 89, Safari 16.4, Node 20, or newer.",
    );
  }
  const compile = (build: Build, url: string | null = null) =>
    host.compileWasm(build, url, signal, progressOf("runtime", "tabsense_bg.wasm", emit));
  // The caller's own file has the build that every runtime supports.
  if (wasm !== null)
    return single("simd", typeof wasm === "string" ? compile("simd", wasm) : Promise.resolve(wasm));
  const processors = supportsThreads() ? host.processors() : null;
  const count = processors === null ? 1 : threadsFor(threads, processors);
  const helpers = count > 1 && host.startHelper ? startHelpers(count - 1, host.startHelper) : null;
  return helpers ? threaded(fastest, helpers, compile) : single(fastest, compile(fastest));
}

async function single(build: SingleBuild, compiled: Promise<WebAssembly.Module>): Promise<Runtime> {
  const [module, wasm] = await Promise.all([SINGLE_GLUE[build]().catch(missing(build)), compiled]);
  await module.default({ module_or_path: wasm }).catch(notStarted);
  return { module, end: () => {} };
}

async function threaded(
  fastest: SingleBuild,
  helpers: Helpers,
  compile: (build: Build) => Promise<WebAssembly.Module>,
): Promise<Runtime> {
  const build = `${fastest}-threads` as const;
  const [module, wasm] = await Promise.all([THREADED_GLUE[build]().catch(missing(build)), compile(build)]);
  await module.default({ module_or_path: wasm, memory: helpers.memory }).catch(notStarted);
  await helpers.join(build, wasm, module);
  // Helpers that sleep in the wasm would take two seconds to terminate in Chromium, and keep the memory as
  // long.
  return { module, end: module.endHelpers };
}

function missing(build: Build): (cause: unknown) => never {
  return (cause) => {
    throw new TabsenseError(
      "environment",
      `The package's module wasm/${build}/tabsense.js could not be loaded. Serve the package's whole dist folder.`,
      { cause },
    );
  };
}

function notStarted(cause: unknown): never {
  throw environment("could not be started", cause);
}

/** Compiles the bytes of a file; a failure means that the file is wrong or the runtime too old. */
export async function compileBytes(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw environment("could not be compiled", cause);
  }
}

/** The error for a wasm file that can't be used here. */
export function environment(what: string, cause: unknown): TabsenseError {
  if (cause instanceof RangeError)
    return new TabsenseError(
      "out_of_memory",
      `Not enough memory for the WebAssembly module (${cause.message}). Close other tabs.`,
      { cause },
    );
  return new TabsenseError(
    "environment",
    `The WebAssembly module ${what} (${cause instanceof Error ? cause.message : String(cause)}). Check that the .wasm file belongs to this version of the package, and that the page's Content-Security-Policy allows 'wasm-unsafe-eval'.`,
    { cause },
  );
}
