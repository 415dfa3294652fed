/** Calls of which the newest counts: one that comes takes the place of the one under way. */

/**
 * Makes `call` one that ends the call before. What it yields, and what it fails with, goes to `done` and `failed`
 * while no newer one has come.
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
