/** A file of PyTorch's as the safetensors file that it would be. */

import type { EngineModule } from "../builds.js";

/** Rewrites one `.bin` file as its bytes come. */
interface TorchRewriter {
  /** The bytes of the safetensors file that are known by now. */
  push(bytes: Uint8Array): Uint8Array;
  /** The last of them. */
  finish(): Uint8Array;
  free(): void;
}

/** The bytes of a `.bin` file, of which a checkpoint may have several, as those of safetensors. */
export async function* rewritten(
  chunks: AsyncIterable<Uint8Array>,
  module: EngineModule,
): AsyncGenerator<Uint8Array> {
  const { TorchRewriter } = module as unknown as { TorchRewriter: new () => TorchRewriter };
  const rewriter = new TorchRewriter();
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
