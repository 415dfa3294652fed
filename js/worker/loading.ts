/**
 * Loads a model: streams its files in parallel into the wasm memory and onto the graphics card.
 */

import type { EngineModule } from "../builds.js";
import { startEngine, type EngineHost, type Runtime } from "./engine.js";
import { isTrap, toError } from "../api/errors.js";
import { startFiles, type FilesHost } from "../files/model-files.js";
import type { Weights } from "../files/weights.js";
import type { Placement } from "./placement.js";
import { startRewriter } from "../rewriter.js";
import { progressOf, type FileProgress } from "./progress.js";
import { transferOf, type Embedding, type FileRef, type LoadRequest, type Task } from "../client/protocol.js";
import { furtherFiles, MAX_RESTARTS, startReading, changedRepeatedly } from "./small-files.js";
import { startWarmUp } from "./warm-up.js";
import { CopyDamaged, FileChanged } from "../files/bytes.js";
import { loadTasks } from "../api/load-tasks.js";
import type { Engine, Gpu, Loader } from "../wasm/simd/tabsense.js";

/** What differs between the browser and Node. */
export interface ServiceHost extends EngineHost, FilesHost {
  /** Why no graphics card can be requested here, or null. */
  noWebGpu: string | null;
}

/** What a model is loaded with. */
export interface Loading {
  host: ServiceHost;
  request: LoadRequest;
  placement: Placement;
  /** The running module, if a model is loaded again; otherwise null. */
  runtime: Runtime | null;
  /** Returns the headers of a request, if the caller has a function for them. */
  headers: (url: string, signal: AbortSignal) => Promise<Record<string, string>>;
  /** Called with the bytes of `config.json`, long before the weights have arrived. */
  onConfig: ((config: Uint8Array) => void) | null;
}

/** A model in memory. */
export interface LoadedModel {
  engine: Engine;
  /** For an embedder. */
  embedding: Embedding | null;
  /** The file that its weights were read from. */
  file: string;
  /** Why it is not another file, a sentence each. */
  notes: string[];
  runtime: Runtime;
}

/** The kinds of errors that a file damaged in transit may cause, if only its content shows the damage. */
const DAMAGE_KINDS: readonly string[] = [
  "config_invalid",
  "tokenizer_invalid",
  "weights_header",
  "weights_length",
  "not_a_model",
  "integrity",
];

/**
 * Fetches wasm, configuration, tokenizer and weights in parallel, and requests a device as soon as the wasm
 * has started. The weights are read once all of these are ready. If the graphics card fails meanwhile, they
 * are read again for the next choice of `placement`. If a file changes meanwhile, all files are read again,
 * so that they belong together. If a file isn't what it should be, all are fetched again, bypassing every
 * cache.
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

  const files = startFiles(host, request, all, started !== null, headers, () => startRewriter(host, all));
  const starting = started ? Promise.resolve(started) : startEngine(host, request, all, emit);
  const tasks = request.task === "embed" ? awaitedLater(loadTasks()) : null;
  const read = startReading(files, starting, request, all, emit);
  const readSmall = () => awaitedLater(read(onConfig));
  let gpu = awaitedLater(starting.then(({ module }) => (all.aborted ? null : placement.request(module))));
  let small = readSmall();
  let weights = awaitedLater(files.openWeights());
  try {
    for (let restarts = 0; ; ) {
      let device: Gpu | null = null;
      let file: string | null = null;
      try {
        const [runtime, smallFiles] = await Promise.all([starting, small]);
        const { module } = runtime;
        // Missing weights are reported at once, without waiting for the adapter.
        const [opened, adapter] = await Promise.all([weights, gpu]);
        device = adapter;
        file = opened.file;
        all.throwIfAborted();
        const embedding =
          request.task === "embed"
            ? (await tasks!).readEmbedding(request.pooling, smallFiles.embedding, smallFiles.config)
            : null;
        const further = furtherFiles(module, smallFiles);
        gpu = Promise.resolve(null); // the loader consumes it, even if it throws
        const loader = new module.Loader(
          taskOf(request.task, embedding),
          smallFiles.config,
          smallFiles.tokenizer,
          smallFiles.tokenizerConfig,
          dtypeOf(opened, request, device !== null),
          device ?? undefined,
          device === null || placement.both,
          further,
        );
        if (embedding?.maxTokens) loader.limitTokens(embedding.maxTokens);
        await fill(loader, module, opened, files.confirm, all, emit);
        const engine = await loader.finish();
        files.commit();
        return { engine, embedding, file, notes: files.notes(), runtime };
      } catch (thrown) {
        const error = toError(thrown);
        const changed = thrown instanceof FileChanged;
        const again = changed || thrown instanceof CopyDamaged;
        const instead = !again && file !== null && files.instead(file, thrown);
        const damaged = !again && !instead && DAMAGE_KINDS.includes(error.kind) && files.mayBeStale();
        const recovers = () => device !== null && placement.recovers(error);
        if (all.aborted || !(again || instead || damaged || recovers())) throw thrown;
        if (again && restarts++ >= MAX_RESTARTS) throw changedRepeatedly(thrown);
        discard(weights);
        if (changed || damaged) {
          files.restart();
          small = readSmall();
        } else if (!again && !instead) {
          files.preferCached();
        }
        weights = awaitedLater(files.openWeights());
        if (device !== null) gpu = awaitedLater(starting.then(({ module }) => placement.request(module)));
      }
    }
  } catch (thrown) {
    // Files that are still arriving are of no use, and a device is freed whenever it arrives.
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

/**
 * The request {@link withBlobs}, or null if it can't be repeated because one of its files can be read only
 * once.
 */
export function repeatable(request: LoadRequest): LoadRequest | null {
  return transferOf(request).length === 0 ? withBlobs(request) : null;
}

/** The same request, for loading again: bytes in memory become a Blob, which browsers may keep on disk. */
export function withBlobs(request: LoadRequest): LoadRequest {
  const { weights, ...files } = request.files;
  const { given } = weights;
  return {
    ...request,
    files: { ...inBlobs(files), weights: { ...weights, given: given && inBlobs(given) } },
  };
}

function inBlobs<Refs extends object>(files: Refs): Refs {
  const entries = Object.entries(files).map(([name, file]: [string, FileRef | null]) => [
    name,
    file && "bytes" in file && file.bytes.buffer instanceof ArrayBuffer
      ? { blob: new Blob([file.bytes as Uint8Array<ArrayBuffer>]) }
      : file,
  ]);
  return Object.fromEntries(entries) as Refs;
}

/** Closes files that may not have been read. */
function discard(opening: Promise<Weights>): void {
  void opening.then(({ close }) => close()).catch(() => {});
}

/**
 * Reads the weights into the loader: their file, and those in which it continues. Then awaits `confirm`.
 * Frees the loader if this fails.
 */
async function fill(
  loader: Loader,
  module: EngineModule,
  weights: Weights,
  confirm: () => Promise<void>,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): Promise<void> {
  try {
    let part: Part = weights;
    for (;;) {
      await push(loader, module, weights, part, signal, emit);
      const name = loader.endFile();
      if (name === undefined) break;
      part = await weights.further(name);
    }
    weights.end();
    await confirm();
  } catch (thrown) {
    if (!isTrap(thrown)) loader.free();
    throw thrown;
  }
}

/** One of the files that contain the weights. */
type Part = Pick<Weights, "file" | "total" | "chunks">;

/** Reads one file into the loader. */
async function push(
  loader: Loader,
  module: EngineModule,
  weights: Weights,
  part: Part,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): Promise<void> {
  const report = progressOf("weights", part.file, emit);
  let [bytes, total] = [0, part.total];
  const chunks = part.chunks(module, (passed, of) => {
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
      : new CopyDamaged(part.file);
  } finally {
    // Releases the stream, even if the loader threw.
    void chunks.return(undefined).catch(() => {});
  }
  if (total === null || bytes !== total) report(bytes, bytes);
}

/** The engine's name for a task. */
function taskOf(task: Task, embedding: Embedding | null): Parameters<LoaderClass>[0] {
  if (task !== "embed") return task;
  return embedding?.pooling === "cls" ? "embed-first" : "embed-mean";
}

type LoaderClass = (...args: ConstructorParameters<typeof Loader>) => void;

/** The name of a 4-bit file. */
const FOUR_BITS = /_q4(?:f16)?\.onnx$/;

/**
 * Half precision is for the graphics card: the CPU, as a fallback, computes in fp32. With dtype `"auto"`, a
 * tagger's 4-bit file is stored as fp32: its labels are close to each other more often than a text's, so
 * rounding, including that of the activations, would decide between them.
 */
function dtypeOf({ file, dtype }: Weights, { task, weights }: LoadRequest, onGpu: boolean): string {
  if (task === "tag" && weights.dtype === "auto" && FOUR_BITS.test(file)) return "fp32";
  return dtype === "fp16" && !onGpu ? "fp32" : dtype;
}

/** A promise that is awaited later, or never: its rejection doesn't count as unhandled. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
