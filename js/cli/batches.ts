/** Groups rows into batches, and answers several batches at a time, in order. */

import type { Row } from "./row.js";

/**
 * The maximum size of a batch, in rows and in UTF-16 units: large enough that messages cost nothing, small
 * enough that a kill loses little.
 */
const MAX_ROWS = 32;
const MAX_UNITS = 1 << 14;

/** Milliseconds that a batch waits for rows of a slow pipe. */
const LONGEST_WAIT = 50;

/** Rows as batches. A batch that isn't full is passed on if no row arrives for a while. */
export async function* batched(rows: AsyncGenerator<Row>): AsyncGenerator<Row[]> {
  let next = awaitedLater(rows.next());
  for (;;) {
    const first = await next;
    if (first.done) return;
    const batch = [first.value];
    let units = unitsOf(first.value);
    next = awaitedLater(rows.next());
    const late = timer(LONGEST_WAIT);
    try {
      while (batch.length < MAX_ROWS && units < MAX_UNITS) {
        const row = await Promise.race([next.catch(() => null), late.promise]);
        if (row === null || row.done) break; // an error is thrown once this batch is gone
        batch.push(row.value);
        units += unitsOf(row.value);
        next = awaitedLater(rows.next());
      }
    } finally {
      late.clear();
    }
    yield batch;
  }
}

/**
 * The results of `answer` for each batch, in the order of the batches; at most `max` are in progress at a
 * time. An error in `batches` is thrown after the answers of the batches before it.
 */
export async function* inOrder<Batch, Answer>(
  batches: AsyncGenerator<Batch>,
  answer: (batch: Batch) => Promise<Answer>,
  max: number,
): AsyncGenerator<Answer> {
  const waiting: Promise<Answer>[] = [];
  let next: Promise<IteratorResult<Batch>> | null = awaitedLater(batches.next());
  let failed: { thrown: unknown } | null = null;
  while (next || waiting.length > 0) {
    const events: Promise<"batch" | "answer">[] = [];
    if (next && waiting.length < max) events.push(settled(next, "batch"));
    if (waiting[0]) events.push(settled(waiting[0], "answer"));
    if ((await Promise.race(events)) === "answer") {
      yield await waiting.shift()!;
      continue;
    }
    try {
      const batch: IteratorResult<Batch> = await next!;
      if (!batch.done) waiting.push(awaitedLater(answer(batch.value)));
      next = batch.done ? null : awaitedLater(batches.next());
    } catch (thrown) {
      failed = { thrown };
      next = null;
    }
  }
  if (failed) throw failed.thrown;
}

/** The UTF-16 units of a row's text and pair. */
function unitsOf({ text, pair }: Row): number {
  return text.length + (pair?.length ?? 0);
}

/** `what`, once the promise is settled either way. */
function settled<T>(promise: Promise<unknown>, what: T): Promise<T> {
  return promise.then(
    () => what,
    () => what,
  );
}

/** A promise that is awaited later, or never: its rejection doesn't count as unhandled. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function timer(ms: number): { promise: Promise<null>; clear(): void } {
  let handle: ReturnType<typeof setTimeout>;
  const promise = new Promise<null>((resolve) => {
    handle = setTimeout(resolve, ms, null);
  });
  return { promise, clear: () => clearTimeout(handle) };
}
