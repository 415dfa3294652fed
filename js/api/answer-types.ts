/** The public types of a classifier's answers. */

/** What `stream` yields for a text. */
export interface Verdict {
  /** The text's index in the stream, starting at 0. */
  index: number;
  /** The text; for a pair, its first text. */
  text: string;
  /** The second text of a pair; absent for a single text. */
  pair?: string;
  /** Its labels, best first; empty for a text of only white space and control characters. */
  scores: Score[];
}

/** What `stream` yields for a text with `details: true`. */
export interface DetailedVerdict extends Detailed {
  /** The text's index in the stream, starting at 0. */
  index: number;
  /** The text; for a pair, its first text. */
  text: string;
  /** The second text of a pair; absent for a single text. */
  pair?: string;
}

/** One label with its probability. */
export interface Score {
  /** The label, as the model's configuration names it. */
  label: string;
  /** Its probability; with a multi-label model, independent of the other labels. */
  score: number;
  /** Present only if the text was cut to the model's maximum length. */
  truncated?: true;
  /** Where the score comes from; present only with `instant: true` or from `tabsense/lexicon`. */
  source?: "lexicon" | "model";
}

/** A token of a text. */
export interface Token {
  /** The token in the vocabulary, such as `"##ing"`. */
  text: string;
  /** Its id in the vocabulary. */
  id: number;
  /** Where the token's part of the text begins, as for `String.prototype.slice`; 0 for a special token. */
  start: number;
  /** Where that part ends; 0 for a special token. */
  end: number;
  /** Whether the tokenizer added it, as it adds `[CLS]` and `[SEP]`. */
  special: boolean;
  /** Present only if the token belongs to the second text of a pair. */
  pair?: true;
}

/** The result for one text with `details: true`. */
export interface Detailed {
  /** The labels, best first; empty for a text of only white space and control characters. */
  scores: Score[];
  /** The tokens that the model saw; empty if there are no labels or the lexicon answers. */
  tokens: Token[];
  /** Whether the text was cut to the model's length. */
  truncated: boolean;
  /** Where this text was computed. */
  device: "cpu" | "webgpu";
  /** How long it took. */
  timings: Timings;
}

/** Durations in milliseconds. */
export interface Timings {
  /** Tokenizing this text. */
  tokenize: number;
  /** Computing the batch that contains the text. */
  forward: number;
  /** The whole call, as the caller sees it. */
  total: number;
  /** The batch by kernel; present only if it ran on a graphics card with `timestamps`. */
  kernels?: KernelTime[];
}

/** The time of one kernel in a batch on the graphics card. */
export interface KernelTime {
  /** The kernel, such as `"linear"`, `"attention"` or `"layer_norm"`. */
  name: string;
  /** Total milliseconds of all its dispatches. */
  ms: number;
  /** How often it ran. */
  dispatches: number;
}
