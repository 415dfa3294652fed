/** The public types of a classifier's answers. */

/** What `stream` yields for a text. */
export interface Verdict {
  /** The text's place among all that came, from 0. */
  index: number;
  /** The text itself; of a pair, the first. */
  text: string;
  /** The second text; only there where a pair came. */
  pair?: string;
  /** Its labels, best first; none for a text of white space and control characters only. */
  scores: Score[];
}

/** What `stream` yields for a text with `details: true`. */
export interface DetailedVerdict extends Detailed {
  /** The text's place among all that came, from 0. */
  index: number;
  /** The text itself; of a pair, the first. */
  text: string;
  /** The second text; only there where a pair came. */
  pair?: string;
}

/** One label with its probability. */
export interface Score {
  /** The label, as the model's configuration names it. */
  label: string;
  /** Its probability; for a model of several labels at a time, each by itself. */
  score: number;
  /** Only there when the text was cut to the model's length. */
  truncated?: true;
  /** What the score is from; only there with `instant: true` or from `tabsense/lexicon`. */
  source?: "lexicon" | "model";
}

/** A token of a text. */
export interface Token {
  /** The vocabulary's token: `"##ing"`, say. */
  text: string;
  /** Its number in the vocabulary. */
  id: number;
  /**
   * Where the part of its text begins that it stands for, as for `String.prototype.slice`; 0 for a special
   * token.
   */
  start: number;
  /** Where that part ends; 0 for a special token. */
  end: number;
  /** Whether the tokenizer added it: `[CLS]` and `[SEP]`. */
  special: boolean;
  /** Only there where it is of a pair's second text. */
  pair?: true;
}

/** What `details: true` gives for one text. */
export interface Detailed {
  /** The labels, best first; none for a text of white space and control characters only. */
  scores: Score[];
  /** What the model saw of the text; none where there are no labels, or the lexicon answers. */
  tokens: Token[];
  /** Whether the text was cut to the model's length. */
  truncated: boolean;
  /** Where this text was computed. */
  device: "cpu" | "webgpu";
  /** How long it took. */
  timings: Timings;
}

/** Milliseconds. */
export interface Timings {
  /** Of this text's tokenization. */
  tokenize: number;
  /** Of the batch that the text was computed in. */
  forward: number;
  /** Of the whole call, as the caller sees it. */
  total: number;
  /** Of the batch, kernel by kernel; only there from a graphics card that has a clock (`timestamps`). */
  kernels?: KernelTime[];
}

/** What one kernel took of a batch on the graphics card. */
export interface KernelTime {
  /** The kernel: `"linear"`, `"attention"`, `"layer_norm"`, say. */
  name: string;
  /** Milliseconds of all its dispatches together. */
  ms: number;
  /** How often it ran. */
  dispatches: number;
}
