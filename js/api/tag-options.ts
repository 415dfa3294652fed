/** Checks the options of `tag` and `redact`. */

import { checkPatterns } from "../redact/patterns.js";
import type { MaskOptions, Pattern } from "../redact/types.js";
import { tagsOf } from "../tag/labels.js";
import { AGGREGATIONS, type Aggregation } from "../tag/types.js";
import { TabsenseError } from "./errors.js";
import { callback, invalid, oneOf, record, signal } from "./options.js";
import type { RedactOptions, TagOptions } from "./tag-types.js";
import type { CallProgress } from "./types.js";

/** `TagOptions` with every default filled in. */
export interface CheckedTagOptions {
  aggregation: Aggregation;
  ignored: readonly string[];
  patterns: readonly Pattern[];
  signal: AbortSignal | null;
  onProgress: ((progress: CallProgress) => void) | null;
}

const SHARED_OPTIONS = ["aggregation", "patterns", "signal", "onProgress"];

/** Checks the options of `tag`; `usual` is the default aggregation. */
export function checkTagOptions(options: TagOptions | undefined, usual: Aggregation): CheckedTagOptions {
  const given = record(options, [...SHARED_OPTIONS, "ignoreLabels"]);
  return { ...shared(given, AGGREGATIONS, usual), ignored: labelsOf(given, "ignoreLabels") ?? ["O"] };
}

/**
 * Checks the options of `redact`; `labels` are the model's. A label that neither the model nor a pattern has
 * is an error: the entities meant by it would stay in the text.
 */
export function checkRedactOptions(
  options: RedactOptions | undefined,
  usual: Aggregation,
  labels: readonly string[],
): CheckedTagOptions & { mask: MaskOptions } {
  const given = record(options, [...SHARED_OPTIONS, "labels", "replace"]);
  const wanted = labelsOf(given, "labels");
  const replace = callback(given, "replace") as MaskOptions["replace"] | null;
  const checked = shared(given, AGGREGATIONS.slice(1), usual);
  const known = new Set([
    ...tagsOf(labels).map(({ name }) => name),
    ...checked.patterns.map(({ label }) => label),
  ]);
  const unknown = wanted?.find((label) => !known.has(label));
  if (unknown !== undefined) {
    throw new TabsenseError(
      "invalid_argument",
      `labels names ${JSON.stringify(unknown)}, which neither the model nor a pattern of this call finds. The labels are: ${[...known].join(", ")}.`,
    );
  }
  return {
    ...checked,
    ignored: ["O"],
    mask: { ...(wanted && { labels: wanted }), ...(replace && { replace }) },
  };
}

function shared(
  given: Record<string, unknown>,
  aggregations: readonly Aggregation[],
  usual: Aggregation,
): Omit<CheckedTagOptions, "ignored"> {
  const named = [usual, ...aggregations.filter((one) => one !== usual)];
  return {
    aggregation: oneOf(given, "aggregation", named) as Aggregation,
    patterns: checkPatterns(given["patterns"]),
    signal: signal(given),
    onProgress: callback(given, "onProgress") as CheckedTagOptions["onProgress"],
  };
}

function labelsOf(given: Record<string, unknown>, key: string): string[] | null {
  const value = given[key] ?? null;
  if (value === null) return null;
  if (!Array.isArray(value) || !value.every((label) => typeof label === "string"))
    throw invalid(key, "an array of labels", value);
  return value;
}
