/**
 * The threads that help the engine: workers beside the classifier's own, which run the same module on the
 * same memory.
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

/** A worker that is to help. It ends with the classifier's. */
export interface Helper {
  send(request: HelperRequest): void;
}

/**
 * The classifier's worker asks the page for a helper, which it will talk with through the port's other end.
 */
export interface HelperWanted {
  type: "helper";
  port: MessagePort;
}

/** Starts a worker; `onReply` is called once, also where no answer will come. */
export type StartHelper = (onReply: (reply: HelperReply) => void) => Helper;

/** A shared memory and the helpers that are on their way to it. */
export interface Helpers {
  memory: WebAssembly.Memory;
  /**
   * Starts the compiled module in each, and tells the engine's how many threads there are now. Those that
   * don't start are left out.
   */
  join(build: ThreadedBuild, compiled: WebAssembly.Module, module: ThreadedModule): Promise<void>;
}

/**
 * The most threads that are used unless more are asked for: beyond four, phones have slow cores only, and
 * desktops tasks too small.
 */
const MOST_UNASKED = 4;
/** How many milliseconds the helpers have for starting, once the module is compiled. */
const START_LIMIT = 5000;
/**
 * What a memory begins with, in pages of 64 KiB: what the builds ask for at least, and hardly more, for they
 * make no use of it. A test compares.
 */
export const FIRST_PAGES = 26;
/**
 * The limit of a shared memory, whose addresses some systems reserve as soon as it is made: the first that
 * can be allocated is used.
 */
const MOST_PAGES = [65_536, 32_768, 16_384];
/** Bytes of a helper's stack: kernels go a few calls deep. */
const STACK_BYTES = 1 << 18;

/** How many threads are meant by the option `threads`, where there are so many processors. */
export function threadsFor(asked: number | "auto", processors: number): number {
  return asked === "auto" ? Math.min(processors, MOST_UNASKED) : asked;
}

/**
 * Makes a shared memory, and starts `count` workers for it. Null where there is no memory that can be shared.
 */
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
        // It is left out: see `join`.
      }
      return post({ ready: module !== null });
    }
    try {
      module!.helpAsThread(request.thread);
    } catch {
      // A trap in the midst of a task, for which the classifying thread must not wait.
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

/** Sends to a helper that is there; false where it is not, or the module can't be passed to it. */
function trySend(helper: Helper | null, request: HelperRequest): boolean {
  try {
    helper?.send(request);
    return helper !== null;
  } catch {
    return false;
  }
}

function sharedMemory(): WebAssembly.Memory | null {
  for (const maximum of MOST_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared: true });
    } catch {
      // The next one is smaller.
    }
  }
  return null;
}
