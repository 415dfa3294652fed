/** The messages between a loaded model and the service that holds it, in a worker or in place. */

import type { EngineRequest } from "../worker/engine.js";
import type { PlainError } from "../api/errors.js";
import type { WeightsSpec } from "../files/choice.js";
import type { EmbeddingFile } from "../files/embedding-files.js";
import type { OlderFile } from "../files/older-files.js";
import type { CallProgress, Device, Progress, Text } from "../api/types.js";
import type { Score } from "../api/answer-types.js";
import type { Pooling } from "../api/vector-types.js";
import type { Classification, EngineInfo, Piece } from "../wasm/simd/tabsense.js";

/** One of a model's files, in a form that can be sent to a worker. A stream can be read only once. */
export type FileRef = { url: string } | { path: string } | { blob: Blob } | { bytes: Uint8Array } | StreamRef;

/** A file that is already being transferred; `total` and `exact` as for an open file. */
export interface StreamRef {
  stream: ReadableStream<Uint8Array>;
  total: number | null;
  exact: boolean;
}

/** Where the files of a tokenizer without `tokenizer.json` are, if they exist. */
export type OlderRefs = { [name in OlderFile]?: FileRef };

/** Where the files with an embedder's settings are, if they exist. */
export type EmbeddingRefs = { [name in EmbeddingFile]?: FileRef };

/** Where a model's files are. */
export interface FileRefs extends OlderRefs, EmbeddingRefs {
  "config.json": FileRef;
  /** Null if there is none; a file at a URL may still turn out not to exist. */
  "tokenizer.json": FileRef | null;
  "tokenizer_config.json": FileRef | null;
  weights: WeightsRefs;
}

/**
 * Where a model's weights are: in the files that the caller passed, by name, or else next to `config.json`.
 */
export interface WeightsRefs {
  given: Record<string, FileRef> | null;
  /** The repository on a hub that can list its files, or null. */
  hub: HubRepository | null;
}

/** A model's repository on a hub, at a revision. */
export interface HubRepository {
  /** The URL of the hub's description of it: `https://…/api/models/org/name`. */
  api: string;
  revision: string;
}

/**
 * What a model is used for: labels of a text, a vector of a text, a vector of each token, or labels of each
 * token.
 */
export type Task = "classify" | "embed" | "encode" | "tag";

/** All that the service needs to load a model. */
export interface LoadRequest extends EngineRequest {
  type: "load";
  /** What the model is used for. */
  task: Task;
  /** For an embedder; null: as its files say. */
  pooling: Pooling | null;
  files: FileRefs;
  device: Device;
  weights: WeightsSpec;
  /** Whether to send the bytes of `config.json` as soon as they have arrived. */
  reportConfig: boolean;
  /** How files from the network are read. */
  network: NetworkOptions;
}

/** How files from the network are read and checked. */
export interface NetworkOptions {
  /** How many times in a row a broken connection is resumed. */
  retries: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  stallTimeout: number;
  /** Whether files are cached. */
  cache: boolean;
  /** Headers for the model's files; `"callback"`: the caller has a function that returns them for each URL. */
  headers: Record<string, string> | "callback" | null;
  /** The SHA-256 of files by name, in hexadecimal digits. */
  integrity: Record<string, string>;
}

/** The parts of a request that are transferred to the worker instead of being copied. */
export function transferOf(request: Request): ReadableStream[] {
  if (request.type !== "load") return [];
  const { weights, ...files } = request.files;
  return [...Object.values(files), ...Object.values(weights.given ?? {})].flatMap((file) =>
    file && "stream" in file ? [file.stream] : [],
  );
}

/** A call for some texts. */
interface Call {
  /** Whether to report progress. */
  progress: boolean;
}

/** One call of `classify`; `top` is 0 for all labels. */
export interface ClassifyRequest extends Call {
  type: "classify";
  texts: Text[];
  top: number;
  /** Whether to return the tokens, which are most of an answer's bytes. */
  details: boolean;
  /** Whether empty texts get labels, too: those of the special tokens alone. */
  empty: boolean;
}

/**
 * A call for the model's raw output for each text: a vector, a classifier's logits, or the tokens' states.
 */
export interface RowsRequest extends Call {
  type: "rows";
  texts: Text[];
  /** Whether only the first text of a pair that is too long is cut, rather than the longer one first. */
  cutText: boolean;
}

/** A call for the tokens of each text, of any length, and a tagger's logits for each token. */
export interface TagRequest extends Call {
  type: "tag";
  texts: string[];
}

/** A call that trains a classifier, from the vectors of examples (N, D) and of the labels' names. */
export interface TeachRequest extends Call {
  type: "teach";
  width: number;
  labels: number;
  /** Whether an example may have any number of labels. */
  multi: boolean;
  vectors: Float32Array;
  /** The labels of each example, by index. */
  targets: number[][];
  names: Float32Array;
  /** The label of each name. */
  nameLabels: number[];
  /** An earlier result to train further with its settings; null to search for settings. */
  former: Trained | null;
}

/** The result of a training. */
export interface Trained {
  /** (L, D), for vectors of length 1. */
  weights: Float32Array;
  /** (L) */
  bias: Float32Array;
  /** The settings that a further training may keep. */
  keep: { strength: number; nameWeight: number; temperature: number; threshold: number };
  /** Null if the settings were kept. */
  leftOut: LeftOut | null;
}

/** For each example, the answer of a classifier that was taught by all others. */
export interface LeftOut {
  /** The likeliest label (N). */
  predicted: Uint32Array;
  /** Its probability (N). */
  probability: Float32Array;
  /** That of its own label (N); with several labels per text, those of all labels (N, L). */
  own: Float32Array;
}

/** A call for some texts, of any task. */
export type TextsRequest = ClassifyRequest | RowsRequest | TagRequest;

/** The result for a text, by kind of call. */
export interface ResultOf {
  classify: Classification;
  rows: Float32Array;
  tag: Tagged;
}

/** The tokens of a text (N), without special ones, and their logits (N, L). */
export interface Tagged {
  tokens: Piece[];
  logits: Float32Array;
}

/** Aborts the current request, which is answered with `aborted`. */
export interface AbortRequest {
  type: "abort";
}

/** Aborts the current request and frees the model; answered once everything is released. */
export interface DisposeRequest {
  type: "dispose";
}

/** The headers that the service requested; `error` if the caller's function failed. */
export interface HeadersAnswer {
  type: "headers";
  id: number;
  headers: Record<string, string>;
  error: PlainError | null;
}

/** A model has only one request under way at a time, so answers need no number. */
export type Request =
  | LoadRequest
  | TextsRequest
  | TeachRequest
  | AbortRequest
  | DisposeRequest
  | HeadersAnswer;

/** How an embedder computes its vectors, as its files say. */
export interface Embedding {
  pooling: Pooling;
  /** Whether vectors are normalized to length 1. */
  normalize: boolean;
  /** The prefixes that texts may have, by name. */
  prompts: Record<string, string>;
  /** The name of the default prefix. */
  defaultPrompt: string | null;
  /** The maximum number of tokens of a text, if a file sets one. */
  maxTokens: number | null;
  /** Whether texts are lowercased, whatever the tokenizer does. */
  lowerCase: boolean;
}

/** The service's current state: a call may have moved the model to another device. */
export interface State {
  info: EngineInfo;
  /** For an embedder. */
  embedding: Embedding | null;
  /** The file that the weights were read from, by its name in the repository. */
  file: string;
  /** Bytes of the wasm memory. */
  memory: number;
}

/** The result of a load. */
export interface Loaded {
  type: "loaded";
  state: State;
  /** Whether copies of its files are still being written to disk; `stored` follows once they are. */
  storing: boolean;
}

/** The answer to a call for some texts: a result for each. */
export interface Answered<Type extends keyof ResultOf = keyof ResultOf> {
  type: "answered";
  results: ResultOf[Type][];
  state: State;
}

/** The answer to a training. */
export interface Taught {
  type: "taught";
  trained: Trained;
  state: State;
}

/** A text's answer, from the engine or the lexicon. */
export type Answer = Omit<Classification, "scores"> & { scores: Score[] };

/** The answer to a request that was aborted; `state` is null if no model is loaded. */
export interface Aborted {
  type: "aborted";
  state: State | null;
}

/** The answer to a request that failed; `state` is null if no model is loaded. */
export interface Failed {
  type: "failed";
  error: PlainError;
  state: State | null;
  /** The message of the trap that broke the service for good; null if the service still works. */
  trap: string | null;
}

/** Asks for the headers of a request; a {@link HeadersAnswer} with the same id returns them. */
export interface HeadersRequest {
  type: "headers";
  id: number;
  url: string;
}

/**
 * The service's messages. `started` comes once, first; `config` if a load requested it; `headers` while it
 * loads; `stored` at any time; `disposed` once, last.
 */
export type Reply =
  | { type: "started" }
  | { type: "config"; config: Uint8Array }
  | { type: "progress"; progress: Progress | CallProgress }
  | HeadersRequest
  | Loaded
  | { type: "stored" }
  | Answered
  | Taught
  | Aborted
  | Failed
  | { type: "disposed" };
