/**
 * Loads a model: its files from wherever they are, side by side, into the wasm and onto the graphics card as
 * they come.
 */

import type { EngineModule } from "../builds.js";
import { startEngine, type EngineHost, type Runtime } from "./engine.js";
import { isTrap, TabsenseError, toError } from "../api/errors.js";
import {
  changeOf,
  checkWhole,
  startFiles,
  type Files,
  type FilesHost,
  type Weights,
} from "../files/model-files.js";
import type { Placement } from "./placement.js";
import { progressOf } from "./progress.js";
import { transferOf, type FileRefs, type LoadRequest } from "../client/protocol.js";
import { startWarmUp } from "./warm-up.js";
import { FileChanged, readAll } from "../files/bytes.js";
import type { Progress } from "../api/types.js";
import type { Engine, Loader } from "../wasm/simd/tabsense.js";

/** What differs between the browser and Node. */
export interface ServiceHost extends EngineHost, FilesHost {
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

/** How many times the loading starts over because a file changed meanwhile, or a copy of it was damaged. */
const MOST_RESTARTS = 3;

/**
 * Fetches wasm, configuration, tokenizer and weights side by side, and a device as soon as the wasm is there.
 * The weights are read once all of these are. Where the graphics card fails meanwhile, they are read again
 * for what `placement` says next; where a file changes meanwhile, it is read again.
 */
export async function loadModel(
  { host, request, placement, runtime: started, onConfig }: Loading,
  signal: AbortSignal,
  emit: (progress: Progress) => void,
): Promise<LoadedModel> {
  const ended = new AbortController();
  const all = ended.signal;
  const end = () => ended.abort();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();

  // What is read again is wanted as it was, and without a connection if need be.
  const files = startFiles(host, request, all, started ? "force-cache" : "default");
  const starting = started ? Promise.resolve(started) : startEngine(host, request, all, emit);
  let gpu = awaitedLater(starting.then(({ module }) => (all.aborted ? null : placement.request(module))));
  let weights = awaitedLater(files.openWeights());
  try {
    const [runtime, config, tokenizer] = await Promise.all([
      starting,
      whole(files, starting, "config.json", "config", CONFIG_LIMIT, all, emit).then(
        (config) => (onConfig?.(config), config),
      ),
      whole(files, starting, "tokenizer.json", "tokenizer", TOKENIZER_LIMIT, all, emit),
    ]);
    const { module } = runtime;
    for (let restarts = 0; ; ) {
      const device = await gpu;
      all.throwIfAborted();
      gpu = Promise.resolve(null); // the loader takes it, also where it throws
      try {
        const loader = new module.Loader(
          config,
          tokenizer,
          dtypeOf(request.dtype, device !== null),
          device ?? undefined,
          device === null || placement.both,
        );
        await fill(loader, module, weights, all, emit);
        return { engine: await loader.finish(), runtime };
      } catch (thrown) {
        if (all.aborted) throw thrown;
        const changed = thrown instanceof FileChanged;
        if (changed ? restarts++ >= MOST_RESTARTS : device === null || !placement.recovers(toError(thrown)))
          throw changed ? unsteady(thrown) : thrown;
        discard(weights);
        files.again(changed ? "reload" : "force-cache");
        weights = awaitedLater(files.openWeights());
        gpu = awaitedLater(placement.request(module));
      }
    }
  } catch (thrown) {
    // What is still on its way is of no use, and a device is given back.
    end();
    discard(weights);
    const device = await gpu.catch(() => null);
    device?.free();
    if (!started)
      void starting.then(
        ({ end }) => end(),
        () => {},
      );
    throw thrown;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** A file that is read whole, checked. */
async function whole(
  files: Files,
  starting: Promise<Runtime>,
  name: "config.json" | "tokenizer.json",
  stage: Progress["stage"],
  limit: number,
  signal: AbortSignal,
  emit: (progress: Progress) => void,
): Promise<Uint8Array> {
  for (let restarts = 0; ; restarts++) {
    const file = await files.open(name);
    try {
      const bytes = await readAll(file.opened, file.name, limit, signal, progressOf(stage, name, emit));
      await checkWhole(file, bytes, (await starting).module);
      return bytes;
    } catch (thrown) {
      file.writer?.abandon();
      const change = await changeOf(file, thrown, signal);
      if (change === null) throw thrown;
      if (restarts >= MOST_RESTARTS) throw unsteady(change);
      files.again("reload");
    }
  }
}

/**
 * The request as {@link kept}, or null where it can't be loaded from again, because one of its files can be
 * read but once.
 */
export function repeatable(request: LoadRequest): LoadRequest | null {
  return transferOf(request).length === 0 ? kept(request) : null;
}

/**
 * The same request, to be loaded from again: bytes in memory become a Blob, which browsers may keep on disk.
 */
export function kept(request: LoadRequest): LoadRequest {
  const { shards, ...files } = request.files;
  const entries = Object.entries(files).map(([name, file]) => [
    name,
    "bytes" in file && file.bytes.buffer instanceof ArrayBuffer
      ? { blob: new Blob([file.bytes as Uint8Array<ArrayBuffer>]) }
      : file,
  ]);
  return { ...request, files: { ...(Object.fromEntries(entries) as FileRefs), shards } };
}

/** Closes files that maybe nobody began to read. */
function discard(opening: Promise<Weights>): void {
  void opening.then(({ close }) => close()).catch(() => {});
}

/** Reads the weights into the loader, which is freed where that fails. */
async function fill(
  loader: Loader,
  module: EngineModule,
  opening: Promise<Weights>,
  signal: AbortSignal,
  emit: (progress: Progress) => void,
): Promise<void> {
  const report = progressOf("weights", "model.safetensors", emit);
  try {
    const weights = await opening;
    let [bytes, total] = [0, weights.total];
    const chunks = weights.chunks(module, (passed, of) => {
      [bytes, total] = [passed, of];
      report(bytes, total);
    });
    const warmUp = startWarmUp(loader);
    try {
      for (;;) {
        const next = awaitedLater(chunks.next());
        await warmUp.until(next);
        const { done, value } = await next;
        if (done) break;
        loader.push(value);
      }
    } catch (thrown) {
      // Bytes that the loader can't use may be those of a damaged copy.
      throw isTrap(thrown) || signal.aborted || !(await weights.dropCopies())
        ? thrown
        : new FileChanged("The copy of model.safetensors was damaged");
    } finally {
      // Lets go of the stream, also where the loader threw.
      void chunks.return(undefined).catch(() => {});
    }
    if (total === null) report(bytes, bytes);
  } catch (thrown) {
    if (!isTrap(thrown)) loader.free();
    throw thrown;
  }
}

function unsteady(change: FileChanged): TabsenseError {
  return new TabsenseError(
    "network",
    `${change.message}, again and again. Load the model later; if that doesn't help, look at the server.`,
    { cause: change },
  );
}

/** Half precision is for the graphics card; the CPU that stands in for it computes in single. */
function dtypeOf(asked: string, onGpu: boolean): string {
  return asked === "fp16" && !onGpu ? "fp32" : asked;
}

/** A promise that is awaited later, or never: its failure is no unhandled one. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
