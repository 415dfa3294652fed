/** The public types of embeddings and zero-shot labels. */

import type { CallProgress, ModelOptions } from "./types.js";

/** How the token states of a text are pooled: their mean, or the state of the first token. */
export type Pooling = "mean" | "cls";

/** How to load an embedder. */
export interface EmbedderOptions extends ModelOptions {
  /** Default: what the model's `1_Pooling/config.json` says, else `"mean"`. */
  pooling?: Pooling;
}

/** How to embed texts. */
export interface EmbedOptions {
  /** Whether to normalize vectors to length 1. Default: as the model's `modules.json` says, else `false`. */
  normalize?: boolean;
  /** A prefix for each text, such as `"query: "`. Default: the model's default prompt, if it has one. */
  prompt?: string;
  /** The name of one of the model's own prompts, instead of `prompt`. */
  promptName?: string;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each group of texts. If it throws, the call is aborted. */
  onProgress?: (progress: CallProgress) => void;
}

/** How to score the labels of a call. */
export interface ZeroShotOptions {
  /**
   * The hypothesis: the label replaces `{}`. Write it in the language that the model was trained
   * on. Default: `"This example is {}."`, with an embedder `"{}"`.
   */
  template?: string;
  /**
   * Whether several labels may apply to a text: each is scored independently. Default: `false`, the scores
   * add up to 1.
   */
  multiLabel?: boolean;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each group of texts. If it throws, the call is aborted. */
  onProgress?: (progress: CallProgress) => void;
}

/** A label of a call and its score. */
export interface ZeroShotScore {
  /** The label. */
  label: string;
  /** Its score, 0 to 1. */
  score: number;
}
