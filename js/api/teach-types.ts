/** The types of teaching: examples in, a classifier of one's own labels out. */

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

/** Texts by label, or a list of texts with their labels. A label may have no example: its name counts then. */
export type Examples =
  | { readonly [label: string]: readonly string[] }
  | readonly Example[]
  | readonly MultiExample[];

/** How to teach. */
export interface TeachOptions {
  /** What a label means, in words, by label: counts beside its name. */
  descriptions?: { readonly [label: string]: string };
  /** What is put in front of each text, as with `embed`. */
  prompt?: string;
  /** Ends the teaching; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called while it goes on. */
  onProgress?: (progress: TeachProgress) => void;
}

/** How far the teaching is: texts are embedded first, then the classifier is trained. */
export interface TeachProgress extends CallProgress {
  /** Which of the two goes on. */
  stage: "embed" | "train";
}

/** How to classify with what was taught. */
export interface TaughtOptions {
  /**
   * How many labels to give, best first; `null` for all, with their scores. Default: the best one, or with several labels a text
   * all that are likely enough.
   */
  topK?: number | null;
  /**
   * The least score of a label that is given. Below it the answer is `{ label: null }`. Default: found by leave-one-out.
   */
  threshold?: number;
  /** Ends the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called while the call is answered, after each group of texts. */
  onProgress?: (progress: CallProgress) => void;
}

/** A label and its probability; `label` is null where the classifier is not sure, `score` then that of the likeliest. */
export interface TaughtScore {
  /** The label, or null. */
  label: string | null;
  /** Its probability. */
  score: number;
}

/** An example that was taught. */
export interface TaughtExample {
  /** For `remove`. */
  readonly id: number;
  /** The text. */
  readonly text: string;
  /** Its label; with several labels a text, all of them. */
  readonly labels: readonly string[];
}

/** What leave-one-out tells: each example as a classifier of all others sees it. */
export interface Evaluation {
  /**
   * The share of examples that get their label; with several labels a text, of those that get all of them and no other. Null without
   * examples.
   */
  accuracy: number | null;
  /** How many examples there are. */
  examples: number;
  /** By label, in their order. */
  labels: LabelEvaluation[];
  /** Which label is taken for which other, the most frequent first; none with several labels a text. */
  confusions: Confusion[];
  /** Examples that may have the wrong label, the most doubtful first; none with several labels a text. */
  doubtful: DoubtfulExample[];
}

/** A label that is taken for another. */
export interface Confusion {
  /** The label of the examples. */
  label: string;
  /** What it is taken for. */
  predicted: string;
  /** By how many examples. */
  count: number;
}

/** How well a label is told. */
export interface LabelEvaluation {
  /** The label. */
  label: string;
  /** How many examples have it. */
  examples: number;
  /** Of the texts that get the label, the share that have it; null where none gets it. */
  precision: number | null;
  /** Of the texts that have the label, the share that get it; null where none has it. */
  recall: number | null;
}

/** An example whose label the others speak against. */
export interface DoubtfulExample extends TaughtExample {
  /** What the others say. */
  predicted: string;
  /** How likely that is. */
  score: number;
}
