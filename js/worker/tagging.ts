/**
 * Lets a tagger read texts of any length, in overlapping windows. Each token's answer comes from the window
 * in which it is farthest from an edge, so that every token has context on both sides.
 */

import type { Tagged } from "../client/protocol.js";
import type { Engine } from "../wasm/simd/tabsense.js";

/** The share of a window that the next one contains, too. */
const OVERLAP = 1 / 4;

/** Tokens of a text that are computed together. */
export interface Window {
  start: number;
  end: number;
  /** The range of those whose answers are used. */
  from: number;
  to: number;
}

/** The windows of a text of `tokens` tokens, with room for `capacity` in each; none without tokens. */
export function windowsOf(tokens: number, capacity: number): Window[] {
  const step = Math.max(1, capacity - Math.floor(capacity * OVERLAP));
  const windows: Window[] = [];
  for (let start = 0; start < tokens; start += step) {
    // The last window reaches back, so that its tokens have as much context before them as others.
    const first = Math.max(0, Math.min(start, tokens - capacity));
    const end = Math.min(tokens, first + capacity);
    windows.push({ start: first, end, from: first, to: end });
    if (end === tokens) break;
  }
  for (const [i, window] of windows.slice(1).entries()) {
    const before = windows[i]!;
    before.to = window.from = Math.floor((before.end - 1 + window.start) / 2) + 1;
  }
  return windows;
}

/**
 * The tokens of each text, and their logits. At most `maxBatchTokens` go to the engine at once, but at least
 * one window; `pause` is awaited in between, and may throw.
 */
export async function tag(
  engine: Engine,
  texts: readonly string[],
  maxBatchTokens: number,
  pause: () => Promise<void>,
): Promise<Tagged[]> {
  const { maxTokens, specialTokens, labels } = engine.info();
  const [before, behind] = specialTokens;
  const width = labels.length;
  const tagged = texts.map((text) => {
    const tokens = engine.tokenize(text);
    return { tokens, logits: new Float32Array(tokens.length * width) };
  });
  const waiting = tagged.flatMap((of) =>
    windowsOf(of.tokens.length, maxTokens - before - behind).map((window) => ({ of, window })),
  );
  for (let next = 0; next < waiting.length; ) {
    if (next > 0) await pause();
    const first = next;
    let tokens = 0;
    do tokens += length(waiting[next++]!.window);
    while (next < waiting.length && tokens + length(waiting[next]!.window) <= maxBatchTokens);
    const group = waiting.slice(first, next);
    const windows = group.map(({ of, window: { start, end } }) =>
      Uint32Array.from(of.tokens.slice(start, end), ({ id }) => id),
    );
    const logits = await engine.rows(windows, false);
    for (const [i, { of, window }] of group.entries()) {
      const { start, from, to } = window;
      const first = before - start;
      of.logits.set(logits[i]!.subarray((first + from) * width, (first + to) * width), from * width);
    }
  }
  return tagged;
}

function length({ start, end }: Window): number {
  return end - start;
}
