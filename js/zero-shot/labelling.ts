/** Turns a model's answers into scores of a call's labels. */

import { checkSentences } from "../api/embedder.js";
import { TabsenseError } from "../api/errors.js";
import { callback, flag, invalid, record, signal } from "../api/options.js";
import type { CallProgress } from "../api/types.js";
import type { EmbedOptions, ZeroShotOptions, ZeroShotScore } from "../api/vector-types.js";
import type { Session } from "../client/session.js";
import { entailmentOf, ranked, scoresOf } from "./entailment.js";
import { hypotheses, MAX_LABELS, readLabels, TEMPLATE } from "./labels.js";
import { similarityScores, startVectors } from "./similarity.js";

/** Labels texts. */
export interface Labelling {
  /** Warnings about the model, a sentence each. */
  warnings: readonly string[];
  /** `LoadedZeroShot.classify` */
  classify(
    input: string | readonly string[],
    labels: string | readonly string[],
    options: ZeroShotOptions | undefined,
  ): Promise<ZeroShotScore[] | ZeroShotScore[][]>;
}

/** The maximum number of pairs of a text and a label that are sent to the worker at once. */
const MAX_PAIRS = 1024;
/** The maximum number of labels of a call with an embedder, which computes each once. */
const MAX_EMBEDDED_LABELS = 10_000;
/** The template for an embedder: only the label, whose vector is compared with the text's. */
const LABEL_ONLY = "{}";
/** The names of labels if a model's configuration has none. */
const UNNAMED = /^LABEL_\d+$/;

/** Computes the scores of texts. */
interface Scorer {
  template: string;
  maxLabels: number;
  /** Resolves to the scores of each text, in the order of the labels. */
  scores(texts: string[], labels: string[], options: CheckedZeroShotOptions): Promise<number[][]>;
}

/**
 * Scores labels by the logits of each text with each label; all labels of a text are computed together.
 *
 * Throws kind `"config_unsupported"` if the model's labels are not those of natural language inference. If
 * labels have no names, the last one is used as entailment, as in Python.
 */
export function byEntailment(session: Session): Labelling {
  const { labels } = session.state().info;
  checkEntailment(labels);
  const entailment = entailmentOf(labels);
  const warnings = entailment.named ? [] : [lastIsEntailment(labels)];
  return labelling(warnings, session.ended, {
    template: TEMPLATE,
    maxLabels: MAX_LABELS,
    async scores(texts, formatted, { multiLabel, signal, onProgress }) {
      const results: number[][] = [];
      const textsPerCall = Math.max(1, Math.floor(MAX_PAIRS / formatted.length));
      for (let first = 0; first < texts.length; first += textsPerCall) {
        signal?.throwIfAborted();
        const some = texts.slice(first, first + textsPerCall);
        const pairs = some.flatMap((text) => formatted.map((pair) => ({ text, pair })));
        const onRows =
          onProgress &&
          (({ done }: CallProgress) =>
            onProgress({ done: first + Math.floor(done / formatted.length), total: texts.length }));
        const logits = await session.ask(
          { type: "rows", texts: pairs, cutText: true, progress: onRows !== null },
          signal,
          onRows,
        );
        for (let i = 0; i < logits.length; i += formatted.length) {
          results.push(scoresOf(logits.slice(i, i + formatted.length), entailment, multiLabel));
        }
      }
      return results;
    },
  });
}

/**
 * Scores labels by their vectors and those of texts, which `embed` computes; a label's vector is computed
 * once.
 */
export function bySimilarity(
  embed: (texts: readonly string[], options: EmbedOptions) => Promise<Float32Array[]>,
  ended: Session["ended"],
): Labelling {
  const cache = startVectors();
  return labelling([], ended, {
    template: LABEL_ONLY,
    maxLabels: MAX_EMBEDDED_LABELS,
    async scores(texts, formatted, { multiLabel, signal, onProgress }) {
      const options = { normalize: true, ...(signal && { signal }) };
      const labels = await cache.of(formatted, (missing) => embed(missing, options));
      const vectors = await embed(texts, { ...options, ...(onProgress && { onProgress }) });
      return vectors.map((vector) => similarityScores(vector, labels, multiLabel));
    },
  });
}

function labelling(warnings: string[], ended: Session["ended"], scorer: Scorer): Labelling {
  return {
    warnings,
    async classify(input, labels, options) {
      const checked = checkZeroShotOptions(options);
      const { texts, single } = checkSentences(input, "ZeroShot");
      const empty = texts.indexOf("");
      if (empty >= 0) {
        const which = single ? "The text" : `texts[${empty}]`;
        throw new TabsenseError("invalid_argument", `${which} is empty. Remove it.`);
      }
      const known = readLabels(labels, scorer.maxLabels);
      const formatted = hypotheses(checked.template ?? scorer.template, known);
      const over = ended();
      if (over) throw over;
      const all = await scorer.scores(texts, formatted, checked);
      const results = all.map((scores) => ranked(known, scores));
      return single ? results[0]! : results;
    },
  };
}

/** `ZeroShotOptions`, checked. */
interface CheckedZeroShotOptions {
  /** Null: the default for the type of model. */
  template: string | null;
  multiLabel: boolean;
  signal: AbortSignal | null;
  onProgress: ((progress: CallProgress) => void) | null;
}

function checkZeroShotOptions(options: ZeroShotOptions | undefined): CheckedZeroShotOptions {
  const given = record(options, ["template", "multiLabel", "signal", "onProgress"]);
  const template = given["template"] ?? null;
  if (template !== null && typeof template !== "string") throw invalid("template", "a string", template);
  return {
    template,
    multiLabel: flag(given, "multiLabel", false),
    signal: signal(given),
    onProgress: callback(given, "onProgress") as CheckedZeroShotOptions["onProgress"],
  };
}

function checkEntailment(labels: readonly string[]): void {
  const { named } = entailmentOf(labels);
  const nameless = labels.every((label) => UNNAMED.test(label));
  if (labels.length > 1 && (named || nameless)) return;
  const first = labels.slice(0, 5).map((label) => JSON.stringify(label));
  const others = labels.length > first.length ? ` and ${labels.length - first.length} more` : "";
  throw new TabsenseError(
    "config_unsupported",
    `The model's labels are ${first.join(", ")}${others}, and none is entailment: ZeroShot needs a ` +
      "model for natural language inference, or an embedder. Load one of these, or this one as a Classifier.",
  );
}

function lastIsEntailment(labels: readonly string[]): string {
  return (
    `The model's labels have no names (${labels.join(", ")}): the last is used as entailment, the first as ` +
    "contradiction."
  );
}
