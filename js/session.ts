/** A classifier's queue: one request at the service at a time, in order; any of them can be aborted, all of them disposed of. */

import { inPlace, type Channel, type Platform } from "./channel.js";
import { aborted, TabsenseError, toError } from "./errors.js";
import type { CheckedLoadOptions } from "./options.js";
import type { Classified, ClassifyRequest, Loaded, LoadRequest, Reply, State } from "./protocol.js";
import type { ClassifyProgress, Source } from "./types.js";

/** A request with the promise of its answer. */
interface Job {
  request: LoadRequest | ClassifyRequest;
  /** Hears of what the request itself reports: a load of files, a classification of texts. */
  onProgress: ((progress: never) => void) | null;
  resolve(reply: Loaded | Classified): void;
  reject(error: TabsenseError): void;
}

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
  const channel = options.worker ? platform.startWorker() : inPlace(platform.host);
  // A page's own thread may not wait for others, and threads need a memory and an instance of their own.
  const threads = options.worker ? options.threads : 1;
  const queue = startQueue(channel, options.device !== "cpu" || threads !== 1);
  try {
    const wasm = typeof options.wasm === "string" ? platform.locate(options.wasm) : options.wasm;
    await queue.submit({ type: "load", files, device: options.device, dtype: options.dtype, wasm, threads }, options.signal, options.onProgress, "The loading");
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

/** Whether the service has something to give back besides memory. */
function holds({ info }: State): boolean {
  return info.webgpu !== null || info.threads > 1;
}

/** `mayHold`: whether the service may hold a device or helpers before it has said so. */
function startQueue(channel: Channel, mayHold: boolean) {
  const waiting: Job[] = [];
  let active: Job | null = null;
  let state: State | null = null;
  let end: TabsenseError | null = null;
  let closed: Promise<void> | null = null;

  function next(): void {
    active = waiting.shift() ?? null;
    channel.hold(active !== null);
    if (active) channel.send(active.request);
  }

  /** Rejects all there is and all that will come. */
  function endWith(error: TabsenseError): void {
    if (end) return;
    end = error;
    const jobs = active ? [active, ...waiting] : [...waiting];
    active = null;
    waiting.length = 0;
    for (const job of jobs) job.reject(error);
    channel.hold(false);
  }

  function receive(reply: Reply): void {
    if (reply.type === "started" || reply.type === "disposed" || !active) return;
    if (reply.type === "progress") {
      try {
        active.onProgress?.(reply.progress as never);
      } catch (cause) {
        active.onProgress = null;
        active.reject(new TabsenseError("invalid_argument", `onProgress threw (${String(cause)}).`, { cause }));
        channel.send({ type: "abort" });
      }
      return;
    }
    state = reply.state ?? state;
    if (reply.type === "failed") active.reject(new TabsenseError(reply.error.kind, reply.error.message));
    else active.resolve(reply);
    next();
  }

  channel.connect(receive, endWith);
  return {
    submit(request: Job["request"], signal: AbortSignal | null, onProgress: Job["onProgress"], what: string): Promise<Loaded | Classified> {
      if (end) return Promise.reject(end);
      if (signal?.aborted) return Promise.reject(aborted(what));
      const answer = new Promise<Loaded | Classified>((resolve, reject) => {
        const job: Job = { request, onProgress, resolve, reject };
        const abort = () => {
          job.onProgress = null; // what was rejected reports no more
          const at = waiting.indexOf(job);
          if (at >= 0) waiting.splice(at, 1);
          else if (active === job) channel.send({ type: "abort" });
          reject(aborted(what));
        };
        signal?.addEventListener("abort", abort);
        job.resolve = (reply) => (signal?.removeEventListener("abort", abort), resolve(reply));
        job.reject = (error) => (signal?.removeEventListener("abort", abort), reject(error));
        waiting.push(job);
        try {
          if (!active) next();
        } catch (thrown) {
          // What can't be cloned for the worker: a detached buffer, say.
          active = null;
          job.reject(thrown instanceof DOMException ? new TabsenseError("invalid_argument", `The model's files could not be passed to the worker (${thrown.message}).`, { cause: thrown }) : toError(thrown));
        }
      });
      return answer;
    },
    state: () => state,
    ended: () => end,
    dispose(): Promise<void> {
      endWith(new TabsenseError("disposed", "The classifier was disposed of. Load a new one."));
      return (closed ??= channel.close(state ? holds(state) : mayHold));
    },
  };
}
