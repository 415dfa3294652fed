/** What `info` tells. */

import type { Device } from "./types.js";

/** What was loaded, and where it is computed. */
export interface ModelInfo {
  /** What holds the weights; `"auto"`: both. While the lexicon answers, `"cpu"`. */
  device: Device;
  /** How the weights are stored: on the graphics card, where that holds them. The lexicon has none. */
  dtype: "fp32" | "fp16" | "int8" | "int4" | "none";
  /**
   * The file that the weights were read from, by its name in the repository: `"onnx/model_quantized.onnx"`, say. Null
   * while the lexicon answers.
   */
  file: string | null;
  /** The WebAssembly build in use. The lexicon needs none. */
  build: "simd" | "relaxed" | "simd-threads" | "relaxed-threads" | "none";
  /** How many threads the CPU computes with. */
  threads: number;
  /** The graphics card, or why none is in use. */
  webgpu: WebGpuInfo | WebGpuReason;
  /**
   * Why the lexicon answers, in a sentence: the model is still loading, its loading failed, and so on; only
   * there while it does.
   */
  lexicon?: string;
  /**
   * What of the model's files, or of `env`, is not followed, a sentence each: a setting of the tokenizer that
   * changes nothing here, say. Empty for most models.
   */
  warnings: string[];
  /** The model. */
  model: {
    /** What it was loaded as. */
    name: string;
    /** `model_type` of its configuration. */
    architecture: string;
    /** Transformer layers. */
    layers: number;
    /** Numbers of a token's state. */
    width: number;
    /** Attention heads of a layer. */
    heads: number;
    /** Words of the embedding. */
    vocabulary: number;
    /** Tokens of a text at most, special ones included; what is longer is cut. */
    maxTokens: number;
    /** Its numbers, scales not counted. */
    parameters: number;
    /** Its labels, in the order of its configuration; none of an embedder. */
    labels: string[];
  };
  /** Bytes. */
  bytes: {
    /** Of the weights' file; of several, or of PyTorch's, those of the one safetensors file that they would be. */
    weights: number;
    /** Of the wasm memory, which is also its peak. */
    memory: number;
  };
}

/** {@link ModelInfo} of a classifier. */
export type ClassifierInfo = ModelInfo;

/** A graphics card in use. */
export interface WebGpuInfo {
  /** Its name, as far as the browser tells. */
  adapter: string;
  /** Whether it is a software adapter. */
  software: boolean;
  /** Whether it computes with half-precision numbers. */
  f16: boolean;
  /** Whether it has a clock for `timings.kernels`. */
  timestamps: boolean;
  /**
   * Batches of at least so many tokens are computed there, shorter ones on the CPU: 1 where the card alone
   * holds the weights, null where the CPU is always faster.
   */
  fromTokens: number | null;
  /** The bytes of its memory that the model takes. */
  bytes: number;
  /** What was measured at loading, for device `"auto"`; else empty. */
  calibration: Calibration[];
}

/** Milliseconds of one text on either side. */
export interface Calibration {
  /** Of the text. */
  tokens: number;
  /** Milliseconds on the CPU. */
  cpu: number;
  /** Milliseconds on the graphics card. */
  webgpu: number;
}

/** Why no graphics card is in use. */
export interface WebGpuReason {
  /**
   * A sentence: the CPU was asked for, there is no card, it gave wrong numbers, it was lost twice, and so on.
   */
  reason: string;
}
