/** A queue of one: while a call runs, only the newest of the waiting inputs is kept. */

/** What the queue calls. */
export interface Steps<Input, Output> {
  /** The work; one call at a time. */
  run(input: Input): Promise<Output>;
  /** Its result; `newest` says that no later input is waiting. */
  done(input: Input, output: Output, newest: boolean): void;
  /** Its failure. */
  failed(input: Input, error: unknown, newest: boolean): void;
}

/**
 * Returns a function that takes the next input, and one that forgets the waiting input and what is running.
 *
 * However fast inputs come, the last one is always run, and nothing older is reported after it.
 */
export function newestWins<Input, Output>(
  steps: Steps<Input, Output>,
): { push(input: Input): void; clear(): void } {
  let waiting: { input: Input } | null = null;
  let running = false;
  let generation = 0; // a result of an earlier generation is dropped

  async function drain(): Promise<void> {
    running = true;
    while (waiting) {
      const { input } = waiting;
      const mine = generation;
      waiting = null;
      try {
        const output = await steps.run(input);
        if (mine === generation) steps.done(input, output, waiting === null);
      } catch (error) {
        if (mine === generation) steps.failed(input, error, waiting === null);
      }
    }
    running = false;
  }

  return {
    push(input) {
      waiting = { input };
      if (!running) void drain();
    },
    clear() {
      waiting = null;
      generation += 1;
    },
  };
}
