/** The public types. */

/** The three files of a model, by their names on a model hub. */
export const FILES = ["config.json", "tokenizer.json", "model.safetensors"] as const;

/** The name of one of a model's files. */
export type FileName = (typeof FILES)[number];

/** A model's files in memory or on disk, by name, or as a page's file picker and drop give them. */
export type ModelFiles = { readonly [name in FileName]: Blob | Uint8Array | ArrayBuffer } | readonly File[];

/**
 * Where a model is: an embedded one by name (`"sentiment-en"`), `"org/name"` or `"org/name@revision"` on a model hub,
 * a base URL (`"https://…/"`, `"/…"`, `"./…"`, `"../…"`; in Node the last three are folders), or the files themselves.
 */
export type Source = string | ModelFiles;

/**
 * Where to compute.
 *
 * - `"auto"`: a graphics card and the CPU both hold the weights, and each call goes to the one that was measured to be faster
 *   at its length. Where there is no card, or only software that plays one, it is the CPU.
 * - `"webgpu"`: the graphics card alone holds the weights, also one of software. Where there is none that can be used, the
 *   CPU computes, and `info.webgpu` says why.
 * - `"cpu"`: no graphics card is asked for.
 */
export type Device = "auto" | "webgpu" | "cpu";

/** How to load a model. */
export interface LoadOptions {
  /** Where to compute. Default: `"auto"`. */
  device?: Device;
  /**
   * How to store the weights; `"auto"` keeps int8 and int4 as they are and the rest as fp32; `"int8"` and `"int4"` round floats while they stream
   * (for int4, `tabsense convert` does so with less harm), and where the CPU has no relaxed SIMD, int4 is held as int8, which is faster there. `"fp16"` is for the graphics card: it can't be
   * combined with device `"cpu"`, and where the CPU stands in, that stores fp32. Default: `"auto"`.
   */
  dtype?: "auto" | "fp32" | "fp16" | "int8" | "int4";
  /** Called while the model loads. */
  onProgress?: (progress: Progress) => void;
  /** Ends the loading at any point; the promise rejects with kind `"aborted"`. */
  signal?: AbortSignal;
  /** Whether the model lives in a worker of its own. Default: `true`. */
  worker?: boolean;
  /**
   * How many threads the CPU computes with. A browser gives more than one only to a page that is cross-origin isolated (see `crossOriginIsolated`),
   * and to a model in a worker of its own; else it is one, and `info.threads` says how many there are. Default: `"auto"`, as many as
   * there are processors, at most four.
   */
  threads?: number | "auto";
  /** The origin of the model hub. Default: `"https://huggingface.co"`. */
  hub?: string;
  /** The base URL (Node: also a folder) of the models that are named without a slash. Default: `models/` beside the page (Node: beside the package, then in the working folder). */
  models?: string;
  /** Where the `.wasm` file of the build `simd` is, if the package's own are not to be used. */
  wasm?: string | URL;
}

/** How far the loading is. A file's bytes start anew where it has to be read again, because a graphics card failed meanwhile. */
export interface Progress {
  /** What is being read; several are at the same time. */
  stage: "runtime" | "config" | "tokenizer" | "weights" | "ready";
  /** The file that this is about; empty at `"ready"`. */
  file: string;
  /** Bytes of the file so far. */
  bytes: number;
  /** Its length, where it is known. */
  total: number | null;
  /** Bytes a second, smoothed. */
  rate: number;
}

/** How to classify. */
export interface ClassifyOptions {
  /** How many labels to give, best first; `null` for all. Default: 1. */
  topK?: number | null;
  /** Ends the call; it rejects with kind `"aborted"` at once. */
  signal?: AbortSignal;
  /** Whether to tell tokens, truncation and timings too. Default: `false`. */
  details?: boolean;
  /** Called while the call is answered, after each group of texts. One that throws ends the call. */
  onProgress?: (progress: ClassifyProgress) => void;
}

/** How far a call is, in texts. */
export interface ClassifyProgress {
  /** Texts that are answered. */
  done: number;
  /** Texts of the call. */
  total: number;
}

/** One label with its probability. */
export interface Score {
  /** The label, as the model's configuration names it. */
  label: string;
  /** Its probability; for a model of several labels at a time, each by itself. */
  score: number;
  /** Only there when the text was cut to the model's length. */
  truncated?: true;
}

/** A token of a text. */
export interface Token {
  /** The vocabulary's token: `"##ing"`, say. */
  text: string;
  /** Its number in the vocabulary. */
  id: number;
  /** Where the part of the text begins that it stands for, as for `String.prototype.slice`; 0 for a special token. */
  start: number;
  /** Where that part ends; 0 for a special token. */
  end: number;
  /** Whether the tokenizer added it: `[CLS]` and `[SEP]`. */
  special: boolean;
}

/** What `details: true` gives for one text. */
export interface Detailed {
  /** The labels, best first. */
  scores: Score[];
  /** What the model saw of the text. */
  tokens: Token[];
  /** Whether the text was cut to the model's length. */
  truncated: boolean;
  /** Where this text was computed. */
  device: "cpu" | "webgpu";
  /** How long it took. */
  timings: Timings;
}

/** Milliseconds. */
export interface Timings {
  /** Of this text's tokenization. */
  tokenize: number;
  /** Of the batch that the text was computed in. */
  forward: number;
  /** Of the whole call, as the caller sees it. */
  total: number;
  /** Of the batch, kernel by kernel; only there from a graphics card that has a clock (`timestamps`). */
  kernels?: KernelTime[];
}

/** What one kernel took of a batch on the graphics card. */
export interface KernelTime {
  /** The kernel: `"linear"`, `"attention"`, `"layer_norm"`, say. */
  name: string;
  /** Milliseconds of all its dispatches together. */
  ms: number;
  /** How often it ran. */
  dispatches: number;
}

/** What was loaded, and where it is computed. */
export interface ClassifierInfo {
  /** What holds the weights; `"auto"`: both. */
  device: Device;
  /** How the weights are stored: on the graphics card, where that holds them. */
  dtype: "fp32" | "fp16" | "int8" | "int4";
  /** The WebAssembly build in use. */
  build: "simd" | "relaxed" | "simd-threads" | "relaxed-threads";
  /** How many threads the CPU computes with. */
  threads: number;
  /** The graphics card, or why none is in use. */
  webgpu: WebGpuInfo | WebGpuReason;
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
    /** Its labels, in the order of its configuration. */
    labels: string[];
  };
  /** Bytes. */
  bytes: {
    /** Of the weights' file. */
    weights: number;
    /** Of the wasm memory, which is also its peak. */
    memory: number;
  };
}

/** A graphics card in use. */
export interface WebGpuInfo {
  /** Its name, as far as the browser tells. */
  adapter: string;
  /** Whether it is software that plays a graphics card. */
  software: boolean;
  /** Whether it computes with half-precision numbers. */
  f16: boolean;
  /** Whether it has a clock for `timings.kernels`. */
  timestamps: boolean;
  /** Batches of at least so many tokens are computed there, shorter ones on the CPU: 1 where the card alone holds the weights, null where the CPU is always faster. */
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
  /** A sentence: the CPU was asked for, there is no card, it gave wrong numbers, it was lost twice, and so on. */
  reason: string;
}
