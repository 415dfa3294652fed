/** What the WebAssembly module exports (src/web/); its JavaScript is made by wasm-bindgen, these types by hand. */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** A device of the graphics card. */
export class Gpu {
  private constructor();
  /** Rejects with kind `"environment"` and a sentence why; a software adapter is refused unless `software` is set. */
  static request(software: boolean): Promise<Gpu>;
  info(): GpuInfo;
  /** Loses the device, as the tests want it. */
  lose(): void;
  /** Destroys the device. */
  free(): void;
}

/** The hashes of a file whose bytes pass. */
export class FileHash {
  /** `sha256`: whether the digest is wanted beside the checksum. */
  constructor(sha256: boolean);
  update(bytes: Uint8Array): void;
  /** XXH64 in hexadecimal digits, against damage. */
  checksum(): string;
  /** In hexadecimal digits, where it was wanted. */
  sha256(): string | undefined;
  free(): void;
}

/** A tokenizer's files beside `tokenizer.json` and `tokenizer_config.json`: those of repositories without the first. */
export class FurtherFiles {
  constructor();
  /** Takes a file by the name that it has on a model hub; one of SentencePiece's may have any that ends with `.model`. */
  set(name: string, bytes: Uint8Array): void;
  free(): void;
}

/** Takes a model's files and yields an `Engine`. Every method throws `Error`s that carry a `kind`. */
export class Loader {
  /**
   * Consumes `gpu` and `files`, also where it throws. With a `gpu`, `cpu` says whether the CPU holds the weights too; without one it
   * always does. `tokenizer`, `tokenizerConfig`: `tokenizer.json` and `tokenizer_config.json`, where the model has them.
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
  /** Limits texts to `most` tokens, if the model accepts more. */
  limitTokens(most: number): void;
  /** The next bytes of a file of weights. */
  push(chunk: Uint8Array): void;
  /** The file is complete: the name of one beside it that the weights go on in, whose bytes are pushed next. */
  endFile(): string | undefined;
  /** Runs the kernels, so that the engine optimizes them. Does nothing before the header has come. */
  warmUp(): void;
  /** Consumes the loader, also where it rejects. Kinds `"device_lost"` and `"webgpu_unusable"`: where the GPU alone holds the weights. */
  finish(): Promise<Engine>;
  free(): void;
}

/** A loaded model. */
export class Engine {
  /**
   * Classifies texts and pairs: `top` labels for each, 0 for all; the tokens too where `details` is set. One without a token of its
   * own has neither, unless `empty` is set: then it is classified as its special tokens alone.
   *
   * Rejects with kind `"tokenizer_unsupported"` where there is a pair, and the tokenizer has no frame for pairs; with kind `"device_lost"` where the GPU alone holds the weights, and is gone.
   */
  classify(
    texts: (string | { readonly text: string; readonly pair: string })[],
    top: number,
    details: boolean,
    empty: boolean,
  ): Promise<Classification[]>;
  /**
   * The numbers of each text, pair or window (tokens without those that frame a text): an embedder's vector (D), a classifier's logits
   * (L), an encoder's states (T, D), a tagger's logits (T, L). A text without tokens is computed as special tokens alone; its vector by a static embedding is of zeros. `cutText`: whether of pairs that are too
   * long the text alone is cut.
   */
  rows(
    inputs: (string | { readonly text: string; readonly pair: string } | Uint32Array)[],
    cutText: boolean,
  ): Promise<Float32Array[]>;
  /** The tokens of the whole text, however long it is, without those that frame it. */
  tokenize(text: string): Piece[];
  info(): EngineInfo;
  /** Loses the device, as the tests want it. */
  loseDevice(): void;
  /** Destroys every buffer and the device; not while a call is under way. */
  free(): void;
}

/** The closed list of src/error.rs. */
export function errorKinds(): string[];

/** The size of the module's memory; it never shrinks, so this is also its peak. */
export function memoryBytes(): number;

/** The GPU buffers that this instance of the module holds now. */
export function gpuBuffers(): { buffers: number; bytes: number };

export interface Classification {
  scores: { label: string; score: number }[];
  /** `pair`: of a pair's second text. */
  tokens?: { text: string; id: number; start: number; end: number; special: boolean; pair?: true }[];
  truncated: boolean;
  device: "cpu" | "webgpu";
  timings: {
    tokenize: number;
    forward: number;
    kernels?: { name: string; ms: number; dispatches: number }[];
  };
}

/** A token; `start` and `end` count UTF-16 units, `subword` tells that it continues a word. */
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
  /** `"auto"`: both devices hold the weights. */
  device: "cpu" | "webgpu" | "auto";
  dtype: "fp32" | "fp16" | "int8" | "int4";
  architecture: string;
  layers: number;
  width: number;
  heads: number;
  vocabulary: number;
  /** Of one text: the model's positions, or `model_max_length` of tokenizer_config.json where that is less. */
  maxTokens: number;
  /** How many of them frame a text: before it, and behind it. */
  specialTokens: [before: number, behind: number];
  /** How tokens are written as text: with `##`, a character a byte, or with `▁` for a space. */
  spelling: "prefix" | "bytes" | "spaces";
  parameters: number;
  labels: string[];
  weightBytes: number;
  /** `fromTokens`: batches of at least this many tokens go to the GPU; null for none. */
  webgpu: (GpuInfo & { fromTokens: number | null; gpuBytes: number }) | null;
  /** Why the GPU is not used, where the engine was given one. */
  webgpuReason: string | null;
  /** Measured times in milliseconds, if both devices hold the weights. */
  calibration: { tokens: number; cpu: number; webgpu: number }[];
  /** Warnings about settings of the model's files that are ignored, a sentence each. */
  warnings: string[];
}
