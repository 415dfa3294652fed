/** The public types. */

import type { Dtype } from "../files/choice.js";
import type { Detailed, Score } from "./answer-types.js";

/** The three files of a model, by their usual names on a model hub. */
export const FILES = ["config.json", "tokenizer.json", "model.safetensors"] as const;

/** A file that not every model has: settings of its tokenizer beside `tokenizer.json`. */
export const TOKENIZER_CONFIG = "tokenizer_config.json";

/** The lexicon's labels, in the order of a model's ids. */
export const SENTIMENT_LABELS = ["NEGATIVE", "NEUTRAL", "POSITIVE"] as const;

/** The name of one of a model's files. */
export type FileName = (typeof FILES)[number];

/** One of a model's files: in memory, on disk, at an address, or under way (which can be read once). */
export type ModelFile = Blob | Uint8Array | ArrayBuffer | URL | Response | ReadableStream<Uint8Array>;

/**
 * A model's files by name, or as a page's file picker and drop give them; names may have the folder in front, as
 * `onnx/model_quantized.onnx` has. Weights in several files come as their index and the files that it names.
 */
export type ModelFiles =
  | {
      readonly "config.json": ModelFile;
      /** May be missing where the vocabulary is in files of older repositories. */
      readonly "tokenizer.json"?: ModelFile;
      /** Where a model has one: Python's tokenizer follows it, and so does this one. */
      readonly "tokenizer_config.json"?: ModelFile;
      /** The vocabulary of BERT's kin, in the place of `tokenizer.json`. */
      readonly "vocab.txt"?: ModelFile;
      /** The vocabulary of RoBERTa's kin. */
      readonly "vocab.json"?: ModelFile;
      /** What belongs to it. */
      readonly "merges.txt"?: ModelFile;
      /** SentencePiece's vocabulary, of XLM-RoBERTa's kin: `sentencepiece.bpe.model`, say. */
      readonly [sentencepiece: `${string}.model`]: ModelFile;
      /** Which tokens are special, where an older repository has the file. */
      readonly "special_tokens_map.json"?: ModelFile;
      /** Tokens beside those of the vocabulary, where an older repository has the file. */
      readonly "added_tokens.json"?: ModelFile;
      /** What an embedder's vectors go through, as sentence-transformers writes it. */
      readonly "modules.json"?: ModelFile;
      /** How one vector is made of a text's tokens. */
      readonly "1_Pooling/config.json"?: ModelFile;
      /** What texts have in front of them. */
      readonly "config_sentence_transformers.json"?: ModelFile;
      /** The most tokens of a text. */
      readonly "sentence_bert_config.json"?: ModelFile;
      readonly [weights: `${string}.safetensors`]: ModelFile;
      /** An ONNX file, of which the weights are read. */
      readonly [onnx: `${string}.onnx`]: ModelFile;
      /** Where an ONNX file goes on: `model.onnx_data`, say. */
      readonly [data: `${string}.onnx${"_" | "."}data${string}`]: ModelFile;
      /** PyTorch's own file, of which nothing is executed. */
      readonly [torch: `${string}pytorch_model${string}.bin`]: ModelFile;
      readonly [index: `${string}.index.json`]: ModelFile;
    }
  | ArrayLike<File>;

/** A model with its name, as a package of a model exports it. */
export interface Model {
  /** What `info.model.name` tells. */
  readonly name: string;
  /** Its files. */
  readonly files: ModelFiles;
}

/**
 * Where a model is: an embedded one by name (`"sentiment-en"`, `"sentiment-en@1"`), `"org/name"` or
 * `"org/name@revision"` on a model hub, a base URL (a `URL`, `"https://…/"`, `"/…"`, `"./…"`, `"../…"`, an extension's or an app's own; in
 * Node the paths and `file:` are folders, and `"org/name"` is the folder of that name where there is one), the
 * files themselves, or what the package of a model exports (`import model from
 * "tabsense/model/sentiment-en"`).
 */
export type Source = string | URL | ModelFiles | Model;

/**
 * Where to compute.
 *
 * - `"auto"`: a graphics card and the CPU both hold the weights, and each call goes to the one that was
 *   measured to be faster at its length. Where there is no card, or only software that plays one, it is the
 *   CPU.
 * - `"webgpu"`: the graphics card alone holds the weights, also one of software. Where there is none that can
 *   be used, the CPU computes, and `info.webgpu` says why.
 * - `"cpu"`: no graphics card is asked for.
 */
export type Device = "auto" | "webgpu" | "cpu";

/** How to load a model. */
export interface ModelOptions {
  /** Where to compute. Default: `"auto"`. */
  device?: Device;
  /**
   * Which weights to take, and how to store them: by the names of transformers.js, and `"int4"`.
   *
   * - `"auto"`: the smallest file that holds 8 bits or more. int8 and int4 stay as they are, the rest is fp32.
   * - `"fp32"`: the full weights: safetensors, `onnx/model.onnx` or `pytorch_model.bin`.
   * - `"fp16"`: `onnx/model_fp16.onnx` where it is smaller than safetensors. For the graphics card: it can't be
   *   combined with device `"cpu"`, and where the CPU stands in, that stores fp32.
   * - `"q8"`, `"int8"`, `"uint8"`: `onnx/model_quantized.onnx`, `_int8` or `_uint8`; `"int8"` also a
   *   `model.safetensors` that is no larger. Where there is none, full weights are rounded while they stream.
   * - `"q4"`, `"q4f16"`: `onnx/model_q4.onnx` or `_q4f16`, else full weights are rounded.
   * - `"int4"`: safetensors, rounded if need be (`tabsense convert` does so with less harm), else as `"q4"`.
   *
   * On graphics cards int4 takes 5 bits a weight. Where the CPU has no relaxed SIMD, int4 is held as int8, which
   * is faster there. `info.file` tells the file that was taken. Default: `"auto"`.
   */
  dtype?: Dtype;
  /** The folder of the repository's ONNX files; `""` is its root. Default: `"onnx"`. */
  subfolder?: string;
  /**
   * The name that files of weights begin with: `"model_O4"` looks for `onnx/model_O4.onnx`, `_quantized` and so
   * on. Default: `"model"`.
   */
  modelFileName?: string;
  /** Called while the model loads. */
  onProgress?: (progress: Progress) => void;
  /** Ends the loading at any point; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Whether the model lives in a worker of its own. Default: `true`. */
  worker?: boolean;
  /**
   * How many threads the CPU computes with. A browser gives more than one only to a page that is cross-origin
   * isolated (see `crossOriginIsolated`), and to a model in a worker of its own; else it is one, and
   * `info.threads` says how many there are. Default: `"auto"`, as many as there are processors, at most four.
   */
  threads?: number | "auto";
  /**
   * The address of the model hub: its origin, or below it, as mirrors have. Default: `"https://huggingface.co"`.
   */
  hub?: string;
  /**
   * The base URL (Node: also a folder) of the models that are named without a slash. Default: `/models/` of
   * the site, below the page's `<base href>` if it has one (Node: `models/` beside the package, then in the
   * working folder).
   */
  models?: string;
  /**
   * Whether copies of files from the network are kept, so that the next start needs none: in the Cache API, in
   * Node in the folder `TABSENSE_CACHE`, `$XDG_CACHE_HOME/tabsense` or `~/.cache/tabsense`. Copies are used
   * where the server has nothing newer, or can't be reached, and never beside newer files of the same model; a
   * damaged one is fetched again. A model answers before the disk has all of it; `dispose` waits for that, a
   * second at most. See `listCachedFiles` and `clearCachedFiles`. Default: `true`.
   */
  cache?: boolean;
  /**
   * What files must be: their SHA-256 by name, `{ "model.safetensors": "sha256-…" }`, in base64 as for a
   * script's `integrity`, or in hexadecimal digits. Files that are others, and names of files that the model
   * does without, reject with kind `"integrity"`.
   */
  integrity?: { readonly [file: string]: string };
  /**
   * Headers of the requests for the model's files, `{ Authorization: "Bearer …" }` say, or a function that is
   * called with the address of each request and may be asynchronous. Headers given as such go to the origin of
   * `config.json` alone; a function decides for each address. None go with the engine's own files. Another
   * origin has to allow them (CORS). A redirect takes none of them to another origin.
   */
  headers?: HeadersOption;
  /**
   * The `.wasm` file of the build `simd`, if the package's own are not to be used: where it is, or the
   * compiled module. What reads `pytorch_model.bin` is a file of its own (`wasm/rewriter/`), which is the package's
   * in any case; an edge runtime reads none.
   */
  wasm?: string | URL | WebAssembly.Module;
}

/** How to load a classifier. */
export interface LoadOptions extends ModelOptions {
  /**
   * Whether to answer from the lexicon, the word list of `tabsense/lexicon`, until the model is loaded: `load`
   * then waits for that alone, scores tell their `source`, and `ready` tells when the model answers. The lexicon
   * knows no pairs: until the model answers, they are refused. For English sentiment with the labels NEGATIVE
   * and POSITIVE; a model with others is refused. Default: `false`.
   */
  instant?: boolean;
}

/** Headers of a request. */
export type HeadersValue =
  | Readonly<Record<string, string>>
  | Headers
  | readonly (readonly [string, string])[];

/** Headers, or what tells them for an address. */
export type HeadersOption =
  | HeadersValue
  | ((url: string) => HeadersValue | null | undefined | Promise<HeadersValue | null | undefined>);

/** A file of a model that is kept. */
export interface CachedFile {
  /** Where it was fetched from. */
  url: string;
  /** Its length. */
  bytes: number;
  /** When it was kept. */
  stored: Date;
}

/**
 * How far the loading is. A file's bytes start anew where it has to be read again, because a graphics card
 * failed meanwhile.
 */
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
  /** How far all files together are, from 0 to 1; it never goes back, and is 1 at `"ready"` alone. */
  overall: number;
}

/** How to classify. */
export interface ClassifyOptions {
  /** How many labels to give, best first; `null` for all. Default: 1. */
  topK?: number | null;
  /** Ends the call, which rejects with the signal's reason at once. */
  signal?: AbortSignal;
  /** Whether to tell tokens, truncation and timings too. Default: `false`. */
  details?: boolean;
  /** Called while the call is answered, after each group of texts. One that throws ends the call. */
  onProgress?: (progress: CallProgress) => void;
}

/** How far a call is, in texts. */
export interface CallProgress {
  /** Texts that are answered. */
  done: number;
  /** Texts of the call. */
  total: number;
}

/** Two texts to classify as one: a question and an answer, a premise and a hypothesis. */
export interface Pair {
  /** The first text. */
  readonly text: string;
  /** The second text. An empty one makes no pair: the first is then classified alone, as in Python. */
  readonly pair: string;
}

/** What `classify` takes: a text, or a pair of texts for a model that was trained on pairs. */
export type Text = string | Pair;

/**
 * `classify` for search-as-you-type: a call ends the one before, which yields `null`. All else is as with
 * `classify`: the newest call may fail, also by a `signal` of its own.
 */
export interface Latest {
  (text: Text, options?: ClassifyOptions & { details?: false }): Promise<Score[] | null>;
  (text: Text, options: ClassifyOptions & { details: true }): Promise<Detailed | null>;
  (texts: readonly Text[], options?: ClassifyOptions & { details?: false }): Promise<Score[][] | null>;
  (texts: readonly Text[], options: ClassifyOptions & { details: true }): Promise<Detailed[] | null>;
}

/**
 * Texts and pairs that come one after the other: an array, a generator, the lines of a file, a stream of
 * strings.
 */
export type Texts = Iterable<Text> | AsyncIterable<Text> | ReadableStream<Text>;

/** How to classify texts as they come. */
export type StreamOptions = Omit<ClassifyOptions, "onProgress">;
