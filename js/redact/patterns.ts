/** Resolves the option `patterns` and finds their matches. */

import { TabsenseError } from "../api/errors.js";
import { card } from "./card.js";
import { email } from "./email.js";
import { iban } from "./iban.js";
import { ip } from "./ip.js";
import { type Entity, PATTERN_NAMES, type Pattern, type PatternName } from "./types.js";
import { url } from "./url.js";

const BUILT_IN: Record<PatternName, Pattern> = { email, iban, card, ip, url };

/** The patterns of the option. Kind `"invalid_argument"` for invalid ones. */
export function checkPatterns(patterns: unknown): Pattern[] {
  if (patterns === undefined || patterns === false) return [];
  if (patterns === true) return Object.values(BUILT_IN);
  if (!Array.isArray(patterns)) throw refused(patterns);
  return patterns.map((pattern: unknown) => {
    if (typeof pattern === "string" && Object.hasOwn(BUILT_IN, pattern))
      return BUILT_IN[pattern as PatternName];
    const { name, label, find } = (pattern ?? {}) as Partial<Pattern>;
    if (typeof name !== "string" || typeof label !== "string" || typeof find !== "function")
      throw refused(pattern);
    return pattern as Pattern;
  });
}

/**
 * The patterns' matches in a text, in the order of the patterns. Kind `"invalid_argument"` for a match
 * outside the text.
 */
export function findPatterns(text: string, patterns: readonly Pattern[]): Entity[] {
  return patterns.flatMap((pattern) =>
    Array.from(pattern.find(text), ({ start, end }): Entity => {
      if (
        !(
          Number.isSafeInteger(start) &&
          Number.isSafeInteger(end) &&
          start >= 0 &&
          start < end &&
          end <= text.length
        )
      ) {
        throw new TabsenseError(
          "invalid_argument",
          `The pattern ${JSON.stringify(pattern.name)} found ${start} to ${end} in a text of ${text.length} characters. Its find must yield { start, end } with start < end, as for String.prototype.slice.`,
        );
      }
      const { label, name } = pattern;
      return { label, score: 1, start, end, text: text.slice(start, end), source: "pattern", pattern: name };
    }),
  );
}

function refused(given: unknown): TabsenseError {
  const what = typeof given === "string" ? JSON.stringify(given) : given === null ? "null" : typeof given;
  const names = PATTERN_NAMES.map((name) => `"${name}"`).join(", ");
  return new TabsenseError(
    "invalid_argument",
    `${what} is not a pattern. Pass true for all, or a list of ${names} and objects { name, label, find }.`,
  );
}
