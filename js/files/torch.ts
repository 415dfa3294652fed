/** A file of PyTorch's as the safetensors file that it would be. */

import type { TorchRewriter } from "../wasm/simd/tabsense.js";

/** The bytes of a `.bin` file, of which a checkpoint may have several, as those of safetensors. */
export async function* rewritten(
  chunks: AsyncIterable<Uint8Array>,
  module: { TorchRewriter: new () => TorchRewriter },
): AsyncGenerator<Uint8Array> {
  const rewriter = new module.TorchRewriter();
  let whole = false;
  try {
    for await (const chunk of chunks) {
      const bytes = rewriter.push(chunk);
      if (bytes.length > 0) yield bytes;
    }
    whole = true;
    yield rewriter.finish();
  } finally {
    // `finish` consumes it.
    if (!whole) rewriter.free();
  }
}
