/** A loaded model that classifies texts. */

import { startLatest } from "./latest.js";
import { checkClassifyOptions, checkTexts } from "./options.js";
import type { Answer } from "../client/protocol.js";
import type { ClassifierSession } from "../client/open.js";
import { LoadedModel } from "./model.js";
import type { ClassifierInfo } from "./info.js";
import type { ClassifyOptions, Latest, StreamOptions, Text, Texts } from "./types.js";
import type { Detailed, DetailedVerdict, Score, Verdict } from "./answer-types.js";
import { streamVerdicts } from "./stream.js";

/**
 * Like `classifier.classify(texts, options)`, but empty texts get labels, too: those of the special tokens
 * alone. Used by `pipeline`, whose answers match those of transformers.js.
 */
export let classifyAll: (
  classifier: LoadedClassifier,
  texts: Text[],
  options: ClassifyOptions,
) => Promise<Score[][]>;

/** A classifier without `load`, which differs between browsers and Node. */
export abstract class LoadedClassifier extends LoadedModel {
  readonly #session: ClassifierSession;
  readonly #disposal = new AbortController();

  static {
    classifyAll = async (classifier, texts, options) => {
      const { results } = await classifier.#ask(texts, options, true);
      return results.map(toScores);
    };
  }

  protected constructor(session: ClassifierSession) {
    super(session);
    this.#session = session;
  }

  /**
   * Classifies one text: its labels, best first. An empty text, or one of only white space and control
   * characters, has none. A text longer than the model's maximum is cut; its scores then have `truncated`.
   *
   * A pair `{ text, pair }` is for a model that was trained on pairs. If it is too long, the longer text is
   * cut, as in Python's `longest_first`.
   *
   * Rejects with the reason of `options.signal` if that aborts, otherwise with a {@link TabsenseError}: of
   * kind `"tokenizer_unsupported"` for a pair if the model's tokenizer can't encode pairs.
   */
  classify(text: Text, options?: ClassifyOptions & { details?: false }): Promise<Score[]>;
  classify(text: Text, options: ClassifyOptions & { details: true }): Promise<Detailed>;
  /** Classifies many texts and pairs in one call, which is faster than a call for each. */
  classify(texts: readonly Text[], options?: ClassifyOptions & { details?: false }): Promise<Score[][]>;
  classify(texts: readonly Text[], options: ClassifyOptions & { details: true }): Promise<Detailed[]>;
  async classify(
    input: Text | readonly Text[],
    options?: ClassifyOptions,
  ): Promise<Score[] | Detailed | Score[][] | Detailed[]> {
    const start = performance.now();
    const { results, single, details } = await this.#ask(input, options, false);
    if (!details) {
      const scores = results.map(toScores);
      return single ? scores[0]! : scores;
    }
    const total = performance.now() - start;
    const detailed = results.map((result) => toDetailed(result, total));
    return single ? detailed[0]! : detailed;
  }

  /**
   * Yields a verdict on each text, in order, as texts arrive. Texts are computed in groups; the next group is
   * read meanwhile. Leaving the loop closes the source; an error from the source is thrown after the verdicts
   * on the texts before it.
   */
  stream(
    texts: Texts,
    options?: StreamOptions & { details?: false },
  ): AsyncGenerator<Verdict, void, undefined>;
  stream(
    texts: Texts,
    options: StreamOptions & { details: true },
  ): AsyncGenerator<DetailedVerdict, void, undefined>;
  stream(texts: Texts, options?: StreamOptions): AsyncGenerator<Verdict | DetailedVerdict, void, undefined> {
    const classify = (group: readonly Text[], each: ClassifyOptions) =>
      this.#classify(group, each) as Promise<(Score[] | Detailed)[]>;
    return streamVerdicts(
      { classify, ended: () => this.#session.ended(), disposal: this.#disposal.signal },
      texts,
      options,
    );
  }

  /**
   * `classify` for search-as-you-type: a new call supersedes the previous one, which then resolves to `null`.
   * Each `latest()` is independent.
   */
  latest(): Latest {
    return startLatest((input, options) => this.#classify(input, options));
  }

  /** Checks a call and sends it to the session; `empty`: whether empty texts get labels, too. */
  async #ask(
    input: Text | readonly Text[],
    options: ClassifyOptions | undefined,
    empty: boolean,
  ): Promise<{ results: Answer[]; single: boolean; details: boolean }> {
    const { top, signal, details, onProgress } = checkClassifyOptions(options);
    const { texts, single } = checkTexts(input);
    const ended = this.#session.ended();
    if (ended) throw ended;
    if (texts.length === 0) return { results: [], single, details };
    const results = await this.#session.classify(
      { type: "classify", texts, top, details, empty, progress: onProgress !== null },
      signal,
      onProgress,
    );
    return { results, single, details };
  }

  /** All overloads of `classify` in one. */
  #classify(input: Text | readonly Text[], options: ClassifyOptions): Promise<unknown> {
    return (this.classify as (input: Text | readonly Text[], options: ClassifyOptions) => Promise<unknown>)(
      input,
      options,
    );
  }

  override get info(): ClassifierInfo {
    return this.withWarnings(this.#session.standIn?.info()) ?? super.info;
  }

  /**
   * With `instant: true`, resolves as soon as the model answers. Rejects if the model can't be loaded (the
   * lexicon then keeps answering), or if its labels are not the lexicon's (calls then reject, too). The
   * rejection may be ignored. Without `instant: true`, it is already resolved.
   */
  get ready(): Promise<void> {
    return this.#session.standIn?.ready ?? Promise.resolve();
  }

  override dispose(): Promise<void> {
    const disposed = super.dispose();
    this.#disposal.abort();
    return disposed;
  }
}

function toScores({ scores, truncated }: Answer): Score[] {
  return truncated ? scores.map((score) => ({ ...score, truncated: true })) : scores;
}

function toDetailed(result: Answer, total: number): Detailed {
  const { tokens = [], truncated, device, timings } = result;
  return { scores: toScores(result), tokens, truncated, device, timings: { ...timings, total } };
}
