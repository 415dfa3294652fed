/** The messages between a classifier and the service that holds its model, in a worker or in place. */

import type { EngineRequest } from "../worker/engine.js";
import type { PlainError } from "../api/errors.js";
import type { WeightsWanted } from "../files/choice.js";
import type { OlderFile } from "../files/older-files.js";
import type { ClassifyProgress, Device, Progress, Score, Text } from "../api/types.js";
import type { Classification, EngineInfo } from "../wasm/simd/tabsense.js";

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

/** Where a model's files are. */
export interface FileRefs extends OlderRefs {
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
  /** The address of what the hub tells of it: `https://…/api/models/org/name`. */
  api: string;
  revision: string;
}

/** All that the service needs to load a model. */
export interface LoadRequest extends EngineRequest {
  type: "load";
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

/** What of a request moves to the worker instead of being copied. */
export function transferOf(request: Request): ReadableStream[] {
  if (request.type !== "load") return [];
  const { weights, ...files } = request.files;
  return [...Object.values(files), ...Object.values(weights.given ?? {})].flatMap((file) =>
    file && "stream" in file ? [file.stream] : [],
  );
}

/** One call of `classify`; `top` is 0 for all labels. */
export interface ClassifyRequest {
  type: "classify";
  texts: Text[];
  top: number;
  /** Whether the tokens are wanted, which are most of an answer's bytes. */
  details: boolean;
  /** Whether empty texts get labels too: those of special tokens alone. */
  empty: boolean;
  /** Whether the caller wants to hear how far it is. */
  progress: boolean;
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

/** A classifier has one request under way at a time, so that an answer needs no number. */
export type Request = LoadRequest | ClassifyRequest | AbortRequest | DisposeRequest | HeadersAnswer;

/** What the service holds now: a call may have moved the model to another device. */
export interface State {
  info: EngineInfo;
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

/** What a classification yields. */
export interface Classified {
  type: "classified";
  results: Classification[];
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
  | { type: "progress"; progress: Progress | ClassifyProgress }
  | HeadersWanted
  | Loaded
  | { type: "stored" }
  | Classified
  | Aborted
  | Failed
  | { type: "disposed" };
