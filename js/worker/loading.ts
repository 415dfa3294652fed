/**
 * Loads a model: its files from wherever they are, side by side, into the wasm and onto the graphics card as
 * they come.
 */

import type { EngineModule } from "../builds.js";
import { startEngine, type EngineHost, type Runtime } from "./engine.js";
import { isTrap, TabsenseError, toError } from "../api/errors.js";
import {
  checkWhole,
  failureOf,
  startFiles,
  type Files,
  type FilesHost,
  type Weights,
} from "../files/model-files.js";
import type { CheckedFile } from "../files/check.js";
import type { Placement } from "./placement.js";
import { progressOf, type FileProgress } from "./progress.js";
import { transferOf, type FileRefs, type LoadRequest } from "../client/protocol.js";
import { startWarmUp } from "./warm-up.js";
import { CopyDamaged, FileChanged, readAll } from "../files/bytes.js";
import { withoutMark } from "../files/foreign.js";
import type { Engine, Gpu, Loader } from "../wasm/simd/tabsense.js";

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
  /** Tells the headers of a request where the caller has a function for that. */
  headers: (url: string, signal: AbortSignal) => Promise<Record<string, string>>;
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
/** The longest `tokenizer_config.json`, in bytes. */
const TOKENIZER_CONFIG_LIMIT = 4 << 20;

/** The files that are read whole, in front of the weights. */
const WHOLE_FILES = {
  "config.json": { stage: "config", limit: CONFIG_LIMIT },
  "tokenizer.json": { stage: "tokenizer", limit: TOKENIZER_LIMIT },
} as const;
type WholeFile = keyof typeof WHOLE_FILES;

/** How many times files are read again because one changed meanwhile, or a copy of it was damaged. */
const MOST_RESTARTS = 3;

/**
 * Fetches wasm, configuration, tokenizer and weights side by side, and a device as soon as the wasm is there.
 * The weights are read once all of these are. Where the graphics card fails meanwhile, they are read again
 * for what `placement` says next; where a file changes meanwhile, all are, so that they belong together.
 */
export async function loadModel(
  { host, request, placement, runtime: started, headers, onConfig }: Loading,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): Promise<LoadedModel> {
  const ended = new AbortController();
  const all = ended.signal;
  const end = () => ended.abort();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();

  const files = startFiles(host, request, all, started !== null, headers);
  const starting = started ? Promise.resolve(started) : startEngine(host, request, all, emit);
  const read = startReading(files, starting, request, all, emit);
  const readSmall = () =>
    awaitedLater(
      Promise.all([
        read("config.json").then((config) => (onConfig?.(config), config)),
        read("tokenizer.json"),
        readOptional(files, starting, all),
      ]),
    );
  let gpu = awaitedLater(starting.then(({ module }) => (all.aborted ? null : placement.request(module))));
  let small = readSmall();
  let weights = awaitedLater(files.openWeights());
  try {
    for (let restarts = 0; ; ) {
      let device: Gpu | null = null;
      try {
        const [runtime, [config, tokenizer, tokenizerConfig]] = await Promise.all([starting, small]);
        const { module } = runtime;
        // Weights that can't be had are told at once, not when the adapter has answered.
        device = await Promise.race([gpu, weights.then(() => gpu)]);
        all.throwIfAborted();
        gpu = Promise.resolve(null); // the loader takes it, also where it throws
        const loader = new module.Loader(
          config,
          tokenizer,
          tokenizerConfig,
          dtypeOf(request.dtype, device !== null),
          device ?? undefined,
          device === null || placement.both,
        );
        await fill(loader, module, weights, all, emit);
        const engine = await loader.finish();
        files.keep();
        return { engine, runtime };
      } catch (thrown) {
        const changed = thrown instanceof FileChanged;
        const again = changed || thrown instanceof CopyDamaged;
        if (all.aborted || !(again || (device !== null && placement.recovers(toError(thrown))))) throw thrown;
        if (again && restarts++ >= MOST_RESTARTS) throw unsteady(thrown);
        discard(weights);
        if (changed) {
          files.anew();
          small = readSmall();
        } else if (!again) {
          files.asTheyWere();
        }
        weights = awaitedLater(files.openWeights());
        if (device !== null) gpu = awaitedLater(starting.then(({ module }) => placement.request(module)));
      }
    }
  } catch (thrown) {
    // What is still on its way is of no use, and a device is given back, whenever it comes.
    end();
    files.abandon();
    discard(weights);
    void gpu.then(
      (device) => device?.free(),
      () => {},
    );
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

/** Reads whole files, checked; one that can be read but once is kept for a second time. */
function startReading(
  files: Files,
  starting: Promise<Runtime>,
  request: LoadRequest,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): (name: WholeFile) => Promise<Uint8Array> {
  const streams = new Map<WholeFile, Uint8Array>();
  return async (name) => {
    const { stage, limit } = WHOLE_FILES[name];
    const before = streams.get(name);
    if (before) return before;
    for (let restarts = 0; ; restarts++) {
      const file = await files.open(name);
      try {
        const bytes = await readAll(file.opened, file.name, limit, signal, progressOf(stage, name, emit));
        await checkWhole(file, bytes, (await starting).module);
        const text = withoutMark(bytes);
        if ("stream" in request.files[name]) streams.set(name, text);
        return text;
      } catch (thrown) {
        file.writer?.abandon();
        const failure = await failureOf(file, thrown, signal);
        if (!(failure instanceof CopyDamaged)) throw failure;
        if (restarts >= MOST_RESTARTS) throw unsteady(failure);
      }
    }
  };
}

/** The bytes of `tokenizer_config.json`, checked; undefined where the model has none. */
async function readOptional(
  files: Files,
  starting: Promise<Runtime>,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const read = async (file: CheckedFile) => {
    try {
      const bytes = await readAll(file.opened, file.name, TOKENIZER_CONFIG_LIMIT, signal, () => {});
      await checkWhole(file, bytes, (await starting).module);
      return withoutMark(bytes);
    } catch (thrown) {
      file.writer?.abandon();
      throw await failureOf(file, thrown, signal);
    }
  };
  try {
    return await files.optional(read);
  } catch (thrown) {
    if (!(thrown instanceof CopyDamaged)) throw thrown;
    return files.optional(read); // the damaged copy is gone
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
    file && "bytes" in file && file.bytes.buffer instanceof ArrayBuffer
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
  emit: (progress: FileProgress) => void,
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
        : new CopyDamaged("model.safetensors");
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

function unsteady(change: Error): TabsenseError {
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
