/** The types of `info`. */

import type { Device } from "./types.js";

/** The loaded model, and where it runs. */
export interface ModelInfo {
  /** Where the weights are; `"auto"` means on both. `"cpu"` while the lexicon answers. */
  device: Device;
  /** How the weights are stored: on the graphics card, if it has them. `"none"` for the lexicon. */
  dtype: "fp32" | "fp16" | "int8" | "int4" | "none";
  /**
   * The file that the weights were read from, by its name in the repository, such as
   * `"onnx/model_quantized.onnx"`. Null while the lexicon answers.
   */
  file: string | null;
  /** The WebAssembly build in use. `"none"` for the lexicon. */
  build: "simd" | "relaxed" | "simd-threads" | "relaxed-threads" | "none";
  /** The number of CPU threads. */
  threads: number;
  /** The graphics card, or why none is in use. */
  webgpu: WebGpuInfo | WebGpuReason;
  /**
   * Why the lexicon answers, in a sentence: the model is still loading, it failed to load, and so on.
   * Absent once the model answers.
   */
  lexicon?: string;
  /**
   * Warnings about settings of the model's files or `env` that are ignored, a sentence each. Empty for most
   * models.
   */
  warnings: string[];
  /** The model. */
  model: {
    /** Its name or URL as passed to `load`. */
    name: string;
    /** `model_type` of its configuration. */
    architecture: string;
    /** Transformer layers. */
    layers: number;
    /** The hidden size. */
    width: number;
    /** Attention heads per layer. */
    heads: number;
    /** The number of tokens in the vocabulary. */
    vocabulary: number;
    /** The maximum number of tokens of a text, special ones included; longer texts are cut. */
    maxTokens: number;
    /** The number of parameters, without scales. */
    parameters: number;
    /** Its labels, in the order of its configuration; empty for an embedder. */
    labels: string[];
  };
  /** Bytes. */
  bytes: {
    /** The weights file; for shards or a PyTorch checkpoint, the size of the equivalent safetensors file. */
    weights: number;
    /** The wasm memory, which is also its peak. */
    memory: number;
  };
}

/** {@link ModelInfo} of a classifier. */
export type ClassifierInfo = ModelInfo;

/** A graphics card in use. */
export interface WebGpuInfo {
  /** Its name, as far as the browser reveals it. */
  adapter: string;
  /** Whether it is a software adapter. */
  software: boolean;
  /** Whether it supports half-precision arithmetic. */
  f16: boolean;
  /** Whether it supports timestamps, for `timings.kernels`. */
  timestamps: boolean;
  /**
   * Batches of at least this many tokens are computed on the card, shorter ones on the CPU: 1 if only the
   * card has the weights, null if the CPU is always faster.
   */
  fromTokens: number | null;
  /** The bytes of its memory that the model uses. */
  bytes: number;
  /** The measurements made while loading with device `"auto"`; otherwise empty. */
  calibration: Calibration[];
}

/** How long one text takes on each device. */
export interface Calibration {
  /** Tokens of the text. */
  tokens: number;
  /** Milliseconds on the CPU. */
  cpu: number;
  /** Milliseconds on the graphics card. */
  webgpu: number;
}

/** Why no graphics card is in use. */
export interface WebGpuReason {
  /**
   * A sentence: the CPU was requested, there is no card, it computed wrong results, it was lost twice, and
   * so on.
   */
  reason: string;
}
