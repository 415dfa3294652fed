/** The exports of the build `simd`, and those for threads. */

export * from "../simd/tabsense.js";

/** `memory` is shared; `thread_stack_size` is for every instance on it except the first. */
export default function init(arg: {
  module_or_path: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread_stack_size?: number;
}): Promise<unknown>;

/**
 * Helps the classifying thread as thread `thread` (1 and up), until `endHelpers`. Call it in a separate
 * worker.
 */
export function helpAsThread(thread: number): void;

/** Sets how many threads compute the models that are loaded from now on: this one, and helpers 1 and up. */
export function setThreads(threads: number): void;

/** Lets every helper return, for good. */
export function endHelpers(): void;

/** Reports that a helper trapped: the current or next computation traps, too. */
export function loseHelper(): void;
