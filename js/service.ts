/** What holds a model and computes: in a worker, or in place with `worker: false`. It answers one request at a time. */

import { aborted, isTrap, TabsenseError, toError } from "./errors.js";
import { loadEngineModule, type CompileWasm, type EngineModule } from "./engine.js";
import { progressOf } from "./progress.js";
import type { Classified, ClassifyRequest, FileRef, Loaded, LoadRequest, Reply, Request } from "./protocol.js";
import { fetchFile, nextTask, openBlob, openBytes, openResponse, readAll, readChunks, type Opened } from "./stream.js";
import type { FileName, Progress } from "./types.js";
import type { Engine } from "./wasm/simd/tabsense.js";

/** What differs between the browser and Node. */
export interface ServiceHost {
  compileWasm: CompileWasm;
  openPath(path: string): Promise<Opened>;
}

/** A running service. */
export interface Service {
  receive(request: Request): void;
  /** Aborts what is under way and frees the model. */
  close(): Promise<void>;
}

/** The longest `config.json` and `tokenizer.json` that are read, in bytes. */
const CONFIG_LIMIT = 1 << 20;
const TOKENIZER_LIMIT = 64 << 20;

/** How many texts, and UTF-16 units of text, go to the wasm at once; in between, messages get a turn. */
const GROUP_TEXTS = 16;
const GROUP_UNITS = 2048;

/** Starts a service that answers through `post`. */
export function startService(host: ServiceHost, post: (reply: Reply) => void): Service {
  let engine: Engine | null = null;
  let module: EngineModule | null = null;
  let broken: TabsenseError | null = null;
  let current = new AbortController();
  let work: Promise<void> = Promise.resolve();

  async function load(request: LoadRequest, signal: AbortSignal): Promise<Loaded> {
    const emit = (progress: Progress) => post({ type: "progress", progress });
    const loaded = await loadModel(host, request, signal, emit);
    ({ engine, module } = loaded);
    const info = engine.info();
    emit({ stage: "ready", file: "", bytes: info.weightBytes, total: info.weightBytes, rate: 0 });
    return { type: "loaded", info, memory: module.memoryBytes() };
  }

  async function classify(request: ClassifyRequest, signal: AbortSignal): Promise<Classified> {
    if (!engine || !module) throw new TabsenseError("internal", "The service was asked to classify before its model was loaded.");
    const results: Classified["results"] = [];
    for (const group of groups(request.texts)) {
      if (results.length > 0) await nextTask();
      if (signal.aborted) throw aborted("The call");
      try {
        results.push(...(await engine.classify(group, request.top, request.details)));
      } catch (thrown) {
        throw atText(thrown, results.length, request.texts.length);
      }
    }
    return { type: "classified", results, memory: module.memoryBytes() };
  }

  async function answer(request: LoadRequest | ClassifyRequest, signal: AbortSignal): Promise<void> {
    try {
      if (broken) throw broken;
      post(request.type === "load" ? await load(request, signal) : await classify(request, signal));
    } catch (thrown) {
      const error = signal.aborted ? aborted("The call") : toError(thrown);
      // After a trap, the memory of the wasm is in no known state: nothing may be computed with it again.
      if (isTrap(thrown) || isTrap(error.cause)) broken = error;
      post({ type: "failed", error: { kind: error.kind, message: error.message } });
    }
  }

  return {
    receive(request) {
      if (request.type === "abort") return current.abort();
      current = new AbortController();
      const { signal } = current;
      work = work.then(() => answer(request, signal));
    },
    async close() {
      current.abort();
      await work;
      if (!broken) engine?.free();
      engine = null;
    },
  };
}

/** Fetches wasm, configuration, tokenizer and weights side by side; the weights are read once the other three are there. */
async function loadModel(host: ServiceHost, request: LoadRequest, signal: AbortSignal, emit: (progress: Progress) => void): Promise<{ engine: Engine; module: EngineModule }> {
  const ended = new AbortController();
  const all = ended.signal;
  const end = () => ended.abort();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const whole = async (file: FileName, stage: Progress["stage"], limit: number) =>
    readAll(await openFile(host, request.files[file], all), nameOf(request.files[file], file), limit, all, progressOf(stage, file, emit));
  const weights = openFile(host, request.files["model.safetensors"], all);
  weights.catch(() => {}); // awaited below, maybe never
  try {
    const [module, config, tokenizer] = await Promise.all([
      loadEngineModule(host.compileWasm, request.wasm, all, emit),
      whole("config.json", "config", CONFIG_LIMIT),
      whole("tokenizer.json", "tokenizer", TOKENIZER_LIMIT),
    ]);
    const loader = new module.Loader(config, tokenizer, request.dtype);
    try {
      const name = nameOf(request.files["model.safetensors"], "model.safetensors");
      const report = progressOf("weights", "model.safetensors", emit);
      const opened = await weights;
      let bytes = 0;
      for await (const chunk of readChunks(opened, name, all, report)) {
        loader.push(chunk);
        bytes += chunk.length;
      }
      if (opened.total === null) report(bytes, bytes);
    } catch (thrown) {
      if (!isTrap(thrown)) loader.free();
      throw thrown;
    }
    return { engine: loader.finish(), module };
  } catch (thrown) {
    // What is still on its way is of no use; a file that nobody began to read is closed here.
    end();
    void weights.then((opened) => opened.body.cancel()).catch(() => {});
    throw thrown;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function openFile(host: ServiceHost, file: FileRef, signal: AbortSignal): Promise<Opened> {
  if ("url" in file) return openResponse(await fetchFile(file.url, signal), file.url);
  if ("path" in file) return host.openPath(file.path);
  return "blob" in file ? openBlob(file.blob) : openBytes(file.bytes);
}

function nameOf(file: FileRef, name: FileName): string {
  return "url" in file ? file.url : "path" in file ? file.path : name;
}

/** The wasm counts a group's texts ("Text 2 of 16: …"); the caller counts those of the whole call. */
function atText(thrown: unknown, before: number, count: number): unknown {
  const error = toError(thrown);
  if (count === 1 || (error.kind !== "empty_text" && error.kind !== "text_too_long")) return thrown;
  const [, place = "0", message] = /^(?:Text (\d+) of \d+: )?([\s\S]*)$/.exec(error.message)!;
  return new TabsenseError(error.kind, `Text ${before + Number(place)} of ${count}: ${message}`, { cause: thrown });
}

/** Splits a call's texts, in order. */
function* groups(texts: readonly string[]): Generator<string[]> {
  let group: string[] = [];
  let units = 0;
  for (const text of texts) {
    if (group.length === GROUP_TEXTS || (group.length > 0 && units + text.length > GROUP_UNITS)) {
      yield group;
      group = [];
      units = 0;
    }
    group.push(text);
    units += text.length;
  }
  if (group.length > 0) yield group;
}
