/**
 * What the WebAssembly module that reads PyTorch's checkpoints exports (src/torch_rewriter.rs). Every method throws
 * `Error`s that carry a `kind`.
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
