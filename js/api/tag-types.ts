/** The public types of tagging. */

import type { Entity, MaskOptions, Patterns } from "../redact/types.js";
import type { Aggregation } from "../tag/types.js";
import type { CallProgress } from "./types.js";

/** How to find entities. */
export interface TagOptions {
  /**
   * How tokens become entities. Default: `"first"` where the vocabulary marks the tokens that continue a word, as
   * BERT's does, so that no word is found in part; else `"simple"`.
   */
  aggregation?: Aggregation;
  /** Labels that are no entities, without prefixes; with `"none"` as the model names them. Default: `["O"]`. */
  ignoreLabels?: readonly string[];
  /**
   * Patterns that look along with the model: `true` for `"email"`, `"iban"`, `"card"`, `"ip"` and `"url"`, or a list of
   * these and your own. Entities then tell their `source`, and don't overlap. Default: `false`.
   */
  patterns?: Patterns;
  /** Aborts the call, which rejects with the signal's reason at once. */
  signal?: AbortSignal;
  /** Called after each group of texts. If it throws, the call is aborted. */
  onProgress?: (progress: CallProgress) => void;
}

/** How to mask entities. */
export interface RedactOptions extends MaskOptions, Omit<TagOptions, "aggregation" | "ignoreLabels"> {
  /** As for `tag`, but for `"none"`. */
  aggregation?: Exclude<Aggregation, "none">;
}

/** What `stream` of a tagger yields for a text. */
export interface TaggedEntities {
  /** The text's place among all that came, from 0. */
  index: number;
  /** The text itself. */
  text: string;
  /** Its entities, in the order of the text. */
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
