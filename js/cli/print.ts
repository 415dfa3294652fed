/** Standard output, which may be a pipe that its reader closes, and standard error. */

import { visible } from "./visible.js";

// The next write to a closed pipe fails; the event that comes with it must not end the process with a stack
// trace.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

/** Prints to the standard error. */
export function log(text: string): void {
  process.stderr.write(visible(text));
}

/**
 * Writes to the standard output; resolves once there is room for more, and rejects with the reason of
 * `signal`. The text is unchanged, except on a terminal.
 */
export function print(text: string, signal: AbortSignal | null = null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal!.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
    process.stdout.write(process.stdout.isTTY ? visible(text) : text, (error) => {
      signal?.removeEventListener("abort", stop);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Whether an error says that the reader closed the output. */
export function isBrokenPipe(thrown: unknown): boolean {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}
