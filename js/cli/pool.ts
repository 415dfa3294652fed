/**
 * All processors for one model: a classifier on as many threads as one makes good use of, and another one where there are more
 * processors than that (docs/decisions.md).
 */

import { freemem } from "node:os";
import { stat } from "node:fs/promises";
import { nodejs } from "../nodejs.js";
import { Classifier } from "../node.js";
import { checkLoadOptions } from "../options.js";
import type { FileRef } from "../protocol.js";
import { fetchFile, openResponse, readChunks } from "../stream.js";
import { threadsFor } from "../threads.js";
import { FILES, type ClassifierInfo, type FileName, type LoadOptions, type Score, type Source } from "../types.js";

/** Which model to load, and on how many processors. */
export interface PoolOptions extends Pick<LoadOptions, "device" | "dtype"> {
  model: string;
  processors: number;
  signal: AbortSignal;
  /** Hears how far a download is: bytes of the file so far, and its length where that is known. */
  onBytes(file: FileName, bytes: number, total: number | null): void;
}

/** Loaded classifiers. */
export interface Pool {
  /** How many calls can be answered at the same time. */
  size: number;
  info: ClassifierInfo;
  /** Answers texts on the classifier that has the least to do. */
  classify(texts: readonly string[], topK: number | null): Promise<Score[][]>;
  close(): Promise<void>;
}

/** What the classifiers may take together of the memory that is free. */
const SHARE_OF_MEMORY = 0.5;

/** What a classifier takes at most, beside its weights: in bytes, and as a multiple of the file (half precision is held as single). */
const BYTES_EACH = 64 << 20;
const TIMES_FILE = 2;

/** Loads the model as often as the processors want and memory allows; what is on a network is fetched once. */
export async function openPool(options: PoolOptions): Promise<Pool> {
  const { model, processors, device, dtype, signal } = options;
  const { name, files } = await nodejs.resolve(model, checkLoadOptions(undefined));
  const source = "url" in files["model.safetensors"] ? await fetchOnce(files, options) : model;
  const wanted = Math.ceil(processors / threadsFor("auto", processors));
  const size = Math.min(wanted, roomFor(await weightsOf(files, source)));
  const load = { ...(device && { device }), ...(dtype && { dtype }), signal };
  const loaded = await Promise.allSettled(Array.from({ length: size }, (_, i) => Classifier.load(source, { ...load, threads: shareOf(processors, size, i) })));
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
      const least = busy.indexOf(Math.min(...busy));
      busy[least]! += texts.length;
      try {
        return await classifiers[least]!.classify(texts, { topK, signal });
      } finally {
        busy[least]! -= texts.length;
      }
    },
    close,
  };
}

/** The threads of classifier `i` of `size`: all processors, shared out as evenly as they can be. */
function shareOf(processors: number, size: number, i: number): number {
  return Math.floor(processors / size) + (i < processors % size ? 1 : 0);
}

/** How many classifiers have room. */
function roomFor(weights: number): number {
  return Math.max(1, Math.floor((SHARE_OF_MEMORY * freemem()) / (TIMES_FILE * weights + BYTES_EACH)));
}

async function weightsOf(files: Record<FileName, FileRef>, source: Source): Promise<number> {
  if (typeof source !== "string") return ((source as Record<FileName, Blob>)["model.safetensors"]).size;
  const weights = files["model.safetensors"];
  return "path" in weights ? ((await stat(weights.path).catch(() => null))?.size ?? 0) : 0;
}

/** A model's files as Blobs, whose bytes all workers share. */
async function fetchOnce(files: Record<FileName, FileRef>, { signal, onBytes }: PoolOptions): Promise<Source> {
  const blobs = await Promise.all(FILES.map(async (file) => {
    const { url } = files[file] as { url: string };
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of readChunks(openResponse(await fetchFile(url, signal), url), url, signal, (bytes, total) => onBytes(file, bytes, total))) {
      pieces.push(new Uint8Array(piece)); // a piece may be a part of a larger buffer
    }
    return [file, new Blob(pieces)] as const;
  }));
  return Object.fromEntries(blobs) as Record<FileName, Blob>;
}
