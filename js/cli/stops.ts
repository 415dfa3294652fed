/**
 * Ctrl-C and SIGTERM: the work under way is aborted, and leaves what it has
 * in order.
 */

import { setMaxListeners } from "node:events";

/** What ends a command from outside, and the exit codes of shells: 128 and the signal's number. */
export const STOP_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** One of these signals. */
export type StopName = keyof typeof STOP_CODES;

/** What a command throws that was stopped from outside. */
export class Stopped extends Error {
  readonly exitCode: number;

  constructor(by: StopName, hint: string) {
    super(`stopped by ${by}${hint}.`);
    this.exitCode = STOP_CODES[by];
  }
}

/** Milliseconds that a stopped process waits for a reader who does not take what was printed. */
const GRACE = 500;

/**
 * Does `work`, whose signal fires when the process should end; a second signal exits at once. `hint` says how
 * to go on later.
 */
export async function stoppable<T>(hint: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // one for each call under way
  let by: StopName | null = null;
  const stop = (name: StopName) => {
    if (by) process.exit(STOP_CODES[name]);
    by = name;
    controller.abort();
  };
  const names = Object.keys(STOP_CODES) as StopName[];
  for (const name of names) process.on(name, stop);
  try {
    return await work(controller.signal);
  } catch (thrown) {
    if (!by) throw thrown;
    const stopped = new Stopped(by, hint);
    setTimeout(() => process.exit(stopped.exitCode), GRACE).unref();
    throw stopped;
  } finally {
    // A second signal while the process is stopping still ends it.
    if (!by) for (const name of names) process.off(name, stop);
  }
}
