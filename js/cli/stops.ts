/** Ctrl-C and SIGTERM: the work in progress is aborted, and leaves its output in order. */

import { setMaxListeners } from "node:events";

/** The signals that end a command, and the exit codes that shells use: 128 plus the signal's number. */
export const STOP_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** One of these signals. */
export type StopName = keyof typeof STOP_CODES;

/** Thrown by a command that was stopped by a signal. */
export class Stopped extends Error {
  readonly exitCode: number;

  constructor(by: StopName, hint: string) {
    super(`stopped by ${by}${hint}.`);
    this.exitCode = STOP_CODES[by];
  }
}

/** Milliseconds that a stopped process waits for a reader that doesn't read the output. */
const GRACE = 500;

/**
 * Runs `work`, whose signal fires when the process should end; a second signal exits at once. `hint` says how
 * to continue later.
 */
export async function stoppable<T>(hint: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // one for each call in progress
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
