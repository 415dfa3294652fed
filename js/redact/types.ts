/** Entities, and what finds and masks them. */

/** A part of a text that has a label: a name, a phone number. */
export interface Entity {
  /** What it is: `"EMAIL"`, say. */
  label: string;
  /** A probability; 1 for what a pattern found. */
  score: number;
  /** Where it begins, as for `String.prototype.slice`. */
  start: number;
  /** Where it ends. */
  end: number;
  /** The part itself. */
  text: string;
  /** What found it; only there where patterns were asked for. */
  source?: "model" | "pattern";
  /** Which pattern found it: `"iban"`, say. */
  pattern?: string;
}

/** A part of a text, in UTF-16 units. */
export interface Span {
  /** Where it begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** What finds parts of texts by their form. */
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

/** Which patterns look for entities: all of this package (`true`), some by name, and your own. */
export type Patterns = boolean | readonly (PatternName | Pattern)[];

/** An entity and its placeholder in the masked text. */
export interface MaskedEntity extends Entity {
  /** `"[EMAIL_1]"`, say. */
  placeholder: string;
}

/** How to mask. */
export interface MaskOptions {
  /** The labels to mask. Default: all. */
  labels?: readonly string[];
  /**
   * Returns the placeholder of an entity. `number` counts the values of a label, from 1; the same value has
   * the same number. Default: `[LABEL_number]`, `"[EMAIL_1]"` say.
   */
  replace?: (entity: Entity, number: number) => string;
}

/** A text without its entities. */
export interface Redaction {
  /** The masked text. */
  text: string;
  /** What was masked, in the order of the text. Places are those in the original. */
  entities: MaskedEntity[];
  /**
   * Puts the entities back into a text that has their placeholders: the masked one, or an answer to it. All
   * else stays as it is, and placeholders that it lacks are no error unless `strict` is set.
   *
   * Throws a {@link TabsenseError} of kind `"invalid_argument"` if placeholders are ambiguous, and with
   * `strict` if one is missing.
   */
  restore(text: string, options?: { strict?: boolean }): string;
  /** The entities whose placeholders aren't in the text; of entities with one placeholder, the first. */
  missing(text: string): MaskedEntity[];
}
