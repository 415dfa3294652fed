/** A loaded model and the way to it: what a classifier is built on. */

import { inPlace, type Platform } from "./channel.js";
import { aborted, type TabsenseError } from "./errors.js";
import { repeatable } from "./loading.js";
import type { CheckedLoadOptions } from "./options.js";
import type { Classified, ClassifyRequest, LoadRequest, State } from "./protocol.js";
import { startQueue } from "./queue.js";
import { movable } from "./sources.js";
import type { ClassifyProgress, Source } from "./types.js";

/** A loaded model behind its queue. */
export interface Session {
  name: string;
  /** What the service held after its last answer. */
  state(): State;
  classify(request: ClassifyRequest, signal: AbortSignal | null, onProgress: ((progress: ClassifyProgress) => void) | null): Promise<Classified>;
  /** Why no call can be answered any more, or null. */
  ended(): TabsenseError | null;
  dispose(): Promise<void>;
}

/** Loads a model and yields its session; on any failure the worker is gone before the promise rejects. */
export async function openSession(platform: Platform, source: Source, options: CheckedLoadOptions): Promise<Session> {
  if (options.signal?.aborted) throw aborted("The loading");
  const { name, files } = await platform.resolve(source, options);
  if (options.signal?.aborted) throw aborted("The loading");
  // A page's own thread may not wait for others, and threads need a memory and an instance of their own.
  const threads = options.worker ? options.threads : 1;
  const wasm = options.wasm === null ? null : platform.locate(options.wasm);
  const request: LoadRequest = { type: "load", files: options.worker ? await movable(files) : files, device: options.device, dtype: options.dtype, wasm, threads, network: options.network };
  const queue = startQueue(options.worker ? platform.startWorker : () => inPlace(platform.host), options.device !== "cpu" || threads !== 1);
  try {
    // In place nothing can be replaced: all classifiers of a page's own thread share one instance of the wasm.
    const again = options.worker ? repeatable(request) : null;
    await queue.submit(request, options.signal, options.onProgress, "The loading");
    queue.keep(again);
    return {
      name,
      state: () => queue.state()!,
      classify: async (request, signal, onProgress) => (await queue.submit(request, signal, onProgress, "The call")) as Classified,
      ended: queue.ended,
      dispose: queue.dispose,
    };
  } catch (thrown) {
    await queue.dispose();
    throw thrown;
  }
}
