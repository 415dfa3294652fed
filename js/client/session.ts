/** A session with a loaded model, on which all public classes are built. */

import { inPlace, type Platform } from "./channel.js";
import type { TabsenseError } from "../api/errors.js";
import { repeatable } from "../worker/loading.js";
import type { CheckedLoadOptions } from "../api/options.js";
import type {
  Answered,
  LoadRequest,
  ResultOf,
  State,
  Task,
  Taught,
  TeachRequest,
  TextsRequest,
  Trained,
} from "./protocol.js";
import { startQueue } from "./queue.js";
import { movable } from "../files/sources.js";
import type { CallProgress, Source } from "../api/types.js";

/** A loaded model behind its queue. */
export interface Session {
  name: string;
  /** The service's state after its last answer. */
  state(): State;
  /** The results of a call, one for each of its texts. */
  ask<Type extends keyof ResultOf>(
    request: TextsRequest & { type: Type },
    signal: AbortSignal | null,
    onProgress: ((progress: CallProgress) => void) | null,
  ): Promise<ResultOf[Type][]>;
  /** Trains a classifier on vectors, in the model's worker. */
  teach(
    request: TeachRequest,
    signal: AbortSignal | null,
    onProgress: ((progress: CallProgress) => void) | null,
  ): Promise<Trained>;
  /** Why calls are rejected, or null. */
  ended(): TabsenseError | null;
  dispose(): Promise<void>;
}

/**
 * Loads a model and resolves with its session; on failure the worker ends before the promise rejects.
 * `onConfig` is called with the bytes of `config.json`.
 */
export async function openSession(
  platform: Platform,
  source: Source,
  task: Task,
  options: CheckedLoadOptions,
  onConfig: ((config: Uint8Array) => void) | null = null,
): Promise<Session> {
  options.signal?.throwIfAborted();
  const { name, files } = await platform.resolve(source, options);
  options.signal?.throwIfAborted();
  // A page's main thread must not block on others, and threads need their own memory and instance.
  const threads = options.worker ? options.threads : 1;
  const wasm = typeof options.wasm === "string" ? platform.locate(options.wasm) : options.wasm;
  const request: LoadRequest = {
    type: "load",
    task,
    pooling: options.pooling,
    files: options.worker ? await movable(files, options.signal) : files,
    device: options.device,
    weights: options.weights,
    wasm,
    threads,
    network: options.network,
    reportConfig: onConfig !== null,
  };
  const queue = startQueue(
    options.worker ? platform.startWorker : () => inPlace(platform.host),
    options.device !== "cpu" || threads !== 1,
    onConfig,
    options.headers,
  );
  try {
    // Without a worker, nothing can be replaced: all classifiers on the page's main thread share one wasm
    // instance.
    const reloadRequest = options.worker ? repeatable(request) : null;
    await queue.submit(request, options.signal, options.onProgress);
    queue.setReloadRequest(reloadRequest);
    return {
      name,
      state: () => queue.state()!,
      async ask<Type extends keyof ResultOf>(
        request: TextsRequest & { type: Type },
        signal: AbortSignal | null,
        onProgress: ((progress: CallProgress) => void) | null,
      ) {
        const answered = await queue.submit(request, signal, onProgress);
        return (answered as Answered<Type>).results;
      },
      teach: async (request, signal, onProgress) =>
        ((await queue.submit(request, signal, onProgress)) as Taught).trained,
      ended: queue.ended,
      dispose: queue.dispose,
    };
  } catch (thrown) {
    await queue.dispose();
    throw thrown;
  }
}
