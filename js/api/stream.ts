/**
 * Verdicts on texts as they come: in order, in groups for speed, and no further ahead of the one who takes
 * them than one group.
 */

import { aborted, toError, TabsenseError, type ErrorKind } from "./errors.js";
import { openTexts, type Placed } from "./incoming.js";
import { checkStreamOptions } from "./options.js";
import type { ClassifyOptions, Detailed, DetailedVerdict, Score, StreamOptions, Verdict } from "./types.js";

/**
 * The texts of the first group, so that the first verdicts come soon; each group may have twice as many as
 * the one before.
 */
const FIRST_TEXTS = 8;
/** The most texts of a group: what a graphics card is given at once. */
const MOST_TEXTS = 64;

/** What a text can be blamed for, rather than the call. */
const OF_A_TEXT: readonly ErrorKind[] = ["empty_text", "text_too_long"];

/** What came of one text. */
interface Outcome extends Placed {
  answer: Score[] | Detailed | TabsenseError;
}

/** What answers. */
export interface Classifying {
  /** Classifies many texts in one call. */
  classify(texts: readonly string[], options: ClassifyOptions): Promise<(Score[] | Detailed)[]>;
  /** Why no call is answered any more, or null. */
  ended(): TabsenseError | null;
  /** Fires when it is disposed of. */
  disposal: AbortSignal;
}

/**
 * Yields a verdict on each text. While the caller takes those of one group, the next is read and computed,
 * and none after it. The source is ended whenever the verdicts are: by the caller, by an error, by `signal`,
 * or by a disposal.
 */
export async function* streamVerdicts(
  { classify, ended, disposal }: Classifying,
  texts: unknown,
  options: StreamOptions | undefined,
): AsyncGenerator<Verdict | DetailedVerdict, void, undefined> {
  const { signal, onError, each } = checkStreamOptions(options);
  if (ended()) throw ended();
  if (signal?.aborted) throw aborted("The stream");
  const incoming = openTexts(texts);
  const calls = new AbortController();
  let stopped: TabsenseError | null = null;
  const stop = (reason: TabsenseError) => {
    stopped = reason;
    calls.abort();
    incoming.end(reason).catch(() => {}); // the reason is what there is to tell
  };
  const abort = () => stop(aborted("The stream"));
  const end = () => stop(ended()!);
  signal?.addEventListener("abort", abort);
  disposal.addEventListener("abort", end);

  /**
   * A text that can't be classified fails its whole call: halves of the group find it, and answer the others.
   */
  async function ask(group: readonly Placed[]): Promise<Outcome[]> {
    try {
      const answers = await classify(
        group.map(({ text }) => text),
        { ...each, signal: calls.signal },
      );
      return group.map((placed, i) => ({ ...placed, answer: answers[i]! }));
    } catch (thrown) {
      const error = toError(thrown);
      if (!OF_A_TEXT.includes(error.kind)) throw thrown;
      if (group.length === 1) return [{ ...group[0]!, answer: atIndex(error, group[0]!.index) }];
      const half = group.length >> 1;
      return [...(await ask(group.slice(0, half))), ...(await ask(group.slice(half)))];
    }
  }

  let size = FIRST_TEXTS;
  /**
   * The next group's outcomes, as soon as it is read; null where there is none. Reading ends once `before` is
   * answered.
   */
  async function nextGroup(before: Promise<unknown>): Promise<{ outcomes: Promise<Outcome[]> } | null> {
    const group = await incoming.group(size, before);
    if (group.length === 0) return null;
    size = Math.min(2 * size, MOST_TEXTS);
    const outcomes = ask(group);
    outcomes.catch(() => {}); // which is told once the group before is taken
    return { outcomes };
  }

  try {
    let group = await nextGroup(Promise.resolve());
    while (group) {
      const ahead = nextGroup(group.outcomes);
      ahead.catch(() => {});
      for (const { index, text, answer } of await group.outcomes) {
        if (stopped) throw stopped;
        if (answer instanceof TabsenseError) {
          if (!onError) throw answer;
          onError(answer, { index, text });
        } else {
          yield Array.isArray(answer) ? { index, text, scores: answer } : { index, text, ...answer };
        }
      }
      group = await ahead;
    }
  } catch (thrown) {
    const error = stopped ?? thrown;
    await incoming.end(error).catch(() => {}); // the first error is the one to tell
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    disposal.removeEventListener("abort", end);
    calls.abort();
    await incoming.end(aborted("The stream"));
  }
}

function atIndex(error: TabsenseError, index: number): TabsenseError {
  return new TabsenseError(error.kind, `Text ${index} of the stream: ${error.message}`, { cause: error });
}
