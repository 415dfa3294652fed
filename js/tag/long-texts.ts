/**
 * Texts longer than the model reads: windows that overlap by a quarter. Where two share a part of the text, each
 * labels the half that is farther from its own cut, so that every token has an eighth of a window of text on
 * both sides, and none is labelled twice. Cuts are between words where there are any. Entities are made of
 * the whole text's tokens afterwards, as if the model had read it at once. (Python's `stride` makes
 * entities within each window, and of two that overlap keeps the longer.)
 */

import type { TaggedText, TaggedToken } from "./types.js";

/** A text as far as the model read it. */
export interface ReadText extends TaggedText {
  /** Whether there was more text. */
  readonly truncated: boolean;
}

/** What asks the model. */
export type ReadTexts = (texts: string[]) => Promise<ReadText[]>;

/** Characters that are handed over for a window: more than most models read of most texts. */
const SLICE = 4096;

/** What is known of a text so far. */
interface Progress {
  text: string;
  /** The tokens that are labelled for good, in places of the whole text, with their rows of probabilities. */
  tokens: TaggedToken[];
  rows: Float32Array[];
  /** Where the next window begins. */
  start: number;
  /** Where the part begins that it labels. */
  from: number;
  done: boolean;
}

/** Reads texts to their ends; `labels` is the length of a row of scores. Texts take their windows side by side. */
export async function readWhole(
  texts: readonly string[],
  labels: number,
  read: ReadTexts,
): Promise<TaggedText[]> {
  const all = texts.map((text): Progress => {
    return { text, tokens: [], rows: [], start: 0, from: 0, done: false };
  });
  for (let open = all; open.length > 0; open = open.filter(({ done }) => !done)) {
    const windows = await read(open.map(({ text, start }) => text.slice(start, endOfSlice(text, start))));
    for (const [i, progress] of open.entries()) take(progress, windows[i]!, labels);
  }
  return all.map(({ text, tokens, rows }) => ({ text, tokens, scores: concat(rows, labels) }));
}

/** Takes from a window what it labels, and decides where the next one begins. */
function take(progress: Progress, window: ReadText, labels: number): void {
  const { text, start, from } = progress;
  const end = endOfSlice(text, start);
  const places = window.tokens.flatMap(({ special }, place) => (special ? [] : [place]));
  const tokens = places.map((place): TaggedToken => {
    const token = window.tokens[place]!;
    return { ...token, start: token.start + start, end: token.end + start };
  });
  progress.done = end === text.length && !window.truncated;
  const next = progress.done
    ? { start: text.length, from: Number.POSITIVE_INFINITY }
    : cut(text, tokens, start, end);
  for (const [i, token] of tokens.entries()) {
    if (token.start < from || token.start >= next.from) continue;
    progress.tokens.push(token);
    progress.rows.push(window.scores.subarray(places[i]! * labels, (places[i]! + 1) * labels));
  }
  progress.start = next.start;
  progress.from = next.from;
  progress.done ||= next.start >= text.length;
}

/** Where the window after these tokens begins, and from where on it labels: `end` is that of what was handed over. */
function cut(
  text: string,
  tokens: readonly TaggedToken[],
  start: number,
  end: number,
): Pick<Progress, "start" | "from"> {
  const overlap = Math.floor(tokens.length / 4);
  const first = wordBefore(text, tokens, tokens.length - overlap, overlap);
  const middle = wordBefore(text, tokens, tokens.length - Math.floor(overlap / 2), Math.floor(overlap / 4));
  const [next, from] = [tokens[first]?.start, tokens[middle]?.start];
  if (next !== undefined && from !== undefined && start < next && next <= from) return { start: next, from };
  // Too few tokens to share any: the next window begins where they end.
  const last = tokens.at(-1)?.end ?? end;
  return last > start ? { start: last, from: last } : { start: end, from: end };
}

/** The place of the token that begins a word, at `place` or at most `most` before it; `place` where none does. */
function wordBefore(text: string, tokens: readonly TaggedToken[], place: number, most: number): number {
  for (let i = place; i > 0 && i >= place - most; i--) {
    const { start } = tokens[i] ?? { start: -1 };
    if (start > 0 && /\s/.test(text.slice(start - 1, start + 1))) return i;
  }
  return place;
}

/** Where the slice from `start` ends: not between the two halves of a character. */
function endOfSlice(text: string, start: number): number {
  const end = Math.min(text.length, start + SLICE);
  return end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!) ? end - 1 : end;
}

function concat(rows: readonly Float32Array[], labels: number): Float32Array {
  const all = new Float32Array(rows.length * labels);
  for (const [i, row] of rows.entries()) all.set(row, i * labels);
  return all;
}
