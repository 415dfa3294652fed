/**
 * Interprets an NLI model's logits for a text and hypotheses: which of its labels is entailment, and how sure
 * it is of each hypothesis.
 *
 * Source: `transformers` 5.24, `pipelines/zero_shot_classification.py`.
 */

import type { ZeroShotScore } from "../api/vector-types.js";

/** The labels of an NLI model that are used. */
export interface Entailment {
  /** The id of the label for hypotheses that follow from the text. */
  entailment: number;
  /** The id of the label for hypotheses that contradict it. */
  contradiction: number;
  /** Whether entailment was found by name; otherwise, the last label is used. */
  named: boolean;
}

/**
 * Which of a model's `labels`, by id, is entailment: the first whose name begins with "entail", in any letter
 * case, else the last. Contradiction is the first label, or the last if the first is entailment.
 */
export function entailmentOf(labels: readonly string[]): Entailment {
  const last = labels.length - 1;
  const found = labels.findIndex((label) => label.toLowerCase().startsWith("entail"));
  return { entailment: found < 0 ? last : found, contradiction: found === 0 ? last : 0, named: found >= 0 };
}

/**
 * The scores of a text's labels, from the logits of its hypotheses, one row per label: the softmax of the
 * labels' logits for entailment. With `multiLabel`, or for a single label: the softmax of each label's own
 * logits for entailment and contradiction.
 */
export function scoresOf(
  logits: readonly ArrayLike<number>[],
  of: Entailment,
  multiLabel: boolean,
): number[] {
  const entailment = logits.map((row) => row[of.entailment]!);
  if (multiLabel || logits.length === 1) {
    return logits.map((row, i) => 1 / (1 + Math.exp(row[of.contradiction]! - entailment[i]!)));
  }
  const largest = entailment.reduce((a, b) => Math.max(a, b));
  const exponentials = entailment.map((logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((exponential) => exponential / sum);
}

/** Labels with their scores, best first; of equal ones, the later one first, as in Python. */
export function ranked(labels: readonly string[], scores: readonly number[]): ZeroShotScore[] {
  const places = labels.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || b - a);
  return places.map((i) => ({ label: labels[i]!, score: scores[i]! }));
}
