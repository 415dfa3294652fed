/** The standard output, which may be a pipe that its reader closes. */

// The next write to a closed pipe fails; the event that comes with it must not end the process with a stack
// trace.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

/** Writes to the standard output; resolves once there is room for more, and rejects with the reason of `signal`. */
export function print(text: string, signal: AbortSignal | null = null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal!.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
    process.stdout.write(text, (error) => {
      signal?.removeEventListener("abort", stop);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Whether an error says that nobody reads the output any more. */
export function isBrokenPipe(thrown: unknown): boolean {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}
