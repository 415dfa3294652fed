/**
 * The exports of the WebAssembly module (src/web/). wasm-bindgen generates its JavaScript; these types are
 * written by hand.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** A device of the graphics card. */
export class Gpu {
  private constructor();
  /** Rejects with kind `"environment"` and a sentence why; a software adapter is refused unless `software` is set. */
  static request(software: boolean): Promise<Gpu>;
  info(): GpuInfo;
  /** Loses the device, for tests. */
  lose(): void;
  /** Destroys the device. */
  free(): void;
}

/** Hashes a file while its bytes pass. */
export class FileHash {
  /** `sha256`: whether to compute that digest in addition to the checksum. */
  constructor(sha256: boolean);
  update(bytes: Uint8Array): void;
  /** XXH64 in hexadecimal digits, to detect damage. */
  checksum(): string;
  /** In hexadecimal digits; undefined if it was not requested. */
  sha256(): string | undefined;
  free(): void;
}

/** A tokenizer's other files, besides `tokenizer_config.json`, for repositories without `tokenizer.json`. */
export class FurtherFiles {
  constructor();
  /**
   * Adds a file by its name on a model hub; a SentencePiece file may have any name that ends with `.model`.
   */
  set(name: string, bytes: Uint8Array): void;
  free(): void;
}

/** Reads a model's files and returns an `Engine`. Every method throws `Error`s that have a `kind`. */
export class Loader {
  /**
   * Consumes `gpu` and `files`, even if it throws. With a `gpu`, `cpu` says whether the CPU has the weights,
   * too; without one, it always does. `tokenizer`, `tokenizerConfig`: `tokenizer.json` and
   * `tokenizer_config.json`, if the model has them.
   */
  constructor(
    task: "classify" | "embed-mean" | "embed-first" | "encode" | "tag",
    config: Uint8Array,
    tokenizer: Uint8Array | undefined,
    tokenizerConfig: Uint8Array | undefined,
    dtype: string,
    gpu: Gpu | undefined,
    cpu: boolean,
    files: FurtherFiles | undefined,
  );
  /** Limits texts to `max` tokens, if the model accepts more. */
  limitTokens(max: number): void;
  /** The next bytes of a file of weights. */
  push(chunk: Uint8Array): void;
  /**
   * Ends the current file. Returns the name of the file next to it in which the weights continue, if any;
   * push its bytes next.
   */
  endFile(): string | undefined;
  /** Runs the kernels, so that the engine optimizes them. Does nothing before the header has arrived. */
  warmUp(): void;
  /**
   * Consumes the loader, even if it rejects. Kinds `"device_lost"` and `"webgpu_unusable"` occur only if the
   * GPU alone has the weights.
   */
  finish(): Promise<Engine>;
  free(): void;
}

/** A loaded model. */
export class Engine {
  /**
   * Classifies texts and pairs: `top` labels for each, 0 for all; the tokens, too, if `details` is set. A
   * text without any tokens of its own has neither, unless `empty` is set: then it is classified as its
   * special tokens alone.
   *
   * Rejects with kind `"tokenizer_unsupported"` if there is a pair and the tokenizer can't encode pairs; with
   * kind `"device_lost"` if only the GPU has the weights and it is lost.
   */
  classify(
    texts: (string | { readonly text: string; readonly pair: string })[],
    top: number,
    details: boolean,
    empty: boolean,
  ): Promise<Classification[]>;
  /**
   * The output for each text, pair or window (tokens without the special ones around a text): an embedder's
   * vector (D), a classifier's logits (L), an encoder's states (T, D), a tagger's logits (T, L). A text
   * without tokens is computed as special tokens alone; its vector by a static embedding is all zeros.
   * `cutText`: whether only the first text of a pair that is too long is cut.
   */
  rows(
    inputs: (string | { readonly text: string; readonly pair: string } | Uint32Array)[],
    cutText: boolean,
  ): Promise<Float32Array[]>;
  /** The tokens of the whole text, of any length, without the special ones around it. */
  tokenize(text: string): Piece[];
  info(): EngineInfo;
  /** Loses the device, for tests. */
  loseDevice(): void;
  /** Destroys every buffer and the device; must not be called while a call is under way. */
  free(): void;
}

/** The closed list of src/error.rs. */
export function errorKinds(): string[];

/** The size of the module's memory; it never shrinks, so this is also its peak. */
export function memoryBytes(): number;

/** The GPU buffers that this instance of the module has allocated. */
export function gpuBuffers(): { buffers: number; bytes: number };

export interface Classification {
  scores: { label: string; score: number }[];
  /** `pair`: from a pair's second text. */
  tokens?: { text: string; id: number; start: number; end: number; special: boolean; pair?: true }[];
  truncated: boolean;
  device: "cpu" | "webgpu";
  timings: {
    tokenize: number;
    forward: number;
    kernels?: { name: string; ms: number; dispatches: number }[];
  };
}

/** A token; `start` and `end` count UTF-16 units, `subword` is whether it continues a word. */
export interface Piece {
  text: string;
  id: number;
  start: number;
  end: number;
  subword: boolean;
}

export interface GpuInfo {
  adapter: string;
  software: boolean;
  f16: boolean;
  timestamps: boolean;
}

export interface EngineInfo {
  build: "simd" | "relaxed" | "simd-threads" | "relaxed-threads";
  /** The number of CPU threads. */
  threads: number;
  /** `"auto"`: both devices have the weights. */
  device: "cpu" | "webgpu" | "auto";
  dtype: "fp32" | "fp16" | "int8" | "int4";
  architecture: string;
  layers: number;
  width: number;
  heads: number;
  vocabulary: number;
  /** For one text: the model's positions, or `model_max_length` of tokenizer_config.json if that is less. */
  maxTokens: number;
  /** How many special tokens a text has before and after it. */
  specialTokens: [before: number, behind: number];
  /** How tokens are written as text: with `##`, with one character per byte, or with `▁` for a space. */
  spelling: "prefix" | "bytes" | "spaces";
  parameters: number;
  labels: string[];
  weightBytes: number;
  /** `fromTokens`: batches of at least this many tokens go to the GPU; null for none. */
  webgpu: (GpuInfo & { fromTokens: number | null; gpuBytes: number }) | null;
  /** Why the GPU is not used, if the engine was given one. */
  webgpuReason: string | null;
  /** Measured times in milliseconds, if both devices have the weights. */
  calibration: { tokens: number; cpu: number; webgpu: number }[];
  /** Warnings about settings of the model's files that are ignored, a sentence each. */
  warnings: string[];
}
