/** The types for the aggregation of tokens into entities. */

/** How tokens become entities: by the names of Python's pipeline. */
export const AGGREGATIONS = ["none", "simple", "first", "average", "max"] as const;

/**
 * How tokens become entities.
 *
 * - `"none"`: one entity per token, with the label as the model names it (`"B-PER"`).
 * - `"simple"`: neighbours with the same label are one entity. A word may be split.
 * - `"first"`, `"average"`, `"max"`: a word has one label: that of its first token, of its tokens' mean
 *   probabilities, or of its surest token; then as `"simple"`.
 */
export type Aggregation = (typeof AGGREGATIONS)[number];

/** A token as the aggregation sees it. */
export interface TaggedToken {
  /** The token in the vocabulary, such as `"##ing"`. */
  readonly text: string;
  /** Where the token's part of the text begins, in UTF-16 units. */
  readonly start: number;
  /** Where that part ends. */
  readonly end: number;
  /** Whether it continues the word of the token before it. */
  readonly subword: boolean;
}

/** A text with the model's probabilities for each of its N tokens, without special tokens. */
export interface TaggedText {
  readonly text: string;
  readonly tokens: readonly TaggedToken[];
  /** Probabilities, N × L. */
  readonly scores: Float32Array;
}

/**
 * How a vocabulary spells words: with `##`, with one character per byte (`Ġ` is a space), or with `▁` for a
 * space.
 */
export type Spelling = "prefix" | "bytes" | "spaces";

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
  /** The range of its tokens among the N: the index of the first, and the one after the last. */
  tokens: [first: number, end: number];
}
