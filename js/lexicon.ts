/**
 * `tabsense/lexicon`: the sentiment of an English text from a list of words and emoji, without a model. It
 * answers in microseconds, on the calling thread, and is far less accurate than a model. It is bundled with
 * its library into one file, which `instant: true` fetches, too.
 */

import sentiment from "wink-sentiment";
import { TabsenseError } from "./api/errors.js";
import { BLANK } from "./api/texts.js";
import { SENTIMENT_LABELS } from "./api/types.js";
import type { Score } from "./api/answer-types.js";

/**
 * A text is cut after this many words: about as much as a model reads.
 * @internal
 */
export const MAX_WORDS = 512;

/**
 * How many words, emoji and emoticons it knows.
 * @internal
 */
export const WORDS = 3699;

/**
 * A word is cut after this many characters; the longest known word has 18. The library's patterns take
 * quadratic time in a word's length.
 */
const LONGEST_WORD = 24;

/**
 * Maps intensities to probabilities, as fitted by `npm run bench:lexicon` to the labelled sentences of
 * test_data: the logits are `bias - slope * x` (negative), `neutral - fall * |x|` and `slope * x` (positive).
 */
const CALIBRATION = { slope: 0.167, bias: 0.121, neutral: 0.369, fall: 1.959 };

/**
 * Scores an English text: the labels NEGATIVE, NEUTRAL and POSITIVE with their probabilities, best first.
 * NEUTRAL is best in a band around 0: if no word with a sentiment is known, or they cancel out.
 *
 * An empty text, or one of only white space and control characters, has no labels. Only the first 512 words
 * count; the scores of a longer text have `truncated: true`.
 *
 * @throws {TabsenseError} of kind `"invalid_argument"` if `text` is not a string.
 */
export function score(text: string): Score[] {
  if (typeof text !== "string")
    throw new TabsenseError(
      "invalid_argument",
      `score needs a string, not ${text === null ? "null" : typeof text}.`,
    );
  if (BLANK.test(text)) return [];
  const { intensity, truncated } = weigh(text);
  const { slope, bias, neutral, fall } = CALIBRATION;
  const logits = [bias - slope * intensity, neutral - fall * Math.abs(intensity), slope * intensity];
  const weights = logits.map(Math.exp);
  const sum = weights.reduce((all, one) => all + one);
  return SENTIMENT_LABELS.map((label, i) => ({ label, score: weights[i]! / sum }))
    .sort((a, b) => b.score - a.score)
    .map((one) => ({ ...one, ...(truncated && { truncated }), source: "lexicon" }));
}

/**
 * The sentiment of a text's words, including negations: from -5 to 5, 0 if no word is known.
 * @internal
 */
export function weigh(text: string): { intensity: number; truncated: boolean } {
  const words = text
    .replace(/[‘’]/g, "'")
    .replace(/["“”]/g, " ") // the library skips quoted text
    .replace(/constructor|__proto__/gi, " ") // it looks words up in plain objects
    .trim()
    .split(/\s+/, MAX_WORDS + 1);
  const read = words
    .slice(0, MAX_WORDS)
    .map((word) => word.slice(0, LONGEST_WORD))
    .join(" ");
  return { intensity: sentiment(read).normalizedScore, truncated: words.length > MAX_WORDS };
}
