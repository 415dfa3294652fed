/** The types of entities, patterns and masked texts. */

/** A part of a text that has a label: a name, a phone number. */
export interface Entity {
  /** What it is, such as `"EMAIL"`. */
  label: string;
  /** A probability; 1 for a pattern's match. */
  score: number;
  /** Where it begins, as for `String.prototype.slice`. */
  start: number;
  /** Where it ends. */
  end: number;
  /** The part itself. */
  text: string;
  /** What found it; present only if the call had patterns. */
  source?: "model" | "pattern";
  /** The pattern that found it, such as `"iban"`. */
  pattern?: string;
}

/** A part of a text, in UTF-16 units. */
export interface Span {
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** Finds parts of texts by their form. */
export interface Pattern {
  /** The name in {@link Entity.pattern}. */
  readonly name: string;
  /** The label of its matches. */
  readonly label: string;
  /** Yields its matches, in any order, possibly overlapping. */
  find(text: string): Iterable<Span>;
}

/** The patterns of this package. */
export const PATTERN_NAMES = ["email", "iban", "card", "ip", "url"] as const;

/** A pattern of this package: `"email"`, `"iban"`, `"card"`, `"ip"` or `"url"`. */
export type PatternName = (typeof PATTERN_NAMES)[number];

/** Which patterns to use: all of this package (`true`), or a list of their names and your own patterns. */
export type Patterns = boolean | readonly (PatternName | Pattern)[];

/** An entity and its placeholder in the masked text. */
export interface MaskedEntity extends Entity {
  /** Its placeholder, such as `"[EMAIL_1]"`. */
  placeholder: string;
}

/** How to mask. */
export interface MaskOptions {
  /** The labels to mask. Default: all. */
  labels?: readonly string[];
  /**
   * Returns the placeholder of an entity. `number` counts the values of a label, from 1; the same value has
   * the same number. Default: `[LABEL_number]`, such as `"[EMAIL_1]"`.
   */
  replace?: (entity: Entity, number: number) => string;
}

/** A text without its entities. */
export interface Redaction {
  /** The masked text. */
  text: string;
  /** The masked entities, in text order. `start` and `end` refer to the original text. */
  entities: MaskedEntity[];
  /**
   * Puts the entities back into a text with their placeholders: the masked text, or an answer to it. The rest
   * of the text is unchanged. A missing placeholder is an error only with `strict`.
   *
   * Throws a {@link TabsenseError} of kind `"invalid_argument"` if placeholders are ambiguous, and with
   * `strict` if one is missing.
   */
  restore(text: string, options?: { strict?: boolean }): string;
  /**
   * The entities whose placeholders aren't in the text; of several entities with the same placeholder, the
   * first.
   */
  missing(text: string): MaskedEntity[];
}
