/** Labels that are chosen with each call: by a model for natural language inference, or by an embedder. */

import type { Session } from "../client/session.js";
import { entailmentOf, ranked, scoresOf, type Entailment } from "../zero-shot/entailment.js";
import { hypotheses, MOST_LABELS, readLabels, TEMPLATE } from "../zero-shot/labels.js";
import { similarityScores, startVectors, type Vectors } from "../zero-shot/similarity.js";
import { checkSentences, LoadedEmbedder, sessionOf } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import type { ModelInfo } from "./info.js";
import { LoadedModel } from "./model.js";
import { callback, flag, invalid, record, signal } from "./options.js";
import type { CallProgress, ZeroShotOptions, ZeroShotScore } from "./types.js";

/** The most pairs of a text and a label that are sent to the worker at once. */
const MOST_PAIRS = 1024;
/** The most labels of a call by an embedder, which computes each once. */
const MOST_EMBEDDED = 10_000;
/** The template of an embedder: the label alone, whose vector is compared with the text's. */
const LABEL_ALONE = "{}";
/** The names of labels where a model's configuration names none. */
const UNNAMED = /^LABEL_\d+$/;

/** How the scores of texts are found. */
interface Scorer {
  template: string;
  mostLabels: number;
  /** Yields the scores of each text, in the order of the labels. */
  scores(texts: string[], labels: string[], options: CheckedZeroShotOptions): Promise<number[][]>;
}

/** All of `ZeroShot` but its loading, which the browser and Node do each in their own way. */
export abstract class LoadedZeroShot extends LoadedModel {
  readonly #session: Pick<Session, "ended" | "dispose">;
  readonly #scorer: Scorer;
  readonly #notes: readonly string[] = [];

  /** Of a model that was loaded as a classifier, or of an embedder, which stays loaded after `dispose`. */
  protected constructor(of: Session | LoadedEmbedder) {
    const session = of instanceof LoadedEmbedder ? borrowed(sessionOf(of)) : of;
    super(session);
    this.#session = session;
    if (of instanceof LoadedEmbedder) {
      this.#scorer = bySimilarity(of);
      return;
    }
    const { labels } = of.state().info;
    const entailment = entailmentOf(labels);
    if (!entailment.named) this.#notes = [lastIsEntailment(labels)];
    this.#scorer = byEntailment(of, entailment);
  }

  override get info(): ModelInfo {
    const info = super.info;
    return { ...info, warnings: [...info.warnings, ...this.#notes] };
  }

  /**
   * How well each of `labels` fits a text, the best first. The labels are a list, or one text with commas between
   * them. A text longer than the model reads is cut, a label never.
   *
   * With an NLI model a score is its certainty that the text entails the label in the template: of all labels
   * together, or with `multiLabel` of each by itself. With an embedder it is the softmax of 20 times the cosine of
   * the text's vector and the label's; with `multiLabel` the cosine itself, 0 at least.
   *
   * Rejects with the reason of `options.signal`; with a {@link TabsenseError} otherwise: kind `"invalid_argument"`
   * without a label or a text, with too many labels, a label that leaves no room for a text, or a template without
   * `{}`.
   */
  classify(
    text: string,
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[]>;
  /** The labels of many texts, which is faster than a call for each. */
  classify(
    texts: readonly string[],
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[][]>;
  async classify(
    input: string | readonly string[],
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[] | ZeroShotScore[][]> {
    const checked = checkZeroShotOptions(options);
    const { texts, single } = checkSentences(input, "ZeroShot");
    const empty = texts.indexOf("");
    if (empty >= 0) {
      const which = single ? "The text" : `texts[${empty}]`;
      throw new TabsenseError(
        "invalid_argument",
        `${which} is empty: there is nothing to label. Leave it out.`,
      );
    }
    const { template, mostLabels, scores } = this.#scorer;
    const known = readLabels(labels, mostLabels);
    const asked = hypotheses(checked.template ?? template, known);
    const ended = this.#session.ended();
    if (ended) throw ended;
    const all = await scores(texts, asked, checked);
    const results = all.map((of) => ranked(known, of));
    return single ? results[0]! : results;
  }
}

/**
 * The session of an NLI model. Kind `"config_unsupported"` where the model's labels are another's; it is disposed of
 * then. Without names that tell, the last label is taken for entailment, as Python takes it.
 */
export async function openEntailment(opening: Promise<Session>): Promise<Session> {
  const session = await opening;
  try {
    checkEntailment(session.state().info.labels);
    return session;
  } catch (thrown) {
    await session.dispose();
    throw thrown;
  }
}

/** The embedder, which is loaded: kind `"invalid_argument"` where there are options to load one with. */
export function withoutOptions(embedder: LoadedEmbedder, options: unknown): LoadedEmbedder {
  if (options === undefined) return embedder;
  throw new TabsenseError(
    "invalid_argument",
    "The embedder is loaded already: pass the options to Embedder.load, and none to ZeroShot.load.",
  );
}

function checkEntailment(labels: readonly string[]): void {
  const { named } = entailmentOf(labels);
  const nameless = labels.every((label) => UNNAMED.test(label));
  if (labels.length > 1 && (named || nameless)) return;
  const first = labels.slice(0, 5).map((label) => JSON.stringify(label));
  const others = labels.length > first.length ? ` and ${labels.length - first.length} more` : "";
  throw new TabsenseError(
    "config_unsupported",
    `The model's labels are ${first.join(", ")}${others}, and none says entailment beside another: ZeroShot needs a ` +
      "model for natural language inference, or an embedder. Load such a one, or this one as a Classifier.",
  );
}

function lastIsEntailment(labels: readonly string[]): string {
  return (
    `The model's labels have no names (${labels.join(", ")}): the last is taken for entailment, the first for ` +
    "contradiction."
  );
}

/** The session of an embedder that is not this model's to end. */
function borrowed(session: Session): Pick<Session, "name" | "state" | "ended" | "dispose"> {
  let over: TabsenseError | null = null;
  return {
    name: session.name,
    state: session.state,
    ended: () => over ?? session.ended(),
    async dispose() {
      over ??= new TabsenseError("disposed", "The ZeroShot was disposed of: make a new one of the embedder.");
    },
  };
}

/** By the logits of each text with each label, all labels of a text side by side. */
function byEntailment(session: Session, entailment: Entailment): Scorer {
  return {
    template: TEMPLATE,
    mostLabels: MOST_LABELS,
    async scores(texts, asked, { multiLabel, signal, onProgress }) {
      const results: number[][] = [];
      const most = Math.max(1, Math.floor(MOST_PAIRS / asked.length));
      for (let first = 0; first < texts.length; first += most) {
        signal?.throwIfAborted();
        const some = texts.slice(first, first + most);
        const pairs = some.flatMap((text) => asked.map((pair) => ({ text, pair })));
        const tell =
          onProgress &&
          (({ done }: CallProgress) =>
            onProgress({ done: first + Math.floor(done / asked.length), total: texts.length }));
        const logits = await session.ask(
          { type: "rows", texts: pairs, cutText: true, progress: tell !== null },
          signal,
          tell,
        );
        for (let i = 0; i < logits.length; i += asked.length) {
          results.push(scoresOf(logits.slice(i, i + asked.length), entailment, multiLabel));
        }
      }
      return results;
    },
  };
}

/** By the vectors of texts and labels; a label's is computed once. */
function bySimilarity(embedder: LoadedEmbedder): Scorer {
  const kept: Vectors = startVectors();
  return {
    template: LABEL_ALONE,
    mostLabels: MOST_EMBEDDED,
    async scores(texts, asked, { multiLabel, signal, onProgress }) {
      const options = { normalize: true, ...(signal && { signal }) };
      const labels = await kept.of(asked, (missing) => embedder.embed(missing, options));
      const vectors = await embedder.embed(texts, { ...options, ...(onProgress && { onProgress }) });
      return vectors.map((vector) => similarityScores(vector, labels, multiLabel));
    },
  };
}

/** `ZeroShotOptions`, checked. */
interface CheckedZeroShotOptions {
  /** Null: that of the model's kind. */
  template: string | null;
  multiLabel: boolean;
  signal: AbortSignal | null;
  onProgress: ((progress: CallProgress) => void) | null;
}

function checkZeroShotOptions(options: ZeroShotOptions | undefined): CheckedZeroShotOptions {
  const given = record(options, ["template", "multiLabel", "signal", "onProgress"]);
  const template = given["template"] ?? null;
  if (template !== null && typeof template !== "string") throw invalid("template", "a text", template);
  return {
    template,
    multiLabel: flag(given, "multiLabel", false),
    signal: signal(given),
    onProgress: callback(given, "onProgress") as CheckedZeroShotOptions["onProgress"],
  };
}
