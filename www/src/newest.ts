/** Calls of which only the newest counts: a new one replaces the one under way. */

/**
 * Wraps `call` so that each call ends the previous one. Its result or error goes to `done` or `failed`,
 * unless there is a newer call.
 */
export function newest<Argument, Result>(
  call: (argument: Argument, signal: AbortSignal) => Promise<Result>,
  done: (result: Result, argument: Argument) => void,
  failed: (error: unknown) => void,
): { ask(argument: Argument): void; cancel(): void } {
  let abort: AbortController | null = null;
  return {
    ask(argument) {
      abort?.abort();
      const mine = (abort = new AbortController());
      call(argument, mine.signal).then(
        (result) => {
          if (abort === mine) done(result, argument);
        },
        (error: unknown) => {
          if (abort === mine) failed(error);
        },
      );
    },
    cancel() {
      abort?.abort();
      abort = null;
    },
  };
}
