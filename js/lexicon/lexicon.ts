/**
 * The lexicon: English words and emoji with their sentiment, as a backend that answers in this very thread, a
 * text in microseconds. All of it is one file, with the library, which is fetched only where it is asked for.
 * Its errors are of that file's own class: `toError`.
 */

import sentiment from "wink-sentiment";
import { aborted, TabsenseError } from "../api/errors.js";
import type { Answer, ClassifyRequest } from "../client/protocol.js";
import { nextTask } from "../files/bytes.js";
import { MAX_CHARS, NOTHING } from "../api/texts.js";
import { SENTIMENT_LABELS, type ClassifierInfo, type ClassifyProgress, type Score } from "../api/types.js";

/** What `info.model.name` says where no model is named. */
export const NAME = "wink-sentiment";

/** How many words, emoji and emoticons it knows. */
const WORDS = 3699;

/** A text is cut after so many words: about as far as a model reads. */
const MAX_WORDS = 512;

/**
 * A word is cut after so many characters; the longest that is known has 18. The library's patterns take
 * quadratic time of a word.
 */
const LONGEST_WORD = 24;

/**
 * The logistic curve from intensities to probabilities, as `npm run bench:lexicon` fits it to
 * test_data/sentiment_validation.jsonl.
 */
export const CALIBRATION = { slope: 0.338, bias: -0.111 };

/** Milliseconds after which the page gets a turn. */
const TURN = 8;

/**
 * Answers a request. `ended` is asked between two turns, and what it gives ends the call.
 *
 * Kinds `"empty_text"` and `"text_too_long"` as from a model; `"aborted"`; `"invalid_argument"` where
 * `onProgress` throws.
 */
export async function answer(
  { texts, top }: ClassifyRequest,
  signal: AbortSignal | null,
  onProgress: ((progress: ClassifyProgress) => void) | null,
  ended: () => TabsenseError | null,
): Promise<Answer[]> {
  if (signal?.aborted) throw aborted("The call");
  const answers: Answer[] = [];
  let turn = performance.now();
  for (const [i, text] of texts.entries()) {
    if (performance.now() - turn > TURN) {
      report(onProgress, { done: i, total: texts.length });
      await nextTask();
      if (signal?.aborted) throw aborted("The call");
      const end = ended();
      if (end) throw end;
      turn = performance.now();
    }
    refuseUnfit(text, texts.length === 1 ? "" : `Text ${i} of ${texts.length}: `);
    answers.push(answerOf(text, top));
  }
  report(onProgress, { done: texts.length, total: texts.length });
  return answers;
}

/** What `info` tells while the lexicon answers for the model `name`; `reason` says why it does. */
export function infoOf(name: string, reason: string): ClassifierInfo {
  return {
    device: "lexicon",
    dtype: "none",
    build: "none",
    threads: 1,
    webgpu: { reason: "The lexicon needs no graphics card." },
    lexicon: reason,
    model: {
      name,
      architecture: "lexicon",
      layers: 0,
      width: 0,
      heads: 0,
      vocabulary: WORDS,
      maxTokens: MAX_WORDS,
      parameters: 0,
      labels: [...SENTIMENT_LABELS],
    },
    bytes: { weights: 0, memory: 0 },
  };
}

function refuseUnfit(text: string, place: string): void {
  if (text.length > MAX_CHARS) {
    const chars = [...text].length;
    if (chars > MAX_CHARS)
      throw new TabsenseError(
        "text_too_long",
        `${place}The text has ${chars} characters: give at most ${MAX_CHARS}, or classify it in parts.`,
      );
  }
  if (NOTHING.test(text))
    throw new TabsenseError(
      "empty_text",
      `${place}The text is empty or has white space and control characters only: there is nothing to classify.`,
    );
}

function answerOf(text: string, top: number): Answer {
  const start = performance.now();
  const { intensity, truncated } = weigh(text);
  const positive = 1 / (1 + Math.exp(-(CALIBRATION.slope * intensity + CALIBRATION.bias)));
  const scores: Score[] = [
    { label: SENTIMENT_LABELS[0], score: 1 - positive, source: "lexicon" },
    { label: SENTIMENT_LABELS[1], score: positive, source: "lexicon" },
  ];
  scores.sort((a, b) => b.score - a.score);
  return {
    scores: top === 0 ? scores : scores.slice(0, top),
    truncated,
    device: "lexicon",
    timings: { tokenize: 0, forward: performance.now() - start },
  };
}

function report(onProgress: ((progress: ClassifyProgress) => void) | null, progress: ClassifyProgress): void {
  try {
    onProgress?.(progress);
  } catch (cause) {
    throw new TabsenseError("invalid_argument", `onProgress threw (${String(cause)}).`, { cause });
  }
}

/** What the words of a text say, with what negates them: from -5 to 5, 0 where none is known. */
export function weigh(text: string): { intensity: number; truncated: boolean } {
  const words = text
    .replace(/[‘’]/g, "'")
    .replace(/["“”]/g, " ") // the library skips what is quoted
    .replace(/constructor|__proto__/gi, " ") // it looks words up in plain objects
    .trim()
    .split(/\s+/, MAX_WORDS + 1);
  const read = words
    .slice(0, MAX_WORDS)
    .map((word) => word.slice(0, LONGEST_WORD))
    .join(" ");
  return { intensity: sentiment(read).normalizedScore, truncated: words.length > MAX_WORDS };
}
