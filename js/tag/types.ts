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
  /** Where the part of the text begins that it stands for, in UTF-16 units. */
  readonly start: number;
  /** Where that part ends. */
  readonly end: number;
  /** Whether it continues the word of the token before it. */
  readonly subword: boolean;
}

/** A text with what the model says of each of its N tokens; special tokens have no place in it. */
export interface TaggedText {
  readonly text: string;
  readonly tokens: readonly TaggedToken[];
  /** Probabilities, N × L. */
  readonly scores: Float32Array;
}

/** How a vocabulary spells words: with `##`, a character a byte (`Ġ` is a space), or with `▁` for a space. */
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
  /** Its tokens' places among the N: the first, and the one behind the last. */
  tokens: [first: number, end: number];
}
