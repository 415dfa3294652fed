/** Addresses of web pages: with `http://`, `https://` or `www.`, up to the next space, quote or bracket. */

import type { Pattern, Span } from "./types.js";

const START = /(?<![\p{L}\p{N}])(?:https?:\/\/|www\.)(?=[\p{L}\p{N}[])[^\s<>"“”«»`]+/giu;

/** Characters that end a sentence rather than an address. */
const TAIL = new Set(".,;:!?'’)]}*_…");

/** Each match is one run of characters: linear time for any text. */
export const url: Pattern = {
  name: "url",
  label: "URL",
  *find(text): Iterable<Span> {
    for (const { 0: run, index } of text.matchAll(START)) {
      let open = count(run, "(") - count(run, ")");
      let end = run.length;
      while (TAIL.has(run[end - 1]!)) {
        if (run[end - 1] === ")" && open++ >= 0) break;
        end--;
      }
      if (/[.:/]/.test(run.slice(4, end))) yield { start: index, end: index + end };
    }
  },
};

function count(text: string, char: string): number {
  let count = 0;
  for (const each of text) if (each === char) count++;
  return count;
}
