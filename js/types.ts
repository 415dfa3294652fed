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

/** How to load a model. */
export interface LoadOptions {
  /** Where to compute. This build has the CPU only. Default: `"auto"`. */
  device?: "auto" | "cpu";
  /** How to store the weights; `"auto"` keeps int8 as int8 and the rest as fp32. Default: `"auto"`. */
  dtype?: "auto" | "fp32" | "fp16" | "int8";
  /** Called while the model loads. */
  onProgress?: (progress: Progress) => void;
  /** Ends the loading at any point; the promise rejects with kind `"aborted"`. */
  signal?: AbortSignal;
  /** Whether the model lives in a worker of its own. Default: `true`. */
  worker?: boolean;
  /** The origin of the model hub. Default: `"https://huggingface.co"`. */
  hub?: string;
  /** The base URL (Node: also a folder) of the models that are named without a slash. Default: `models/` beside the page (Node: beside the package, then in the working folder). */
  models?: string;
  /** Where the `.wasm` file is, if it isn't beside the package's modules. */
  wasm?: string | URL;
}

/** How far the loading is. */
export interface Progress {
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
}

/** One label with its probability. */
export interface Score {
  label: string;
  score: number;
  /** Only there when the text was cut to the model's length. */
  truncated?: true;
}

/** A token of a text. */
export interface Token {
  /** The vocabulary's token: `"##ing"`, say. */
  text: string;
  id: number;
  /** The part of the text that it stands for, as for `String.prototype.slice`; 0 and 0 for a special token. */
  start: number;
  end: number;
  /** Whether the tokenizer added it: `[CLS]` and `[SEP]`. */
  special: boolean;
}

/** What `details: true` gives for one text. */
export interface Detailed {
  scores: Score[];
  tokens: Token[];
  /** Whether the text was cut to the model's length. */
  truncated: boolean;
  /** Milliseconds: of this text's tokenization, of the batch it was computed in, and of the whole call as the caller sees it. */
  timings: { tokenize: number; forward: number; total: number };
}

/** What was loaded. */
export interface ClassifierInfo {
  device: "cpu";
  dtype: "fp32" | "int8";
  /** The WebAssembly build in use. */
  build: "simd";
  model: {
    name: string;
    architecture: string;
    layers: number;
    width: number;
    heads: number;
    vocabulary: number;
    maxTokens: number;
    parameters: number;
    labels: string[];
  };
  /** The length of the weights' file, and the size of the wasm memory, which is also its peak. */
  bytes: { weights: number; memory: number };
}
