/**
 * The threads that help the engine: workers in addition to the classifier's own, which run the same module on
 * the same memory.
 */

import { THREADED_GLUE, type ThreadedBuild, type ThreadedModule } from "../builds.js";
import { within } from "../platform/within.js";

/**
 * The messages to a helper: the module to start, then its thread number, which it doesn't answer.
 */
export type HelperRequest =
  | { type: "start"; build: ThreadedBuild; module: WebAssembly.Module; memory: WebAssembly.Memory }
  | { type: "help"; thread: number };

/** Whether the module runs in the helper. */
export interface HelperReply {
  ready: boolean;
}

/** A worker that helps. It ends with the classifier's worker. */
export interface Helper {
  send(request: HelperRequest): void;
}

/**
 * The classifier's worker requests a helper from the page, and communicates with it through the port's other
 * end.
 */
export interface StartHelperRequest {
  type: "helper";
  port: MessagePort;
}

/** Starts a worker; `onReply` is called once, even if the worker can't start. */
export type StartHelper = (onReply: (reply: HelperReply) => void) => Helper;

/** A shared memory and the helpers that are starting for it. */
export interface Helpers {
  memory: WebAssembly.Memory;
  /**
   * Starts the compiled module in each helper, and sets the engine's number of threads. Helpers that don't
   * start are left out.
   */
  join(build: ThreadedBuild, compiled: WebAssembly.Module, module: ThreadedModule): Promise<void>;
}

/**
 * The maximum number of threads for `"auto"`: beyond four, phones have only slow cores, and on desktops,
 * tasks get too small.
 */
const MAX_AUTO_THREADS = 4;
/** How many milliseconds the helpers have to start, once the module is compiled. */
const START_LIMIT = 5000;
/**
 * The initial size of a memory, in pages of 64 KiB: slightly more than the builds require, because they don't
 * use the rest. A test compares the two.
 */
export const FIRST_PAGES = 26;
/**
 * The maximum sizes of a shared memory, in pages. Some systems reserve all its addresses at once, so the
 * first size that can be allocated is used.
 */
const MAX_PAGES = [65_536, 32_768, 16_384];
/** Bytes of a helper's stack: kernels go a few calls deep. */
const STACK_BYTES = 1 << 18;

/** The number of threads for the option `threads`, given the number of processors. */
export function threadsFor(requested: number | "auto", processors: number): number {
  return requested === "auto" ? Math.min(processors, MAX_AUTO_THREADS) : requested;
}

/** Creates a shared memory, and starts `count` workers for it. Null if no shared memory can be created. */
export function startHelpers(count: number, start: StartHelper): Helpers | null {
  const memory = sharedMemory();
  if (memory === null) return null;
  const helpers = Array.from({ length: count }, () => startOne(start));
  return {
    memory,
    async join(build, compiled, module) {
      const ready = await Promise.all(
        helpers.map(async ({ helper, reply }) => {
          if (!trySend(helper, { type: "start", build, module: compiled, memory })) return null;
          return (await within(START_LIMIT, reply))?.value.ready ? helper : null;
        }),
      );
      const joined = ready.filter((helper) => helper !== null);
      joined.forEach((helper, i) => helper.send({ type: "help", thread: i + 1 }));
      module.setThreads(1 + joined.length);
    },
  };
}

/** Handles a request in the helper's worker. */
export function startHelping(post: (reply: HelperReply) => void): (request: HelperRequest) => Promise<void> {
  let module: ThreadedModule | null = null;
  return async (request) => {
    if (request.type === "start") {
      try {
        const glue = await THREADED_GLUE[request.build]();
        await glue.default({
          module_or_path: request.module,
          memory: request.memory,
          thread_stack_size: STACK_BYTES,
        });
        module = glue;
      } catch {
        // The helper is left out: see `join`.
      }
      return post({ ready: module !== null });
    }
    try {
      module!.helpAsThread(request.thread);
    } catch {
      // A trap during a task, for which the classifying thread must not wait.
      module!.loseHelper();
    }
  };
}

function startOne(start: StartHelper): { helper: Helper | null; reply: Promise<HelperReply> } {
  let answer: (reply: HelperReply) => void = () => {};
  const reply = new Promise<HelperReply>((resolve) => (answer = resolve));
  try {
    return { helper: start(answer), reply };
  } catch {
    // A policy of the page may forbid workers of workers.
    return { helper: null, reply };
  }
}

/** Sends to a helper; false if there is none, or the module can't be passed to it. */
function trySend(helper: Helper | null, request: HelperRequest): boolean {
  try {
    helper?.send(request);
    return helper !== null;
  } catch {
    return false;
  }
}

function sharedMemory(): WebAssembly.Memory | null {
  for (const maximum of MAX_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared: true });
    } catch {
      // The next one is smaller.
    }
  }
  return null;
}
