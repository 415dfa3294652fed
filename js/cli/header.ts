/** The header of a safetensors file, without the file: its first bytes from disk, or by a ranged request. */

import { open } from "node:fs/promises";
import { TabsenseError } from "../errors.js";
import type { FileRef } from "../protocol.js";

/** One tensor, as the header has it. */
export interface Tensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Bytes of its data. */
  bytes: number;
}

/** What a file says of itself. */
export interface WeightsHeader {
  /** The file's length; null where a server doesn't tell. */
  bytes: number | null;
  tensors: Tensor[];
  /** `__metadata__`: texts by name. */
  metadata: Readonly<Record<string, string>>;
}

/** A file's first bytes, maybe fewer than asked for, and its length. */
interface Start {
  bytes: Buffer;
  total: number | null;
}

/** The longest header that is read, in bytes, as in src/weights. */
const MAX_HEADER = 1 << 20;

/** Headers of models of a dozen layers fit in. */
const FIRST_READ = 1 << 16;

/** Reads the header. Kind `"weights_header"` where the file is no safetensors, `"network"` where it can't be read. */
export async function readHeader(file: FileRef, signal: AbortSignal): Promise<WeightsHeader> {
  const name = "url" in file ? file.url : "path" in file ? file.path : "model.safetensors";
  let start = await readStart(file, FIRST_READ, signal);
  const length = start.bytes.length >= 8 ? Number(start.bytes.readBigUInt64LE()) : 0;
  if (length < 2 || length > MAX_HEADER) {
    throw new TabsenseError("weights_header", `${name} doesn't begin with the header of a safetensors file. Check that it is the file itself, and not a web page or the pointer that Git LFS leaves.`);
  }
  if (start.bytes.length < 8 + length) start = await readStart(file, 8 + length, signal);
  const text = start.bytes.subarray(8, 8 + length).toString();
  try {
    if (start.bytes.length < 8 + length) throw new Error(`it ends after ${start.bytes.length} bytes`);
    const { __metadata__: metadata = {}, ...tensors } = JSON.parse(text) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
    return {
      bytes: start.total,
      tensors: Object.entries(tensors).map(([name, { dtype, shape, data_offsets: [from, to] }]) => ({ name, dtype: String(dtype), shape: shape.map(Number), bytes: to - from })),
      metadata: metadata as unknown as Record<string, string>,
    };
  } catch (cause) {
    throw new TabsenseError("weights_header", `The header of ${name} can't be read (${(cause as Error).message}). Load the file again, or take another one.`, { cause });
  }
}

/** The first `count` bytes of a file on disk, on a server or in memory. */
async function readStart(file: FileRef, count: number, signal: AbortSignal): Promise<Start> {
  if ("url" in file) return fetchStart(file.url, count, signal);
  if ("path" in file) return diskStart(file.path, count);
  const blob = "blob" in file ? file.blob : await new Response("stream" in file ? file.stream : new Uint8Array(file.bytes)).blob();
  return { bytes: Buffer.from(await blob.slice(0, count).arrayBuffer()), total: blob.size };
}

async function diskStart(path: string, count: number): Promise<Start> {
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(count, size)), 0, Math.min(count, size), 0);
      return { bytes: buffer.subarray(0, bytesRead), total: size };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new TabsenseError("network", `${path} could not be read (${(cause as Error).message}). A model's folder holds config.json, tokenizer.json and model.safetensors.`, { cause });
  }
}

/** Asks for a range; a server that doesn't know them is left after so many bytes. */
async function fetchStart(url: string, count: number, signal: AbortSignal): Promise<Start> {
  try {
    const response = await fetch(url, { signal, headers: { range: `bytes=0-${count - 1}`, "accept-encoding": "identity" } });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`the server answered ${response.status}`);
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of response.body) {
      pieces.push(piece);
      length += piece.length;
      if (length >= count) break;
    }
    const total = response.status === 206 ? /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1] : response.headers.get("content-length");
    return { bytes: Buffer.concat(pieces).subarray(0, count), total: total ? Number(total) : null };
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    throw new TabsenseError("network", `${url} could not be read (${deeper instanceof Error ? deeper.message : message}). Check the address and the connection.`, { cause });
  }
}
