/**
 * The service that holds a model and computes, in a worker or, with `worker: false`, on the calling thread.
 * It answers one request at a time.
 */

import { isTrap, TabsenseError, toError } from "../api/errors.js";
import { startHeadersClient } from "../client/headers.js";
import type { Runtime } from "./engine.js";
import { withBlobs, loadModel, type ServiceHost } from "./loading.js";
import { withOverall } from "./progress.js";
import { lengthOf, startPace, unitsOf, type Pace } from "./pace.js";
import { startPlacement, type Placement } from "./placement.js";
import type {
  Answered,
  Embedding,
  Loaded,
  LoadRequest,
  Reply,
  Request,
  ResultOf,
  State,
  Taught,
  TeachRequest,
  TextsRequest,
} from "../client/protocol.js";
import type { CallProgress, Text } from "../api/types.js";
import { loadTasks } from "../api/load-tasks.js";
import type { Training } from "./teaching.js";
import { nextTask } from "../files/bytes.js";
import { ask } from "./tasks.js";
import type { Engine, EngineInfo } from "../wasm/simd/tabsense.js";

/** A running service. */
export interface Service {
  receive(request: Request): void;
  /** Aborts the current request and frees the model. */
  close(): Promise<void>;
}

/**
 * How many texts, and units of text ({@link unitsOf}), go to the wasm at once; messages are handled in
 * between.
 */
interface GroupSize {
  texts: number;
  units: number;
}

/** The maximum number of texts in a CPU time slice, which is also limited by its pace. */
const CPU_TEXTS = 16;
/** A graphics card computes while messages are handled, and needs large batches. */
const GPU_GROUP: GroupSize = { texts: 64, units: 32_768 };

/** The loaded model, and how to reload it if it is lost. */
interface ActiveModel {
  embedding: Embedding | null;
  /** The file of its weights, and why it is not another one. */
  file: string;
  notes: string[];
  /** Null once it is lost. */
  engine: Engine | null;
  runtime: Runtime;
  placement: Placement;
  pace: Pace;
  /** The request for loading it again; null if it can't be lost. */
  source: LoadRequest | null;
}

/** Starts a service that answers through `post`. */
export function startService(host: ServiceHost, post: (reply: Reply) => void): Service {
  let active: ActiveModel | null = null;
  let broken: { error: TabsenseError; trap: string } | null = null;
  let current = new AbortController();
  let work: Promise<void> = Promise.resolve();
  const headersClient = startHeadersClient(post);
  let training: Training | null = null;

  async function load(request: LoadRequest, signal: AbortSignal): Promise<Loaded> {
    const emit = withOverall((progress) => post({ type: "progress", progress }));
    const placement = startPlacement(request.device, host.noWebGpu);
    const { engine, embedding, file, notes, runtime } = await loadModel(
      {
        host,
        request,
        placement,
        runtime: null,
        headers: headersClient.ask,
        onConfig: request.reportConfig ? (config) => post({ type: "config", config }) : null,
      },
      signal,
      emit,
    );
    active = {
      engine,
      embedding,
      file,
      notes,
      runtime,
      placement,
      pace: startPace(),
      source: onGpuAlone(engine) ? withBlobs(request) : null,
    };
    const state = stateOf(active, engine);
    const { info } = state;
    emit({ stage: "ready", file: "", bytes: info.weightBytes, total: info.weightBytes, rate: 0 });
    const storing = host.cache?.settled() ?? null;
    void storing?.then(() => post({ type: "stored" }));
    return { type: "loaded", state, storing: storing !== null };
  }

  async function compute(request: TextsRequest, signal: AbortSignal): Promise<Answered> {
    if (!active)
      throw new TabsenseError("internal", "The service received texts before its model was loaded.");
    const { texts } = request;
    const results = new Array<ResultOf[keyof ResultOf]>(texts.length);
    const places = byLength(texts);
    const pause = async () => {
      await nextTask();
      signal.throwIfAborted();
    };
    let done = 0;
    while (done < texts.length) {
      if (done > 0) await pause();
      signal.throwIfAborted();
      const engine = active.engine ?? (await loadAgain(active, signal));
      const group = nextGroup(texts, places, done, groupSize(engine.info(), active.pace));
      const grouped = group.map((place) => texts[place]!);
      const start = performance.now();
      try {
        for (const [i, result] of (await ask(engine, request, grouped, pause)).entries())
          results[group[i]!] = result;
        active.pace.took(unitsOf(grouped), performance.now() - start);
        done += group.length;
        if (request.progress) post({ type: "progress", progress: { done, total: texts.length } });
      } catch (thrown) {
        if (!dropLost(active, toError(thrown))) throw thrown;
      }
    }
    return { type: "answered", results, state: stateOf(active, active.engine!) };
  }

  /** Trains in a separate module. A trap there ends the service, as one in the engine does. */
  async function teach(request: TeachRequest, signal: AbortSignal): Promise<Taught> {
    if (!active?.engine)
      throw new TabsenseError(
        "internal",
        "The service received a training request before its model was loaded.",
      );
    const pause = async () => {
      await nextTask();
      signal.throwIfAborted();
    };
    const onProgress = (progress: CallProgress) => request.progress && post({ type: "progress", progress });
    training ??= (await loadTasks()).startTraining(host);
    const trained = await training.train(request, signal, pause, onProgress);
    return { type: "taught", trained, state: stateOf(active, active.engine) };
  }

  /** Loads the lost model again from its source, on a new device or on the CPU. */
  async function loadAgain(active: ActiveModel, signal: AbortSignal): Promise<Engine> {
    try {
      const { engine, file } = await loadModel(
        {
          host,
          request: active.source!,
          placement: active.placement,
          runtime: active.runtime,
          headers: headersClient.ask,
          onConfig: null,
        },
        signal,
        () => {},
      );
      active.engine = engine;
      active.file = file;
      if (!onGpuAlone(engine)) active.source = null;
      return engine;
    } catch (thrown) {
      const { kind, message } = toError(thrown);
      throw new TabsenseError(
        kind,
        `The model on the graphics card was lost and could not be loaded again. ${message}`,
        { cause: thrown },
      );
    }
  }

  function perform(request: LoadRequest | TextsRequest | TeachRequest, signal: AbortSignal) {
    if (request.type === "load") return load(request, signal);
    return request.type === "teach" ? teach(request, signal) : compute(request, signal);
  }

  async function answer(
    request: LoadRequest | TextsRequest | TeachRequest,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (broken) throw broken.error;
      post(await perform(request, signal));
    } catch (thrown) {
      const error = toError(thrown);
      const trap = [thrown, error.cause].find(isTrap);
      // After a trap, the memory of the wasm is in an unknown state: nothing may be computed with it again.
      if (trap) broken = { error, trap: String(trap) };
      const state = active?.engine && !broken ? stateOf(active, active.engine) : null;
      if (signal.aborted && !broken) return post({ type: "aborted", state });
      post({
        type: "failed",
        error: { kind: error.kind, message: error.message },
        state,
        trap: broken?.trap ?? null,
      });
    }
  }

  async function close(): Promise<void> {
    current.abort();
    await work;
    if (!broken) active?.engine?.free();
    active?.runtime.end();
    active = null;
    host.cache?.flush();
    await host.cache?.settled();
  }

  return {
    receive(request) {
      if (request.type === "headers") return headersClient.receive(request);
      if (request.type === "abort") return current.abort();
      if (request.type === "dispose") return void close().then(() => post({ type: "disposed" }));
      current = new AbortController();
      const { signal } = current;
      work = work.then(() => answer(request, signal));
    },
    close,
  };
}

/** Whether a loss of the device is a loss of the model. */
function onGpuAlone(engine: Engine): boolean {
  return engine.info().device === "webgpu";
}

/**
 * Frees a model that was lost with its graphics card, so that it is loaded again. False for any other error.
 */
function dropLost(active: ActiveModel, error: TabsenseError): boolean {
  if (!active.engine || !active.source || !active.placement.recovers(error)) return false;
  active.engine.free();
  active.engine = null;
  return true;
}

function stateOf({ embedding, file, notes, runtime, placement }: ActiveModel, engine: Engine): State {
  const info = engine.info();
  return {
    info: {
      ...info,
      warnings: [...notes, ...info.warnings],
      webgpuReason: placement.reason ?? info.webgpuReason,
    },
    embedding,
    file,
    memory: runtime.module.memoryBytes(),
  };
}

/** Large groups are for a real graphics card that also computes the smallest of them. */
function groupSize({ webgpu }: EngineInfo, pace: Pace): GroupSize {
  const onGpu = webgpu !== null && !webgpu.software && (webgpu.fromTokens ?? Infinity) <= CPU_TEXTS;
  return onGpu ? GPU_GROUP : { texts: CPU_TEXTS, units: pace.units() };
}

/**
 * The indices of texts, short ones first: time slices of similar texts take similar times, and the pace is
 * found on small ones.
 */
function byLength(texts: readonly Text[]): number[] {
  const lengths = texts.map(lengthOf);
  return texts.map((_, place) => place).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
}

/** The `places`, starting at `first`, whose texts go to the wasm together; at least one. */
function nextGroup(
  texts: readonly Text[],
  places: readonly number[],
  first: number,
  size: GroupSize,
): number[] {
  let end = first;
  let units = 0;
  while (end < places.length && end - first < size.texts) {
    units += unitsOf([texts[places[end]!]!]);
    if (end > first && units > size.units) break;
    end++;
  }
  return places.slice(first, end);
}
