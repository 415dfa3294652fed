/** The public types of vectors, and of labels that are told by them. */

import type { CallProgress, ModelOptions } from "./types.js";

/** How one vector is made of the states of a text's tokens: their mean, or the state of the first. */
export type Pooling = "mean" | "cls";

/** How to load an embedder. */
export interface EmbedderOptions extends ModelOptions {
  /** Default: what the model's `1_Pooling/config.json` says, else `"mean"`. */
  pooling?: Pooling;
}

/** How to make vectors of texts. */
export interface EmbedOptions {
  /** Whether vectors are brought to length 1. Default: as the model's `modules.json` says, else `false`. */
  normalize?: boolean;
  /** What is put in front of each text: `"query: "`, say. Default: the model's default prompt, if it has one. */
  prompt?: string;
  /** The name of one of the model's own prompts, in the place of `prompt`. */
  promptName?: string;
  /** Ends the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called while the call is answered, after each group of texts. One that throws ends the call. */
  onProgress?: (progress: CallProgress) => void;
}

/** How labels that a call names are scored. */
export interface ZeroShotOptions {
  /**
   * What is asked of a text: the label stands in place of `{}`. Write it in the language that the model was trained
   * on. Default: `"This example is {}."`, with an embedder `"{}"`.
   */
  template?: string;
  /** Whether several labels may fit a text: each is scored by itself. Default: `false`, the scores add up to 1. */
  multiLabel?: boolean;
  /** Ends the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called while the call is answered, after each group of texts. One that throws ends the call. */
  onProgress?: (progress: CallProgress) => void;
}

/** A label that a call named, and how well it fits. */
export interface ZeroShotScore {
  /** The label. */
  label: string;
  /** Its score, 0 to 1. */
  score: number;
}
