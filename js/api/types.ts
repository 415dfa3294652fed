/** The public types. */

import type { Dtype } from "../files/choice.js";
import type { Detailed, Score } from "./answer-types.js";

/** The three files of a model, by their usual names on a model hub. */
export const FILES = ["config.json", "tokenizer.json", "model.safetensors"] as const;

/** An optional file: settings of the tokenizer in addition to `tokenizer.json`. */
export const TOKENIZER_CONFIG = "tokenizer_config.json";

/** The lexicon's labels, in the order of a model's ids. */
export const SENTIMENT_LABELS = ["NEGATIVE", "NEUTRAL", "POSITIVE"] as const;

/** The name of one of a model's files. */
export type FileName = (typeof FILES)[number];

/** One of a model's files: in memory, on disk, at a URL, or a stream (which can be read only once). */
export type ModelFile = Blob | Uint8Array | ArrayBuffer | URL | Response | ReadableStream<Uint8Array>;

/**
 * A model's files by name, or a `FileList` from a file picker or a drop. Names may include the folder, such
 * as `onnx/model_quantized.onnx`. Pass sharded weights as their index and all shards.
 */
export type ModelFiles =
  | {
      readonly "config.json": ModelFile;
      /** Optional if the vocabulary is in the files of older repositories. */
      readonly "tokenizer.json"?: ModelFile;
      /** Settings of the tokenizer, if the model has them. */
      readonly "tokenizer_config.json"?: ModelFile;
      /** The vocabulary of BERT-like models, instead of `tokenizer.json`. */
      readonly "vocab.txt"?: ModelFile;
      /** The vocabulary of RoBERTa-like models. */
      readonly "vocab.json"?: ModelFile;
      /** The merges for `vocab.json`. */
      readonly "merges.txt"?: ModelFile;
      /** The SentencePiece vocabulary of XLM-RoBERTa-like models, such as `sentencepiece.bpe.model`. */
      readonly [sentencepiece: `${string}.model`]: ModelFile;
      /** The special tokens, in older repositories. */
      readonly "special_tokens_map.json"?: ModelFile;
      /** Additional tokens, in older repositories. */
      readonly "added_tokens.json"?: ModelFile;
      /** The modules of an embedder, as written by sentence-transformers. */
      readonly "modules.json"?: ModelFile;
      /** The pooling of an embedder. */
      readonly "1_Pooling/config.json"?: ModelFile;
      /** The prompts of an embedder. */
      readonly "config_sentence_transformers.json"?: ModelFile;
      /** The maximum number of tokens of a text. */
      readonly "sentence_bert_config.json"?: ModelFile;
      readonly [weights: `${string}.safetensors`]: ModelFile;
      /** An ONNX file, of which only the weights are read. */
      readonly [onnx: `${string}.onnx`]: ModelFile;
      /** External data of an ONNX file, such as `model.onnx_data`. */
      readonly [data: `${string}.onnx${"_" | "."}data${string}`]: ModelFile;
      /** A PyTorch checkpoint; no code in it is executed. */
      readonly [torch: `${string}pytorch_model${string}.bin`]: ModelFile;
      readonly [index: `${string}.index.json`]: ModelFile;
    }
  | ArrayLike<File>;

/** A model with its name, as exported by a model package. */
export interface Model {
  /** The name in `info.model.name`. */
  readonly name: string;
  /** Its files. */
  readonly files: ModelFiles;
}

/**
 * Where a model is: an embedded one by name (`"sentiment-en"`, `"sentiment-en@1"`), `"org/name"` or
 * `"org/name@revision"` on a model hub, a base URL (a `URL`, `"https://…/"`, `"/…"`, `"./…"`, `"../…"`, an
 * extension's or an app's own; in Node the paths and `file:` are folders, and `"org/name"` is the folder of
 * that name if there is one), the files themselves, or the export of a model's package
 * (`import model from "tabsense/model/sentiment-en"`).
 */
export type Source = string | URL | ModelFiles | Model;

/**
 * Where to compute.
 *
 * - `"auto"`: a graphics card and the CPU both have the weights, and each call runs on the one that was
 * faster at its length when measured. Without a card, or with a software adapter, it is the CPU.
 * - `"webgpu"`: only the graphics card has the weights; a software adapter counts, too. If none is usable,
 * the CPU computes, and `info.webgpu` says why.
 * - `"cpu"`: no graphics card is requested.
 */
export type Device = "auto" | "webgpu" | "cpu";

/** How to load a model. */
export interface ModelOptions {
  /** Where to compute. Default: `"auto"`. */
  device?: Device;
  /**
   * Which weights to load, and how to store them, by the names of transformers.js, or `"int4"`.
   *
   * - `"auto"`: the smallest file with 8 bits per weight or more. int8 and int4 stay as they are, the rest is
   *   fp32.
   * - `"fp32"`: the full weights: safetensors, `onnx/model.onnx` or `pytorch_model.bin`.
   * - `"fp16"`: `onnx/model_fp16.onnx` if it is smaller than safetensors. For graphics cards only: it can't
   * be combined with device `"cpu"`, and a fallback to the CPU stores fp32.
   * - `"q8"`, `"int8"`, `"uint8"`: `onnx/model_quantized.onnx`, `_int8` or `_uint8`; `"int8"` also a
   *   `model.safetensors` that is no larger. If there is none, full weights are rounded while they stream.
   * - `"q4"`, `"q4f16"`: `onnx/model_q4.onnx` or `_q4f16`, else full weights are rounded.
   * - `"int4"`: safetensors, rounded if necessary (`tabsense convert` loses less accuracy), else as `"q4"`.
   *
   * On graphics cards int4 takes 5 bits per weight. Without relaxed SIMD the CPU stores int4 as int8, which
   * is faster there. `info.file` names the loaded file. Default: `"auto"`.
   */
  dtype?: Dtype;
  /** The folder of the repository's ONNX files; `""` is its root. Default: `"onnx"`. */
  subfolder?: string;
  /**
   * What the names of weights files begin with: `"model_O4"` looks for `onnx/model_O4.onnx`, `_quantized` and
   * so on. Default: `"model"`.
   */
  modelFileName?: string;
  /** Called while the model loads. */
  onProgress?: (progress: Progress) => void;
  /** Aborts loading at any point; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Whether the model runs in its own worker. Default: `true`. */
  worker?: boolean;
  /**
   * The number of CPU threads. In browsers, more than one requires a cross-origin isolated page (see
   * `crossOriginIsolated`) and a model in its own worker; `info.threads` is the actual number. Default:
   * `"auto"`, one per processor, at most four.
   */
  threads?: number | "auto";
  /**
   * The base URL of the model hub or a mirror. Default: `"https://huggingface.co"`.
   */
  hub?: string;
  /**
   * The base URL (Node: also a folder) of models whose names have no slash. Default: `/models/` of the site,
   * below the page's `<base href>` if it has one (Node: `models/` next to the package, then in the working
   * folder).
   */
  models?: string;
  /**
   * Whether to cache downloaded files for the next start: in the Cache API, in Node in the folder
   * `TABSENSE_CACHE`, `$XDG_CACHE_HOME/tabsense` or `~/.cache/tabsense`. Copies are used if the server has
   * nothing newer or is unreachable, and are never mixed with newer files of the same model; damaged ones
   * are fetched again. Writing continues after the model is ready; `dispose` waits for it, at most a
   * second. See `listCachedFiles` and `clearCachedFiles`. Default: `true`.
   */
  cache?: boolean;
  /**
   * The expected SHA-256 of files by name, `{ "model.safetensors": "sha256-…" }`, in base64 as for a
   * script's `integrity`, or in hexadecimal. Files that don't match, and names of files that aren't read,
   * reject with kind `"integrity"`.
   */
  integrity?: { readonly [file: string]: string };
  /**
   * Headers for requests of the model's files, such as `{ Authorization: "Bearer …" }`, or a (possibly
   * async) function from a request's URL to its headers. A plain object is sent only to the origin of
   * `config.json`; a function decides for each URL. Requests for the engine's own files have none. Other
   * origins must allow them (CORS). Redirects don't forward them to another origin.
   */
  headers?: HeadersOption;
  /**
   * The `.wasm` file of the build `simd` to use instead of the package's own: its URL, or the compiled
   * module. `pytorch_model.bin` is read by a separate module (`wasm/rewriter/`), always the package's own;
   * edge runtimes can't read it.
   */
  wasm?: string | URL | WebAssembly.Module;
}

/** How to load a classifier. */
export interface LoadOptions extends ModelOptions {
  /**
   * Whether to answer from the lexicon, the word list of `tabsense/lexicon`, until the model is loaded:
   * `load` then waits only for the lexicon, scores have a `source`, and `ready` resolves when the model
   * answers. The lexicon doesn't support pairs, which are rejected until the model answers. For English
   * sentiment with the labels NEGATIVE and POSITIVE; a model with others is rejected. Default: `false`.
   */
  instant?: boolean;
}

/** Headers of a request. */
export type HeadersValue =
  | Readonly<Record<string, string>>
  | Headers
  | readonly (readonly [string, string])[];

/** Headers, or a function from a URL to headers. */
export type HeadersOption =
  | HeadersValue
  | ((url: string) => HeadersValue | null | undefined | Promise<HeadersValue | null | undefined>);

/** A cached file of a model. */
export interface CachedFile {
  /** Its URL. */
  url: string;
  /** Its length in bytes. */
  bytes: number;
  /** When it was cached. */
  stored: Date;
}

/**
 * The progress of loading. A file's bytes start again at 0 if it has to be read again because a graphics card
 * failed.
 */
export interface Progress {
  /** What is being read; several stages may run at the same time. */
  stage: "runtime" | "config" | "tokenizer" | "weights" | "ready";
  /** The file; empty at `"ready"`. */
  file: string;
  /** Bytes of the file so far. */
  bytes: number;
  /** Its length, if known. */
  total: number | null;
  /** Bytes per second, smoothed. */
  rate: number;
  /** The progress of all files together, from 0 to 1; it never decreases, and is 1 only at `"ready"`. */
  overall: number;
}

/** How to classify. */
export interface ClassifyOptions {
  /** How many labels to return, best first; `null` for all. Default: 1. */
  topK?: number | null;
  /** Aborts the call, which rejects with the signal's reason at once. */
  signal?: AbortSignal;
  /** Whether to return tokens, truncation and timings, too. Default: `false`. */
  details?: boolean;
  /** Called after each group of texts. If it throws, the call is aborted. */
  onProgress?: (progress: CallProgress) => void;
}

/** The progress of a call, in texts. */
export interface CallProgress {
  /** Texts done so far. */
  done: number;
  /** Texts of the call. */
  total: number;
}

/** Two texts to classify as one: a question and an answer, a premise and a hypothesis. */
export interface Pair {
  /** The first text. */
  readonly text: string;
  /** The second text. If it is empty, the first is classified alone, as in Python. */
  readonly pair: string;
}

/** What `classify` accepts: a text, or a pair of texts for a model that was trained on pairs. */
export type Text = string | Pair;

/**
 * `classify` for search-as-you-type: a new call supersedes the previous one, which then resolves to `null`.
 * Otherwise like `classify`: the newest call may fail, also by its own `signal`.
 */
export interface Latest {
  (text: Text, options?: ClassifyOptions & { details?: false }): Promise<Score[] | null>;
  (text: Text, options: ClassifyOptions & { details: true }): Promise<Detailed | null>;
  (texts: readonly Text[], options?: ClassifyOptions & { details?: false }): Promise<Score[][] | null>;
  (texts: readonly Text[], options: ClassifyOptions & { details: true }): Promise<Detailed[] | null>;
}

/**
 * An iterable of texts and pairs: an array, a generator, the lines of a file, a stream of strings.
 */
export type Texts = Iterable<Text> | AsyncIterable<Text> | ReadableStream<Text>;

/** Options of `stream`. */
export type StreamOptions = Omit<ClassifyOptions, "onProgress">;
