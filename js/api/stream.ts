/**
 * Verdicts on texts as they arrive: in order, in groups for speed, at most one group ahead of the caller.
 */

import type { TabsenseError } from "./errors.js";
import { openTexts } from "./incoming.js";
import { checkStreamOptions } from "./options.js";
import type { ClassifyOptions, StreamOptions, Text } from "./types.js";
import type { Detailed, DetailedVerdict, Score, Verdict } from "./answer-types.js";

/**
 * The texts of the first group, small so that the first verdicts come soon; each group may have twice as
 * many as the one before.
 */
const FIRST_TEXTS = 8;
/** The maximum number of texts in a group: a batch for the graphics card. */
const MAX_TEXTS = 64;

/** A classifier, as a stream uses it. */
export interface Classifying extends Omit<Answering<never>, "answer"> {
  /** Classifies many texts in one call. */
  classify(texts: readonly Text[], options: ClassifyOptions): Promise<(Score[] | Detailed)[]>;
}

/** A model, as a stream uses it. */
export interface Answering<Answer> {
  /** Answers many texts in one call, an answer for each. */
  answer(texts: readonly Text[], signal: AbortSignal): Promise<Answer[]>;
  /** Why calls are rejected, or null. */
  ended(): TabsenseError | null;
  /** Aborts when the model is disposed of. */
  disposal: AbortSignal;
}

/** An answer to the text with the number `index`. */
export interface Placed<Answer> {
  index: number;
  text: Text;
  answer: Answer;
}

/** Yields a verdict on each text, as {@link streamAnswers} does. */
export async function* streamVerdicts(
  { classify, ended, disposal }: Classifying,
  texts: unknown,
  options: StreamOptions | undefined,
): AsyncGenerator<Verdict | DetailedVerdict, void, undefined> {
  const { signal, each } = checkStreamOptions(options);
  const answer = (group: readonly Text[], signal: AbortSignal) => classify(group, { ...each, signal });
  for await (const { index, text, answer: given } of streamAnswers(
    { answer, ended, disposal },
    texts,
    signal,
  )) {
    const placed = { index, ...(typeof text === "string" ? { text } : text) };
    yield Array.isArray(given) ? { ...placed, scores: given } : { ...placed, ...given };
  }
}

/**
 * Yields an answer to each text. While the caller consumes one group, only the next one is read and
 * computed. The source is closed when the answers end: by the caller, an error, `signal`, whose reason is
 * then thrown, or a disposal.
 */
export async function* streamAnswers<Answer>(
  { answer, ended, disposal }: Answering<Answer>,
  texts: unknown,
  signal: AbortSignal | null,
): AsyncGenerator<Placed<Answer>, void, undefined> {
  if (ended()) throw ended();
  signal?.throwIfAborted();
  const incoming = openTexts(texts);
  const calls = new AbortController();
  let stopped: { reason: unknown } | null = null;
  const stop = (reason: unknown) => {
    stopped ??= { reason };
    calls.abort(reason);
    incoming.end(reason).catch(() => {}); // `reason` is the error to report
  };
  const abort = () => stop(signal!.reason);
  const end = () => stop(ended());
  signal?.addEventListener("abort", abort);
  disposal.addEventListener("abort", end);

  let size = FIRST_TEXTS;
  /**
   * The next group's answers, as soon as the group is read; null if there is none. Reading ends once `before`
   * has settled.
   */
  async function nextGroup(before: Promise<unknown>): Promise<{ answers: Promise<Placed<Answer>[]> } | null> {
    const group = await incoming.group(size, before);
    if (group.length === 0) return null;
    size = Math.min(2 * size, MAX_TEXTS);
    const pending = answer(
      group.map(({ text }) => text),
      calls.signal,
    );
    const answers = pending.then((all) =>
      group.map(({ index, text }, i) => ({ index, text, answer: all[i]! })),
    );
    answers.catch(() => {}); // reported once the previous group is consumed
    return { answers };
  }

  try {
    let group = await nextGroup(Promise.resolve());
    while (group) {
      const ahead = nextGroup(group.answers);
      ahead.catch(() => {});
      for (const placed of await group.answers) {
        if (stopped) throw stopped;
        yield placed;
      }
      group = await ahead;
    }
  } catch (thrown) {
    const error = stopped ? (stopped as { reason: unknown }).reason : thrown;
    await incoming.end(error).catch(() => {}); // the first error is the one to report
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    disposal.removeEventListener("abort", end);
    calls.abort();
    await incoming.end(null);
  }
}
