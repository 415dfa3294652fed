/** Reads texts from a caller's iterable or stream in groups, each only once it can be used. */

import { TabsenseError } from "./errors.js";
import { checkText, kindOf } from "./options.js";
import type { Text } from "./types.js";
import { nextTask } from "../files/bytes.js";

/** A text or a pair, and its index. */
export interface Placed {
  index: number;
  text: Text;
}

/** An open source of texts. */
export interface Incoming {
  /**
   * The next texts, at most `max`; empty at the end. Waits for the first text without a limit, for further
   * ones only until `until` has settled. Errors of the source are thrown after the texts before them.
   */
  group(max: number, until: Promise<unknown>): Promise<Placed[]>;
  /**
   * Closes the source, and rejects a pending `group` with `reason`. Doesn't wait for a source that is itself
   * waiting for a text.
   */
  end(reason: unknown): Promise<void>;
}

/** The interface of all sources. `read` is not called again before it has settled. */
interface Source {
  read(): Promise<IteratorResult<unknown>>;
  close(): Promise<unknown>;
}

/** Opens a source of texts; kind `"invalid_argument"` if it isn't one. */
export function openTexts(texts: unknown): Incoming {
  const source = openSource(texts);
  /** A read whose result has not been used yet. */
  let ahead: Promise<IteratorResult<unknown>> | null = null;
  let reading = false;
  let over = false;
  let count = 0;
  let ended: { reason: unknown } | null = null;
  let refuse: (reason: unknown) => void = () => {};

  function read(): Promise<IteratorResult<unknown>> {
    if (ahead) return ahead;
    reading = true;
    const settle = (last: boolean) => {
      reading = false;
      over = last;
    };
    ahead = source.read();
    ahead.then(
      ({ done }) => settle(done === true),
      () => settle(true),
    );
    return ahead;
  }

  /**
   * A promise that `end` can cut short. A single promise for the whole life of the source would keep
   * everything that ever waited for it.
   */
  function unlessEnded<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      refuse = reject;
      promise.then(resolve, reject);
    });
  }

  return {
    async group(max, until) {
      const group: Placed[] = [];
      let late: Promise<null> | null = null;
      while (group.length < max) {
        if (ended) throw ended.reason;
        try {
          const result = await unlessEnded(late ? Promise.race([read(), late]) : read());
          if (result === null || result.done) break;
          group.push({ index: count, text: checked(result.value, count) });
        } catch (thrown) {
          // Texts before the error are answered first; the same read fails again for the next group.
          if (group.length === 0 || ended) throw thrown;
          break;
        }
        ahead = null;
        count++;
        late ??= until.then(nextTask, nextTask).then(() => null);
      }
      return group;
    },

    async end(reason) {
      if (ended) return;
      ended = { reason };
      refuse(reason);
      if (over) return;
      const closing = source.close();
      if (reading)
        closing.catch(() => {}); // it may take until the next text, which nothing awaits any more
      else await closing;
    },
  };
}

function openSource(texts: unknown): Source {
  const given =
    typeof texts === "object" && texts !== null
      ? (texts as Partial<AsyncIterable<unknown> & Iterable<unknown> & ReadableStream<unknown>>)
      : {};
  // Not every browser iterates over streams.
  if (typeof given.getReader === "function") return openReader(given as ReadableStream<unknown>);
  const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]?.();
  if (iterator) {
    return {
      async read() {
        const result = await iterator.next();
        return result.done ? result : { done: false, value: await result.value };
      },
      close: async () => iterator.return?.(),
    };
  }
  const instead =
    typeof texts === "string"
      ? "For a single text call classify."
      : "Pass an array, an iterable, an async iterable, or a ReadableStream of strings or pairs.";
  throw new TabsenseError(
    "invalid_argument",
    `stream needs an iterable of texts, not ${typeof texts === "string" ? "a string" : kindOf(texts)}. ${instead}`,
  );
}

function openReader(stream: ReadableStream<unknown>): Source {
  let reader: ReadableStreamDefaultReader<unknown>;
  try {
    reader = stream.getReader();
  } catch (cause) {
    throw new TabsenseError(
      "invalid_argument",
      `The stream of texts can't be read (${cause instanceof Error ? cause.message : String(cause)}). Pass one that isn't locked.`,
      { cause },
    );
  }
  return { read: () => reader.read() as Promise<IteratorResult<unknown>>, close: () => reader.cancel() };
}

function checked(value: unknown, index: number): Text {
  if (value instanceof Uint8Array)
    throw new TabsenseError(
      "invalid_argument",
      `Text ${index} of the stream is not a string but bytes. Pipe bytes through a TextDecoderStream.`,
    );
  return checkText(value, `Text ${index} of the stream`);
}
