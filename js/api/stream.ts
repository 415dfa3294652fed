/**
 * Verdicts on texts as they come: in order, in groups for speed, and at most one group ahead of the caller.
 */

import type { TabsenseError } from "./errors.js";
import { openTexts } from "./incoming.js";
import { checkStreamOptions } from "./options.js";
import type {
  ClassifyOptions,
  Detailed,
  DetailedVerdict,
  Score,
  StreamOptions,
  Text,
  Verdict,
} from "./types.js";

/**
 * The texts of the first group, so that the first verdicts come soon; each group may have twice as many as
 * the one before.
 */
const FIRST_TEXTS = 8;
/** The most texts of a group: what a graphics card is given at once. */
const MOST_TEXTS = 64;

/** What answers. */
export interface Classifying {
  /** Classifies many texts in one call. */
  classify(texts: readonly Text[], options: ClassifyOptions): Promise<(Score[] | Detailed)[]>;
  /** Why no call is answered any more, or null. */
  ended(): TabsenseError | null;
  /** Fires when it is disposed of. */
  disposal: AbortSignal;
}

/**
 * Yields a verdict on each text. While the caller takes those of one group, the next is read and computed,
 * and none after it. The source is closed whenever the verdicts end: by the caller, an error, `signal`, whose
 * reason is then thrown, or a disposal.
 */
export async function* streamVerdicts(
  { classify, ended, disposal }: Classifying,
  texts: unknown,
  options: StreamOptions | undefined,
): AsyncGenerator<Verdict | DetailedVerdict, void, undefined> {
  const { signal, each } = checkStreamOptions(options);
  if (ended()) throw ended();
  signal?.throwIfAborted();
  const incoming = openTexts(texts);
  const calls = new AbortController();
  let stopped: { reason: unknown } | null = null;
  const stop = (reason: unknown) => {
    stopped ??= { reason };
    calls.abort(reason);
    incoming.end(reason).catch(() => {}); // the reason is what there is to tell
  };
  const abort = () => stop(signal!.reason);
  const end = () => stop(ended());
  signal?.addEventListener("abort", abort);
  disposal.addEventListener("abort", end);

  let size = FIRST_TEXTS;
  /**
   * The next group's verdicts, as soon as it is read; null where there is none. Reading ends once `before` is
   * answered.
   */
  async function nextGroup(
    before: Promise<unknown>,
  ): Promise<{ verdicts: Promise<(Verdict | DetailedVerdict)[]> } | null> {
    const group = await incoming.group(size, before);
    if (group.length === 0) return null;
    size = Math.min(2 * size, MOST_TEXTS);
    const answers = classify(
      group.map(({ text }) => text),
      { ...each, signal: calls.signal },
    );
    const verdicts = answers.then((all) =>
      group.map(({ index, text }, i) => {
        const answer = all[i]!;
        const placed = { index, ...(typeof text === "string" ? { text } : text) };
        return Array.isArray(answer) ? { ...placed, scores: answer } : { ...placed, ...answer };
      }),
    );
    verdicts.catch(() => {}); // which is told once the group before is taken
    return { verdicts };
  }

  try {
    let group = await nextGroup(Promise.resolve());
    while (group) {
      const ahead = nextGroup(group.verdicts);
      ahead.catch(() => {});
      for (const verdict of await group.verdicts) {
        if (stopped) throw stopped;
        yield verdict;
      }
      group = await ahead;
    }
  } catch (thrown) {
    const error = stopped ? (stopped as { reason: unknown }).reason : thrown;
    await incoming.end(error).catch(() => {}); // the first error is the one to tell
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    disposal.removeEventListener("abort", end);
    calls.abort();
    await incoming.end(null);
  }
}
