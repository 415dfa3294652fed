/** The lexicon as a stand-in until the model is ready: its answers and its `info`. */

import { TabsenseError } from "../api/errors.js";
import type { ClassifierInfo } from "../api/info.js";
import { SENTIMENT_LABELS, type CallProgress } from "../api/types.js";
import { nextTask } from "../files/bytes.js";
import type { Answer, ClassifyRequest } from "./protocol.js";

/** The exports of js/lexicon.ts, which is bundled as a separate file. */
export type Lexicon = typeof import("../lexicon.js");

/** Milliseconds of work after which it yields to the page. */
const TIME_SLICE = 8;

/** Fetches the lexicon. Kind `"environment"` if its file can't be loaded. */
export async function loadLexicon(): Promise<Lexicon> {
  try {
    return await import("../lexicon.js");
  } catch (cause) {
    throw new TabsenseError(
      "environment",
      `The lexicon could not be loaded (${cause instanceof Error ? cause.message : String(cause)}). Serve the package's whole dist folder, or load without \`instant\`.`,
      { cause },
    );
  }
}

/**
 * Answers a request from the lexicon. `ended` is called between two time slices; an error that it returns
 * ends the call.
 *
 * Rejects with the reason of `signal`; with kind `"invalid_argument"` if `onProgress` throws, or for a pair.
 */
export async function answer(
  { score }: Lexicon,
  { texts, top, empty }: ClassifyRequest,
  signal: AbortSignal | null,
  onProgress: ((progress: CallProgress) => void) | null,
  ended: () => TabsenseError | null,
): Promise<Answer[]> {
  signal?.throwIfAborted();
  const words = texts.filter((text) => typeof text === "string");
  if (words.length < texts.length)
    throw new TabsenseError(
      "invalid_argument",
      "The lexicon answers until the model is loaded, and supports single texts only. Wait for `classifier.ready` before you pass pairs, or load without `instant`.",
    );
  const answers: Answer[] = [];
  let slice = performance.now();
  for (const text of words) {
    if (performance.now() - slice > TIME_SLICE) {
      report(onProgress, { done: answers.length, total: texts.length });
      await nextTask();
      signal?.throwIfAborted();
      const end = ended();
      if (end) throw end;
      slice = performance.now();
    }
    const start = performance.now();
    let all = score(text);
    if (all.length === 0 && empty) all = score("."); // as for a text without a known word
    const truncated = all[0]?.truncated ?? false;
    const scores = all
      .slice(0, top === 0 ? undefined : top)
      .map(({ label, score }) => ({ label, score, source: "lexicon" as const }));
    const timings = { tokenize: 0, forward: performance.now() - start };
    answers.push({ scores, truncated, device: "cpu", timings });
  }
  report(onProgress, { done: texts.length, total: texts.length });
  return answers;
}

/** The `info` while the lexicon answers for the model `name`; `reason` says why it does. */
export function infoOf({ MAX_WORDS, WORDS }: Lexicon, name: string, reason: string): ClassifierInfo {
  return {
    device: "cpu",
    dtype: "none",
    file: null,
    build: "none",
    threads: 1,
    webgpu: { reason: "The lexicon needs no graphics card." },
    lexicon: reason,
    warnings: [],
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

function report(onProgress: ((progress: CallProgress) => void) | null, progress: CallProgress): void {
  try {
    onProgress?.(progress);
  } catch (cause) {
    throw new TabsenseError("invalid_argument", `onProgress threw (${String(cause)}).`, { cause });
  }
}
