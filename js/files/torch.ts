/** Reads PyTorch checkpoints as equivalent safetensors files. */

import type { TorchRewriter } from "../wasm/rewriter/tabsense.js";

/** A module that rewrites checkpoints. */
export interface Rewriting {
  TorchRewriter: new () => TorchRewriter;
}

/**
 * What checkpoints begin with: a zip archive or, before PyTorch 1.6, a pickle with PyTorch's magic number.
 * The length at the start of a safetensors file may match two bytes of the latter, never four.
 */
const SIGNATURES: readonly (readonly number[])[] = [
  [0x50, 0x4b, 0x03, 0x04],
  [0x80, 0x02, 0x8a, 0x0a],
];
const SIGNATURE_BYTES = 4;

/**
 * The bytes of a weights file: a checkpoint is rewritten as safetensors, any other file is unchanged. `load`
 * is called only for a checkpoint.
 */
export async function* asSafetensors(
  chunks: AsyncIterable<Uint8Array>,
  load: () => Promise<Rewriting>,
): AsyncGenerator<Uint8Array> {
  let first: Uint8Array | null = new Uint8Array(0);
  let rewriter: TorchRewriter | null = null;
  try {
    for await (const chunk of chunks) {
      let bytes = chunk;
      if (first) {
        first = bytes = joined(first, chunk);
        if (bytes.length < SIGNATURE_BYTES) continue;
        first = null;
        if (isCheckpoint(bytes)) rewriter = new (await load()).TorchRewriter();
      }
      if (rewriter) bytes = rewriter.push(bytes);
      if (bytes.length > 0) yield bytes;
    }
    if (first && first.length > 0) yield first;
    const whole = rewriter;
    rewriter = null; // `finish` consumes it
    if (whole) yield whole.finish();
  } finally {
    rewriter?.free();
  }
}

function isCheckpoint(first: Uint8Array): boolean {
  return SIGNATURES.some((signature) => signature.every((byte, i) => first[i] === byte));
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
