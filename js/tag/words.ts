/** Where words begin, and how tokens are written as text: as the Python `tokenizers` have it. */

import type { Spelling, TaggedToken } from "./types.js";

/**
 * Whether a token continues the word of the one before it, as Python's pipeline has it: with a prefix where
 * the token is not as long as its text, else where there is no space before it or at its start.
 */
export function continuesWord(token: TaggedToken, text: string, spelling: Spelling): boolean {
  if (token.id === spelling.unknown) return false;
  if (spelling.prefix !== "")
    return codePoints(token.text) !== codePoints(text.slice(token.start, token.end));
  return token.start > 0 && text[token.start - 1] !== " " && text[token.start] !== " ";
}

/** Tokens as text; one for what the vocabulary lacks as its part of the text. */
export function wordsOf(tokens: readonly TaggedToken[], text: string, spelling: Spelling): string {
  const pieces = tokens.map((token) =>
    token.id === spelling.unknown ? text.slice(token.start, token.end) : token.text,
  );
  if (spelling.kind === "bytes") return ofBytes(pieces);
  if (spelling.kind === "spaces") return pieces.join("").replaceAll("▁", " ").replace(/^ /, "");
  return pieces
    .map((piece, i) => {
      const goesOn = piece.startsWith(spelling.prefix);
      return i === 0 ? tidy(piece) : tidy(goesOn ? piece.slice(spelling.prefix.length) : ` ${piece}`);
    })
    .join("");
}

/** The spaces that English wants gone, in the order in which the library takes them out. */
const SPACES = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"];

function tidy(piece: string): string {
  return SPACES.reduce((piece, space) => piece.replaceAll(space, space.trim()), piece);
}

/** Byte by byte the characters that GPT-2's vocabulary writes them as. */
let bytes: Map<string, number> | null = null;

function ofBytes(pieces: string[]): string {
  bytes ??= byteTable();
  const encoder = new TextEncoder();
  const all = pieces.flatMap((piece) => {
    const known = Array.from(piece, (char) => bytes!.get(char));
    return known.includes(undefined) ? [...encoder.encode(piece)] : (known as number[]);
  });
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(all));
}

function byteTable(): Map<string, number> {
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 0x100; byte++) {
    const own = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    table.set(String.fromCodePoint(own ? byte : next++), byte);
  }
  return table;
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    const low = (text.charCodeAt(i) & 0xfc00) === 0xdc00;
    if (low && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}
