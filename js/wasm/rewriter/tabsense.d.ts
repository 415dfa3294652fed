/**
 * The exports of the WebAssembly module that reads PyTorch checkpoints (src/torch_rewriter.rs). Every method
 * throws `Error`s that have a `kind`.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** Rewrites a PyTorch checkpoint as the safetensors file of its tensors, as a stream. */
export class TorchRewriter {
  constructor();
  push(chunk: Uint8Array): Uint8Array;
  /** Consumes the rewriter. */
  finish(): Uint8Array;
  free(): void;
}
