/**
 * A model's queue: one request at the service at a time, in order. A worker that crashes is replaced, and
 * queued calls continue.
 */

import type { Channel } from "./channel.js";
import { crashed, TabsenseError, toError } from "../api/errors.js";
import { answerHeaders } from "./headers.js";
import type {
  Answered,
  Loaded,
  LoadRequest,
  Reply,
  State,
  Taught,
  TeachRequest,
  TextsRequest,
} from "./protocol.js";
import type { HeadersOption } from "../api/types.js";

/** After this many crashes in a row, without an answered call in between, a worker is not replaced. */
export const MAX_CRASHES = 3;

/** A request with the promise of its answer. */
interface Job {
  request: LoadRequest | TextsRequest | TeachRequest;
  /** Called with the progress that the request reports: of files for a load, of texts for any other. */
  onProgress: ((progress: never) => void) | null;
  resolve(reply: Loaded | Answered | Taught): void;
  /** With a `TabsenseError`, or the reason of a signal. */
  reject(error: unknown): void;
}

/** The queue to one model's service. */
export interface Queue {
  /**
   * Sends a request once all earlier ones are answered. Rejects with the reason of `signal` as soon as that
   * fires.
   */
  submit(
    request: Job["request"],
    signal: AbortSignal | null,
    onProgress: Job["onProgress"],
  ): Promise<Loaded | Answered | Taught>;
  /** Sets what a new worker loads if the worker crashes; null if the model can be read only once. */
  setReloadRequest(request: LoadRequest | null): void;
  /** The service's state after its last answer. */
  state(): State | null;
  /** Why requests are rejected, or null. */
  ended(): TabsenseError | null;
  dispose(): Promise<void>;
}

/**
 * Starts a service with `start`, and its queue. `mayHaveResources`: whether the service may have a device or
 * helpers before it has reported its state. `onConfig` is called with the bytes of `config.json`. `headers`
 * are for requests for files.
 */
export function startQueue(
  start: () => Channel,
  mayHaveResources: boolean,
  onConfig: ((config: Uint8Array) => void) | null,
  headers: HeadersOption | null = null,
): Queue {
  const waiting: Job[] = [];
  let channel: Channel | null = null;
  let active: Job | null = null;
  let state: State | null = null;
  /** Whether the service is still writing copies of files. */
  let storing = false;
  let end: TabsenseError | null = null;
  let reloadRequest: LoadRequest | null = null;
  let crashes = 0;
  /** Resolves when the channel that was closed last has ended. */
  let closed: Promise<void> = Promise.resolve();

  function open(): Channel {
    const opened = start();
    // Messages of an abandoned worker are ignored.
    opened.connect(
      (reply) => channel === opened && receive(reply),
      (error) => channel === opened && lose(error),
    );
    return (channel = opened);
  }

  function close(): Promise<void> {
    if (channel) closed = channel.close(storing || (state ? hasResources(state) : mayHaveResources));
    channel = null;
    storing = false;
    return closed;
  }

  function next(): void {
    active = null;
    if (waiting.length > 0 && !channel) return replace(reloadRequest!);
    active = waiting.shift() ?? null;
    channel?.keepAlive(active !== null);
    if (active) channel!.send(active.request);
  }

  /** Rejects all pending and later requests. */
  function endWith(error: TabsenseError): void {
    if (end) return;
    end = error;
    const jobs = active ? [active, ...waiting] : [...waiting];
    active = null;
    waiting.length = 0;
    for (const job of jobs) job.reject(error);
    channel?.keepAlive(false);
  }

  /**
   * The service is gone: the running call rejects, and queued ones get a new service if possible.
   */
  function lose(error: TabsenseError): void {
    void close();
    if (error.kind === "worker_crashed") crashes++;
    const failure =
      error.kind === "worker_crashed"
        ? new TabsenseError(error.kind, `${error.message} ${advice()}`, { cause: error.cause })
        : error;
    if (!reloadRequest || crashes >= MAX_CRASHES) return endWith(failure);
    active?.reject(failure);
    next();
  }

  function advice(): string {
    if (!state) return 'Load the model again; if memory is short, use a smaller one or dtype "int8".';
    if (!reloadRequest) return "Its model was read from a stream, which can't be read again. Load it again.";
    if (crashes >= MAX_CRASHES)
      return `It crashed ${MAX_CRASHES} times in a row and is not restarted. Load the model again; if memory is short, use a smaller one or dtype "int8".`;
    return "The next call starts a new one. If the same text crashes that, too, please report it.";
  }

  /** Starts a new service and loads the model there, before queued calls. */
  function replace(request: LoadRequest): void {
    const reject = (error: TabsenseError) => {
      const failure = new TabsenseError(
        error.kind,
        `The worker had crashed, and the model could not be loaded again. ${error.message}`,
        { cause: error.cause },
      );
      for (const job of waiting.splice(0)) job.reject(failure);
    };
    active = { request, onProgress: null, resolve: () => {}, reject };
    // The old service's memory is freed before the new one allocates its own.
    void closed.then(() => {
      if (end) return;
      try {
        const opened = open();
        opened.keepAlive(true);
        opened.send(request);
      } catch (thrown) {
        void close();
        active = null;
        reject(toError(thrown));
      }
    });
  }

  function receive(reply: Reply): void {
    if (reply.type === "stored") return void (storing = false);
    if (reply.type === "started" || reply.type === "disposed" || !active) return;
    if (reply.type === "config") return onConfig?.(reply.config);
    if (reply.type === "headers") {
      const sender = channel;
      return void answerHeaders(reply, headers).then((answer) => channel === sender && sender?.send(answer));
    }
    const job = active;
    if (reply.type === "progress") {
      try {
        job.onProgress?.(reply.progress as never);
      } catch (cause) {
        job.onProgress = null;
        job.reject(new TabsenseError("invalid_argument", `onProgress threw (${String(cause)}).`, { cause }));
        if (active === job) channel!.send({ type: "abort" });
      }
      return;
    }
    if (reply.type === "failed" && reply.trap !== null && reloadRequest) return lose(crashed(reply.trap));
    state = reply.state ?? state;
    if (reply.type === "aborted") return next(); // its caller's promise has already rejected
    if (reply.type === "failed") {
      if (job.request === reloadRequest) void close(); // the new worker has no model
      job.reject(new TabsenseError(reply.error.kind, reply.error.message));
    } else {
      if (reply.type === "loaded") storing = reply.storing;
      else crashes = 0;
      job.resolve(reply);
    }
    next();
  }

  open();
  return {
    submit(request, signal, onProgress) {
      if (end) return Promise.reject(end);
      if (signal?.aborted) return Promise.reject(signal.reason);
      return new Promise<Loaded | Answered | Taught>((resolve, reject) => {
        const job: Job = { request, onProgress, resolve, reject };
        const abort = () => {
          job.onProgress = null; // a rejected call reports no more progress
          const at = waiting.indexOf(job);
          if (at >= 0) waiting.splice(at, 1);
          else if (active === job) channel!.send({ type: "abort" });
          reject(signal!.reason);
        };
        signal?.addEventListener("abort", abort);
        job.resolve = (reply) => (signal?.removeEventListener("abort", abort), resolve(reply));
        job.reject = (error) => (signal?.removeEventListener("abort", abort), reject(error));
        waiting.push(job);
        try {
          if (!active) next();
        } catch (thrown) {
          // Something can't be cloned for the worker, such as a detached buffer.
          active = null;
          job.reject(
            thrown instanceof DOMException
              ? new TabsenseError(
                  "invalid_argument",
                  `The model's files could not be passed to the worker (${thrown.message}).`,
                  { cause: thrown },
                )
              : toError(thrown),
          );
        }
      });
    },
    setReloadRequest: (request) => void (reloadRequest = request),
    state: () => state,
    ended: () => end,
    dispose() {
      endWith(disposed());
      end = disposed(); // even if it had already ended with an error
      return close();
    },
  };
}

function disposed(): TabsenseError {
  return new TabsenseError("disposed", "The model was disposed of. Load it again.");
}

/** Whether the service has more to release than memory. */
function hasResources({ info }: State): boolean {
  return info.webgpu !== null || info.threads > 1;
}
