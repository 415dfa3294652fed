/** Loads a model: its files from wherever they are, side by side, into the wasm and onto the graphics card as they come. */

import { startEngine, type EngineHost, type Runtime } from "./engine.js";
import { isTrap, toError } from "./errors.js";
import type { Placement } from "./placement.js";
import { progressOf } from "./progress.js";
import type { FileRef, LoadRequest } from "./protocol.js";
import { startWarmUp } from "./warm-up.js";
import { fetchFile, openBlob, openBytes, openResponse, readAll, readChunks, type Opened } from "./stream.js";
import type { FileName, Progress } from "./types.js";
import type { Engine, Loader } from "./wasm/simd/tabsense.js";

/** What differs between the browser and Node. */
export interface ServiceHost extends EngineHost {
  openPath(path: string): Promise<Opened>;
  /** Why no graphics card can be asked for here, or null. */
  noWebGpu: string | null;
}

/** What a model is loaded with. */
export interface Loading {
  host: ServiceHost;
  request: LoadRequest;
  placement: Placement;
  /** Where it runs already, as it does when a model is loaded again. */
  runtime: Runtime | null;
  /** Hears the bytes of `config.json` long before the weights are there. */
  onConfig: ((config: Uint8Array) => void) | null;
}

/** A model in memory. */
export interface LoadedModel {
  engine: Engine;
  runtime: Runtime;
}

/** The longest `config.json` and `tokenizer.json` that are read, in bytes. */
export const CONFIG_LIMIT = 1 << 20;
export const TOKENIZER_LIMIT = 64 << 20;

/**
 * Fetches wasm, configuration, tokenizer and weights side by side, and a device as soon as the wasm is there. The weights
 * are read once all of these are. Where the graphics card fails meanwhile, they are read again for what `placement` says next.
 */
export async function loadModel({ host, request, placement, runtime: started, onConfig }: Loading, signal: AbortSignal, emit: (progress: Progress) => void): Promise<LoadedModel> {
  const ended = new AbortController();
  const all = ended.signal;
  const end = () => ended.abort();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();

  // What is read again is wanted as it was, and without a connection if need be.
  let cache: RequestCache = started ? "force-cache" : "default";
  const whole = async (file: FileName, stage: Progress["stage"], limit: number) =>
    readAll(await openFile(host, request.files[file], all, cache), nameOf(request.files[file], file), limit, all, progressOf(stage, file, emit));
  const openWeights = () => awaitedLater(openFile(host, request.files["model.safetensors"], all, cache));

  const starting = started ? Promise.resolve(started) : startEngine(host, request, all, emit);
  let gpu = awaitedLater(starting.then(({ module }) => (all.aborted ? null : placement.request(module))));
  let weights = openWeights();
  try {
    const [runtime, config, tokenizer] = await Promise.all([
      starting,
      whole("config.json", "config", CONFIG_LIMIT).then((config) => (onConfig?.(config), config)),
      whole("tokenizer.json", "tokenizer", TOKENIZER_LIMIT),
    ]);
    const { module } = runtime;
    for (;;) {
      const device = await gpu;
      all.throwIfAborted();
      gpu = Promise.resolve(null); // the loader takes it, also where it throws
      try {
        const loader = new module.Loader(config, tokenizer, dtypeOf(request.dtype, device !== null), device ?? undefined, device === null || placement.both);
        await fill(loader, weights, nameOf(request.files["model.safetensors"], "model.safetensors"), all, emit);
        return { engine: await loader.finish(), runtime };
      } catch (thrown) {
        if (all.aborted || device === null || !placement.recovers(toError(thrown))) throw thrown;
        discard(weights);
        cache = "force-cache";
        weights = openWeights();
        gpu = awaitedLater(placement.request(module));
      }
    }
  } catch (thrown) {
    // What is still on its way is of no use, and a device is given back.
    end();
    discard(weights);
    const device = await gpu.catch(() => null);
    device?.free();
    if (!started) void starting.then(({ end }) => end(), () => {});
    throw thrown;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** The same request, to be loaded from again: bytes in memory become a Blob, which browsers may keep on disk. */
export function kept(request: LoadRequest): LoadRequest {
  const files = Object.entries(request.files).map(([name, file]) => [name, "bytes" in file && file.bytes.buffer instanceof ArrayBuffer ? { blob: new Blob([file.bytes as Uint8Array<ArrayBuffer>]) } : file]);
  return { ...request, files: Object.fromEntries(files) as LoadRequest["files"] };
}

/** Closes a file that maybe nobody began to read. */
function discard(opened: Promise<Opened>): void {
  void opened.then(({ body }) => body.cancel()).catch(() => {});
}

/** Reads the weights into the loader, which is freed where that fails. */
async function fill(loader: Loader, weights: Promise<Opened>, name: string, signal: AbortSignal, emit: (progress: Progress) => void): Promise<void> {
  const report = progressOf("weights", "model.safetensors", emit);
  try {
    const opened = await weights;
    let bytes = 0;
    const chunks = readChunks(opened, name, signal, report);
    const warmUp = startWarmUp(loader);
    try {
      for (;;) {
        const next = awaitedLater(chunks.next());
        await warmUp.until(next);
        const { done, value } = await next;
        if (done) break;
        loader.push(value);
        bytes += value.length;
      }
    } finally {
      // Lets go of the stream, also where the loader threw.
      void chunks.return(undefined).catch(() => {});
    }
    if (opened.total === null) report(bytes, bytes);
  } catch (thrown) {
    if (!isTrap(thrown)) loader.free();
    throw thrown;
  }
}

/** Half precision is for the graphics card; the CPU that stands in for it computes in single. */
function dtypeOf(asked: string, onGpu: boolean): string {
  return asked === "fp16" && !onGpu ? "fp32" : asked;
}

async function openFile(host: ServiceHost, file: FileRef, signal: AbortSignal, cache: RequestCache): Promise<Opened> {
  if ("url" in file) return openResponse(await fetchFile(file.url, signal, cache), file.url);
  if ("path" in file) return host.openPath(file.path);
  return "blob" in file ? openBlob(file.blob) : openBytes(file.bytes);
}

function nameOf(file: FileRef, name: FileName): string {
  return "url" in file ? file.url : "path" in file ? file.path : name;
}

/** A promise that is awaited later, or never: its failure is no unhandled one. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
