/** Builds the public entities of a text. */

import { withoutOverlaps } from "../redact/overlaps.js";
import { findPatterns } from "../redact/patterns.js";
import type { Entity, Pattern } from "../redact/types.js";
import type { Aggregate } from "./aggregate.js";
import type { Aggregation, TaggedText } from "./types.js";

/** Which entities to return, and how to build them. */
export interface Wanted {
  readonly aggregation: Aggregation;
  /** Labels that are not entities. */
  readonly ignored: readonly string[];
  readonly patterns: readonly Pattern[];
}

/** The entities of a text, in text order; with patterns, without overlaps and each with its source. */
export function entitiesOf(
  tagged: TaggedText,
  aggregate: Aggregate,
  { aggregation, ignored, patterns }: Wanted,
): Entity[] {
  const { text } = tagged;
  const source = patterns.length > 0 && { source: "model" as const };
  const found = aggregate(tagged, aggregation)
    .filter(({ label }) => !ignored.includes(label))
    .map(({ label, score, start, end }): Entity => {
      return { label, score, start, end, text: text.slice(start, end), ...source };
    });
  if (!source) return found;
  const all = [...found, ...findPatterns(text, patterns)];
  return withoutOverlaps(
    text,
    all.filter(({ label }) => !ignored.includes(label)),
  );
}
