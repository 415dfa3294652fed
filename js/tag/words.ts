/** Writes tokens as text, like Python's `tokenizers`. */

import type { Spelling, TaggedToken } from "./types.js";

/** The unknown token, by its usual names. */
const UNKNOWN = ["[UNK]", "<unk>"];

/** The beginning of a token that continues a word. */
const PREFIX = "##";

/** Tokens as text; an unknown token becomes its part of the text. */
export function wordsOf(tokens: readonly TaggedToken[], text: string, spelling: Spelling): string {
  const pieces = tokens.map((token) =>
    UNKNOWN.includes(token.text) ? text.slice(token.start, token.end) : token.text,
  );
  if (spelling === "bytes") return ofBytes(pieces);
  if (spelling === "spaces") return pieces.join("").replaceAll("▁", " ").replace(/^ /, "");
  return pieces
    .map((piece, i) => {
      const continues = piece.startsWith(PREFIX);
      return i === 0 ? tidy(piece) : tidy(continues ? piece.slice(PREFIX.length) : ` ${piece}`);
    })
    .join("");
}

/** The spaces to remove in English, in the order in which the library removes them. */
const SPACES = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"];

function tidy(piece: string): string {
  return SPACES.reduce((piece, space) => piece.replaceAll(space, space.trim()), piece);
}

/** The bytes, by the characters that GPT-2's vocabulary uses for them. */
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
