/**
 * Long texts: windows of tokens that overlap. Each token's label is from the window in which it lies farthest
 * from a cut, so that every token is seen with at least half an overlap of text on both sides, and none is
 * labelled twice: entities are joined over the whole text afterwards, as if the model had read it at once.
 * (Python's `stride` joins entities within each window, and of two that overlap keeps the longer.)
 */

/** A window of a text's tokens, special ones not counted. */
export interface Window {
  /** The first token that the model is given. */
  readonly start: number;
  /** The one behind the last. */
  readonly end: number;
  /** The first token that is labelled from here. */
  readonly from: number;
  /** The one behind the last that is. */
  readonly to: number;
}

/**
 * Covers `count` tokens with windows of at most `size` that share `overlap` tokens (less than `size`). The last
 * window is moved back so that it is full: it shares more with the one before.
 */
export function windowsOf(count: number, size: number, overlap: number): Window[] {
  const starts = [0];
  while (starts.at(-1)! + size < count) starts.push(Math.min(starts.at(-1)! + size - overlap, count - size));
  const end = (start: number) => Math.min(start + size, count);
  /** The middle of what a window shares with the one before: nearer to it, the other's cut is farther. */
  const boundary = (i: number) => Math.ceil((starts[i]! + end(starts[i - 1]!)) / 2);
  return starts.map((start, i) => ({
    start,
    end: end(start),
    from: i === 0 ? 0 : boundary(i),
    to: i === starts.length - 1 ? count : boundary(i + 1),
  }));
}
