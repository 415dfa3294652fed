/** Checks the options of teaching, and of classifying with what was taught. */

import { callback, invalid as invalidOption, record, signal, text as textOption } from "../api/options.js";
import type { TeachProgress } from "../api/teach-types.js";
import type { CallProgress } from "../api/types.js";

/** `TeachOptions` with every default filled in. */
export interface CheckedTeachOptions {
  descriptions: Readonly<Record<string, string>>;
  prompt: string | null;
  signal: AbortSignal | null;
  onProgress: ((progress: TeachProgress) => void) | null;
}

/** Checks the options of teaching; the call accepts only those in `keys`. */
export function checkTeachOptions(
  options: unknown,
  keys: readonly string[] = ["descriptions", "prompt", "signal", "onProgress"],
): CheckedTeachOptions {
  const given = record(options, keys);
  const descriptions = given["descriptions"] ?? {};
  if (
    typeof descriptions !== "object" ||
    !Object.values(descriptions).every((one) => typeof one === "string" && one.trim() !== "")
  )
    throw invalidOption("descriptions", "texts by label", descriptions);
  return {
    descriptions: descriptions as Record<string, string>,
    prompt: textOption(given, "prompt"),
    signal: signal(given),
    onProgress: callback(given, "onProgress") as CheckedTeachOptions["onProgress"],
  };
}

/** Checks the options of `classify`; `topK` is undefined if it isn't set. */
export function checkTaughtOptions(options: unknown) {
  const given = record(options, ["topK", "threshold", "signal", "onProgress"]);
  const topK = given["topK"];
  if (
    topK !== undefined &&
    topK !== null &&
    !(typeof topK === "number" && Number.isSafeInteger(topK) && topK >= 1)
  )
    throw invalidOption("topK", "a whole number of at least 1, or null for all labels", topK);
  const threshold = given["threshold"] ?? null;
  if (threshold !== null && !(typeof threshold === "number" && threshold >= 0 && threshold <= 1))
    throw invalidOption("threshold", "a number from 0 to 1", threshold);
  return {
    topK: topK as number | null | undefined,
    threshold,
    signal: signal(given),
    onProgress: callback(given, "onProgress") as ((progress: CallProgress) => void) | null,
  };
}
