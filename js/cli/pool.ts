/**
 * Uses all processors for one model: a classifier with as many threads as it makes good use of, and another
 * one if there are more processors than that (docs/decisions/0065).
 */

import { freemem } from "node:os";
import { isAbsent } from "../files/model-files.js";
import { siblingOf, type Place } from "../files/places.js";
import { EMBEDDING_FILES } from "../files/embedding-files.js";
import { Classifier } from "../node.js";
import { openTaught, type Answering } from "./taught.js";
import { MAX_THREADS } from "../api/options.js";
import { TOKENIZER_CONFIG } from "../api/types.js";
import { readChunks, type Opened } from "../files/bytes.js";
import { readOlder } from "../files/older-files.js";
import { threadsFor } from "../worker/threads.js";
import type { ClassifierInfo } from "../api/info.js";
import type { LoadOptions, Source, Text } from "../api/types.js";
import type { Score } from "../api/answer-types.js";
import { placesOf, readPlace, readWeights, type ModelPlaces } from "./model-files.js";

/** Which model to load, and on how many processors. */
export interface PoolOptions extends Pick<LoadOptions, "device" | "dtype" | "hub"> {
  model: string;
  /**
   * The JSON text of a taught classifier, whose encoder is the model; null: the model is a classifier itself.
   */
  taught: string | null;
  processors: number;
  signal: AbortSignal;
  /** Called with a download's progress: bytes of the file so far, and its length if known. */
  onBytes(file: string, bytes: number, total: number | null): void;
}

/** Loaded classifiers. */
export interface Pool {
  /** How many calls can be answered at the same time. */
  size: number;
  info: ClassifierInfo;
  /** Answers texts and pairs on the classifier that has the least to do. */
  classify(texts: readonly Text[], topK: number | null): Promise<Score[][]>;
  close(): Promise<void>;
}

/** The share of the free memory that all classifiers together may take. */
const SHARE_OF_MEMORY = 0.5;

/**
 * The maximum memory of a classifier: a fixed number of bytes, plus a multiple of the weights file (half
 * precision is stored as single).
 */
const BASE_BYTES = 64 << 20;
const FILE_MULTIPLE = 2;

/** What the classifiers are loaded from. */
interface Prepared {
  name: string;
  source: Source;
  /** Bytes of the weights. */
  weights: number;
}

/**
 * Loads as many copies of the model as processors and memory allow; files are fetched once.
 */
export async function openPool(options: PoolOptions): Promise<Pool> {
  const { processors, device, dtype, signal } = options;
  const { name, source, weights } = await prepare(options);
  const size = Math.min(Math.ceil(processors / threadsFor("auto", processors)), maxInMemory(weights));
  const load = { ...(device && { device }), ...(dtype && { dtype }), signal };
  const { taught } = options;
  const loaded = await Promise.allSettled(
    Array.from({ length: size }, (_, i): Promise<Answering> => {
      const threads = shareOf(processors, size, i);
      return taught === null
        ? Classifier.load(source, { ...load, threads })
        : openTaught(taught, source, { ...load, threads });
    }),
  );
  const classifiers = loaded.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const close = async () => void (await Promise.all(classifiers.map((classifier) => classifier.dispose())));
  const failed = loaded.find((one) => one.status === "rejected");
  if (failed) {
    await close();
    throw failed.reason;
  }
  const busy = classifiers.map(() => 0);
  const { info } = classifiers[0]!;
  return {
    size,
    info: { ...info, model: { ...info.model, name } },
    async classify(texts, topK) {
      const leastBusy = busy.indexOf(Math.min(...busy));
      busy[leastBusy]! += texts.length;
      try {
        return await classifiers[leastBusy]!.classify(texts, { topK, signal });
      } finally {
        busy[leastBusy]! -= texts.length;
      }
    },
    close,
  };
}

/** The threads of classifier `i` of `size`: all processors, divided as evenly as possible. */
function shareOf(processors: number, size: number, i: number): number {
  return Math.min(MAX_THREADS, Math.floor(processors / size) + (i < processors % size ? 1 : 0));
}

/** How many classifiers fit into memory. */
function maxInMemory(weights: number): number {
  return Math.max(
    1,
    Math.floor((SHARE_OF_MEMORY * availableMemory()) / (FILE_MULTIPLE * weights + BASE_BYTES)),
  );
}

/**
 * The bytes that this process may still use, in a container those of the container; before Node 20.13, only
 * the limit and the machine's free memory are known.
 */
function availableMemory(): number {
  return process.availableMemory?.() ?? Math.min(freemem(), process.constrainedMemory?.() || Infinity);
}

/** The files to load and the length of the weights; files from a network are then in memory. */
async function prepare({ model, dtype, hub, taught, signal, onBytes }: PoolOptions): Promise<Prepared> {
  const places = await placesOf(model, { ...(dtype && { dtype }), ...(hub && { hub }) });
  const { name } = places;
  if ("url" in places.config)
    return { name, ...(await fetchOnce(places, taught === null ? [] : EMBEDDING_FILES, signal, onBytes)) };
  const { files } = await readWeights(places, signal, (_, place) => readPlace(place, signal, lengthOf)).catch(
    () => ({ files: {} }), // loading reports what is wrong
  );
  return { name, source: model, weights: sumOf(Object.values(files)) };
}

async function lengthOf({ body, total }: Opened): Promise<number> {
  await body.cancel();
  return total ?? 0;
}

/**
 * A model's files as Blobs, whose bytes all workers share. If one can't be read, loading the others stops.
 */
async function fetchOnce(
  places: ModelPlaces,
  further: readonly string[],
  signal: AbortSignal,
  onBytes: PoolOptions["onBytes"],
): Promise<Omit<Prepared, "name">> {
  const ended = new AbortController();
  const end = () => ended.abort(signal.reason);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  const fetchBlob = (file: string, place: Place) =>
    readPlace(place, ended.signal, (opened, name) =>
      blobOf(opened, name, ended.signal, (bytes, total) => onBytes(file, bytes, total)),
    );
  const reading = fetchBlob("config.json", places.config);
  try {
    const [config, { tokenizer, settings, older }, { file, files, index }, others] = await Promise.all([
      reading,
      readTokenizer(places.config, reading, fetchBlob),
      readWeights(places, ended.signal, fetchBlob),
      Promise.all(
        further.map(async (name) => [name, await optionalBlob(places.config, name, fetchBlob)] as const),
      ),
    ]);
    const source = {
      "config.json": config,
      ...(tokenizer && { "tokenizer.json": tokenizer }),
      ...(settings && { [TOKENIZER_CONFIG]: settings }),
      ...Object.fromEntries([...older, ...others.filter(([, blob]) => blob)]),
      ...files,
      ...(index && { [file]: new Blob([index]) }),
    };
    return { source, weights: sumOf(Object.values(files).map(({ size }) => size)) };
  } finally {
    end();
    signal.removeEventListener("abort", end);
  }
}

/** A file next to the one at `place`. If it doesn't exist, `onAbsent` is called with the error. */
async function optionalBlob(
  place: Place,
  name: string,
  fetchBlob: (file: string, place: Place) => Promise<Blob>,
  onAbsent?: (thrown: unknown) => void,
): Promise<Blob | undefined> {
  const at = siblingOf(place, name);
  try {
    return await fetchBlob(name, at);
  } catch (thrown) {
    if (!isAbsent(at, name, thrown)) throw thrown;
    onAbsent?.(thrown);
    return undefined;
  }
}

/** The files of a model's tokenizer. The older ones are fetched if `tokenizer.json` doesn't exist. */
async function readTokenizer(
  place: Place,
  reading: Promise<Blob>,
  fetchBlob: (file: string, place: Place) => Promise<Blob>,
): Promise<{ tokenizer: Blob | undefined; settings: Blob | undefined; older: [string, Blob][] }> {
  let absent: unknown = null;
  const optional = (name: string) =>
    optionalBlob(place, name, fetchBlob, (thrown) => {
      if (name === "tokenizer.json") absent = thrown;
    });
  const [config, tokenizer, settings] = await Promise.all([
    reading,
    optional("tokenizer.json"),
    optional(TOKENIZER_CONFIG),
  ]);
  if (tokenizer) return { tokenizer, settings, older: [] };
  const [configBytes, settingsBytes] = await Promise.all(
    [config, settings].map((blob) => blob && bytesOf(blob)),
  );
  return { tokenizer, settings, older: await readOlder(configBytes!, settingsBytes, absent, optional) };
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

/** A file's bytes. */
async function blobOf(
  opened: Opened,
  name: string,
  signal: AbortSignal,
  onBytes: (bytes: number, total: number | null) => void,
): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of readChunks(opened, name, signal, onBytes)) {
    pieces.push(new Uint8Array(piece)); // a piece may be a part of a larger buffer
  }
  return new Blob(pieces);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
