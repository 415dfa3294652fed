/** What the aggregation of tokens to entities takes and gives. */

/** How tokens become entities: by the names of Python's pipeline. */
export const AGGREGATIONS = ["none", "simple", "first", "average", "max"] as const;

/**
 * How tokens become entities.
 *
 * - `"none"`: an entity a token, with the label as the model names it (`"B-PER"`).
 * - `"simple"`: neighbours of the same label are one entity. A word may fall apart.
 * - `"first"`, `"average"`, `"max"`: a word has one label: that of its first token, of its tokens' mean
 *   probabilities, or of the token that is surest; then as `"simple"`.
 */
export type Aggregation = (typeof AGGREGATIONS)[number];

/** A token as the aggregation sees it. */
export interface TaggedToken {
  /** The vocabulary's token: `"##ing"`, say. */
  readonly text: string;
  /** Its number in the vocabulary. */
  readonly id: number;
  /** Where the part of the text begins that it stands for, in UTF-16 units. */
  readonly start: number;
  /** Where that part ends. */
  readonly end: number;
  /** Whether the tokenizer added it: `[CLS]` and `[SEP]`, which have no label. */
  readonly special: boolean;
}

/** A text with what the model says of each of its N tokens. */
export interface TaggedText {
  readonly text: string;
  /** All N tokens, special ones included. */
  readonly tokens: readonly TaggedToken[];
  /** Probabilities, N × L. */
  readonly scores: Float32Array;
}

/** How a vocabulary spells words. */
export interface Spelling {
  /** What a token begins with that continues a word: `"##"`; empty where the vocabulary has no such prefix. */
  readonly prefix: string;
  /** The token that stands for whatever the vocabulary lacks. */
  readonly unknown: number | null;
  /** How tokens become text: by the prefix, as bytes (`Ġ` is a space), or with `▁` for spaces. */
  readonly kind: "wordpiece" | "bytes" | "spaces";
}

/** Neighbouring tokens that are one entity. */
export interface Group {
  /** The label without its prefix; with `"none"` as the model names it. */
  label: string;
  /** A probability. */
  score: number;
  /** Where it begins in the text, in UTF-16 units. */
  start: number;
  /** Where it ends. */
  end: number;
  /** Its tokens' places among the N: the first, and the one behind the last. */
  tokens: [first: number, end: number];
}
