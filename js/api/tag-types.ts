/** The public types of tagging. */

import type { Entity, MaskOptions, Patterns } from "../redact/types.js";
import type { Aggregation } from "../tag/types.js";
import type { CallProgress } from "./types.js";

/** How to find entities. */
export interface TagOptions {
  /**
   * How tokens become entities. Default: `"first"` if the vocabulary marks the tokens that continue a word,
   * as BERT's does, so that only whole words are found; otherwise `"simple"`.
   */
  aggregation?: Aggregation;
  /**
   * Labels that are not entities, without prefixes; with `"none"`, as the model names them. Default: `["O"]`.
   */
  ignoreLabels?: readonly string[];
  /**
   * Patterns to search for in addition to the model's entities: `true` for `"email"`, `"iban"`, `"card"`,
   * `"ip"` and `"url"`, or a list of these and your own. Entities then have a `source`, and don't overlap.
   * Default: `false`.
   */
  patterns?: Patterns;
  /** Aborts the call, which rejects with the signal's reason at once. */
  signal?: AbortSignal;
  /** Called after each group of texts. If it throws, the call is aborted. */
  onProgress?: (progress: CallProgress) => void;
}

/** How to mask entities. */
export interface RedactOptions extends MaskOptions, Omit<TagOptions, "aggregation" | "ignoreLabels"> {
  /** As for `tag`, except `"none"`. */
  aggregation?: Exclude<Aggregation, "none">;
}

/** What `stream` of a tagger yields for a text. */
export interface TaggedEntities {
  /** The text's index in the stream, starting at 0. */
  index: number;
  /** The text. */
  text: string;
  /** Its entities, in text order. */
  entities: Entity[];
}

export type {
  Entity,
  MaskedEntity,
  MaskOptions,
  Pattern,
  PatternName,
  Patterns,
  Redaction,
  Span,
} from "../redact/types.js";
export type { Aggregation } from "../tag/types.js";
