/** The messages between a loaded model and the service that holds it, in a worker or in place. */

import type { EngineRequest } from "../worker/engine.js";
import type { PlainError } from "../api/errors.js";
import type { WeightsWanted } from "../files/choice.js";
import type { EmbeddingFile } from "../files/embedding-files.js";
import type { OlderFile } from "../files/older-files.js";
import type { CallProgress, Device, Progress, Text } from "../api/types.js";
import type { Score } from "../api/answer-types.js";
import type { Pooling } from "../api/vector-types.js";
import type { Classification, EngineInfo, Piece } from "../wasm/simd/tabsense.js";

/** One of a model's files, in a form that a worker can be sent. A stream can be read once. */
export type FileRef = { url: string } | { path: string } | { blob: Blob } | { bytes: Uint8Array } | StreamRef;

/** A file that is under way already; `total` and `exact` as for an open file. */
export interface StreamRef {
  stream: ReadableStream<Uint8Array>;
  total: number | null;
  exact: boolean;
}

/** Where the files of a tokenizer without `tokenizer.json` are, should they be there. */
export type OlderRefs = { [name in OlderFile]?: FileRef };

/** Where the files are that say how an embedder makes its vectors, should they be there. */
export type EmbeddingRefs = { [name in EmbeddingFile]?: FileRef };

/** Where a model's files are. */
export interface FileRefs extends OlderRefs, EmbeddingRefs {
  "config.json": FileRef;
  /** Null where there is none; one at an address may still turn out not to be there. */
  "tokenizer.json": FileRef | null;
  "tokenizer_config.json": FileRef | null;
  weights: WeightsRefs;
}

/** Where a model's weights are: files that were handed over, by name, or else beside `config.json`. */
export interface WeightsRefs {
  given: Record<string, FileRef> | null;
  /** What can be asked which files there are. */
  hub: HubRepository | null;
}

/** A model's repository on a hub, at a revision. */
export interface HubRepository {
  /** The address of the hub's description: `https://…/api/models/org/name`. */
  api: string;
  revision: string;
}

/** What a model is used for: labels of a text, a vector for it, one for each of its tokens, or labels of these. */
export type Task = "classify" | "embed" | "encode" | "tag";

/** All that the service needs to load a model. */
export interface LoadRequest extends EngineRequest {
  type: "load";
  /** What the model is used for. */
  task: Task;
  /** Of an embedder: null where its files are to say. */
  pooling: Pooling | null;
  files: FileRefs;
  device: Device;
  weights: WeightsWanted;
  /** Whether the bytes of `config.json` are wanted as soon as they have come. */
  tellConfig: boolean;
  /** How a file from the network is read. */
  network: NetworkOptions;
}

/** How files from the network are read, and what they must be. */
export interface NetworkOptions {
  /** How many times in a row a connection that breaks is taken up again. */
  retries: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  stallTimeout: number;
  /** Whether copies are kept. */
  cache: boolean;
  /** Headers for the model's files; `"asked"`: the caller has a function that tells them for each address. */
  headers: Record<string, string> | "asked" | null;
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
  /** Whether the caller wants to hear how far it is. */
  progress: boolean;
}

/** One call of `classify`; `top` is 0 for all labels. */
export interface ClassifyRequest extends Call {
  type: "classify";
  texts: Text[];
  top: number;
  /** Whether the tokens are wanted, which are most of an answer's bytes. */
  details: boolean;
  /** Whether empty texts get labels too: those of special tokens alone. */
  empty: boolean;
}

/** A call for what the model computes for each text, as it is: a vector, a classifier's logits, tokens' states. */
export interface RowsRequest extends Call {
  type: "rows";
  texts: Text[];
  /** Whether of pairs that are too long the text alone is cut, not the longer one first. */
  cutText: boolean;
}

/** A call for the tokens of each text, however long it is, and a tagger's logits of each. */
export interface TagRequest extends Call {
  type: "tag";
  texts: string[];
}

/** What a classifier is trained on, beside the model: vectors of examples (N, D), and of the labels' names. */
export interface TeachRequest extends Call {
  type: "teach";
  width: number;
  labels: number;
  /** Whether an example has any number of labels. */
  multi: boolean;
  vectors: Float32Array;
  /** The labels of each example, by their places. */
  targets: number[][];
  names: Float32Array;
  /** The label that each name is of. */
  nameLabels: number[];
  /** What is to be trained further, its settings kept; null to find them. */
  former: Trained | null;
}

/** What was learnt. */
export interface Trained {
  /** (L, D), for vectors of length 1. */
  weights: Float32Array;
  /** (L) */
  bias: Float32Array;
  /** What another training may keep. */
  keep: { strength: number; nameWeight: number; temperature: number; threshold: number };
  /** Null where the settings were kept. */
  leftOut: LeftOut | null;
}

/** Of each example: what a classifier says that was taught by all others. */
export interface LeftOut {
  /** The likeliest label (N). */
  predicted: Uint32Array;
  /** Its probability (N). */
  probability: Float32Array;
  /** That of its own label (N); with several labels a text, those of all (N, L). */
  own: Float32Array;
}

/** A call for some texts, of any task. */
export type TextsRequest = ClassifyRequest | RowsRequest | TagRequest;

/** What each kind of call yields for a text. */
export interface ResultOf {
  classify: Classification;
  rows: Float32Array;
  tag: Tagged;
}

/** The tokens of a text (N), special ones left out, and the logits (N, L) of each. */
export interface Tagged {
  tokens: Piece[];
  logits: Float32Array;
}

/** Ends what the service is doing; what was asked is answered with `aborted`. */
export interface AbortRequest {
  type: "abort";
}

/** Ends what the service is doing and frees the model; it is answered once all is given back. */
export interface DisposeRequest {
  type: "dispose";
}

/** The headers that the service wanted; `error` where the caller's function failed. */
export interface HeadersAnswer {
  type: "headers";
  id: number;
  headers: Record<string, string>;
  error: PlainError | null;
}

/** A model has one request under way at a time, so that an answer needs no number. */
export type Request =
  | LoadRequest
  | TextsRequest
  | TeachRequest
  | AbortRequest
  | DisposeRequest
  | HeadersAnswer;

/** How an embedder makes its vectors, as its files say it. */
export interface Embedding {
  pooling: Pooling;
  /** Whether vectors are brought to length 1. */
  normalize: boolean;
  /** What texts may have in front of them, by name. */
  prompts: Record<string, string>;
  /** The name of what they have where nothing else is asked for. */
  defaultPrompt: string | null;
  /** The most tokens of a text, where that is less than the model's. */
  maxTokens: number | null;
  /** Whether texts are made lower case whatever the tokenizer does. */
  lowerCase: boolean;
}

/** What the service holds now: a call may have moved the model to another device. */
export interface State {
  info: EngineInfo;
  /** Of an embedder. */
  embedding: Embedding | null;
  /** The file that the weights were read from, by its name in the repository. */
  file: string;
  /** Bytes of the wasm memory. */
  memory: number;
}

/** What a load yields. */
export interface Loaded {
  type: "loaded";
  state: State;
  /** Whether copies of its files are still on their way to the disk; once they are there, `stored` comes. */
  storing: boolean;
}

/** What a call for some texts yields: a result for each. */
export interface Answered<Type extends keyof ResultOf = keyof ResultOf> {
  type: "answered";
  results: ResultOf[Type][];
  state: State;
}

/** What a training yields. */
export interface Taught {
  type: "taught";
  trained: Trained;
  state: State;
}

/** A text's answer, be it the engine's or the lexicon's. */
export type Answer = Omit<Classification, "scores"> & { scores: Score[] };

/** What a request yields that was aborted; `state` is null where no model is held. */
export interface Aborted {
  type: "aborted";
  state: State | null;
}

/** What a request yields that fails; `state` is null where no model is held. */
export interface Failed {
  type: "failed";
  error: PlainError;
  state: State | null;
  /** The trap that broke the service for good, in its own words; null where it works on. */
  trap: string | null;
}

/** Asks for the headers of a request, which a {@link HeadersAnswer} of the same id tells. */
export interface HeadersWanted {
  type: "headers";
  id: number;
  url: string;
}

/**
 * What the service says. `started` comes once, first; `config` where a load asked for it; `headers` while it
 * loads; `stored` at any time; `disposed` once, last.
 */
export type Reply =
  | { type: "started" }
  | { type: "config"; config: Uint8Array }
  | { type: "progress"; progress: Progress | CallProgress }
  | HeadersWanted
  | Loaded
  | { type: "stored" }
  | Answered
  | Taught
  | Aborted
  | Failed
  | { type: "disposed" };
