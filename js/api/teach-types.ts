/** The types of `teach`: from examples to a classifier of your own labels. */

import type { CallProgress } from "./types.js";

/** A text and its label. */
export interface Example {
  /** The text. */
  readonly text: string;
  /** Its label. */
  readonly label: string;
}

/** A text that may have several labels, or none. */
export interface MultiExample {
  /** The text. */
  readonly text: string;
  /** Its labels. */
  readonly labels: readonly string[];
}

/** Texts by label, or a list of texts with their labels. A label without examples is learnt from its name. */
export type Examples =
  | { readonly [label: string]: readonly string[] }
  | readonly Example[]
  | readonly MultiExample[];

/** How to teach. */
export interface TeachOptions {
  /** Descriptions by label, used in addition to their names. */
  descriptions?: { readonly [label: string]: string };
  /** A prefix for each text, as with `embed`. */
  prompt?: string;
  /** Aborts teaching; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called with the progress. */
  onProgress?: (progress: TeachProgress) => void;
}

/** The progress of teaching: texts are embedded first, then the classifier is trained. */
export interface TeachProgress extends CallProgress {
  /** The current stage. */
  stage: "embed" | "train";
}

/** How to classify with a taught classifier. */
export interface TaughtOptions {
  /**
   * How many labels to return, best first; `null` for all, with their scores. Default: the best one, or
   * with several labels per text all that are likely enough.
   */
  topK?: number | null;
  /**
   * The minimum score of a returned label. Below it the answer is `{ label: null }`. Default: found by
   * leave-one-out.
   */
  threshold?: number;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each group of texts. */
  onProgress?: (progress: CallProgress) => void;
}

/**
 * A label and its probability. If the classifier is not sure, `label` is null, and `score` is that of the
 * likeliest label.
 */
export interface TaughtScore {
  /** The label, or null. */
  label: string | null;
  /** Its probability. */
  score: number;
}

/** An example that was taught. */
export interface TaughtExample {
  /** Its id, for `remove`. */
  readonly id: number;
  /** The text. */
  readonly text: string;
  /** Its label; with several labels per text, all of them. */
  readonly labels: readonly string[];
}

/** The results of leave-one-out: each example is classified by a classifier taught on all others. */
export interface Evaluation {
  /**
   * The share of examples that are classified correctly; with several labels per text, with exactly their
   * labels. Null without examples.
   */
  accuracy: number | null;
  /** How many examples there are. */
  examples: number;
  /** One result per label, in the order of the labels. */
  labels: LabelEvaluation[];
  /** Which labels are confused, most frequent first; empty with several labels per text. */
  confusions: Confusion[];
  /** Examples that may have the wrong label, most doubtful first; empty with several labels per text. */
  doubtful: DoubtfulExample[];
}

/** Two labels that are confused. */
export interface Confusion {
  /** The label of the examples. */
  label: string;
  /** The label that they get. */
  predicted: string;
  /** The number of examples. */
  count: number;
}

/** How well a label is recognized. */
export interface LabelEvaluation {
  /** The label. */
  label: string;
  /** The number of examples with it. */
  examples: number;
  /** Of the texts that get the label, the share that have it; null if none gets it. */
  precision: number | null;
  /** Of the texts that have the label, the share that get it; null if none has it. */
  recall: number | null;
}

/** An example whose label is doubtful. */
export interface DoubtfulExample extends TaughtExample {
  /** The label that the other examples suggest. */
  predicted: string;
  /** Its probability. */
  score: number;
}
