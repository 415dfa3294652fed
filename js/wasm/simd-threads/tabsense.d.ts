/** The exports of the build `simd`, and what threads need. */

export * from "../simd/tabsense.js";

/** `memory` is shared; `thread_stack_size` is for an instance that is not the first on it. */
export default function init(arg: {
  module_or_path: WebAssembly.Module;
  memory: WebAssembly.Memory;
  thread_stack_size?: number;
}): Promise<unknown>;

/**
 * Helps the thread that classifies as thread `thread` (1 and up), until `endHelpers`. For a worker of its
 * own.
 */
export function helpAsThread(thread: number): void;

/** How many threads the models loaded from now on are computed with: this one, and helpers 1 and up. */
export function setThreads(threads: number): void;

/** Lets every helper return, for good. */
export function endHelpers(): void;

/** Tells that a helper trapped: what is computed now or next traps too. */
export function loseHelper(): void;
