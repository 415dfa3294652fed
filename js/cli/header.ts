/**
 * Reads the header of a safetensors file without the rest: its first bytes from disk, or with a range
 * request.
 */

import { TabsenseError } from "../api/errors.js";
import type { Place } from "../files/places.js";
import { openPath } from "../platform/node.js";
import { openResponse, type Opened } from "../files/bytes.js";
import { notFetched, refused } from "../files/refusals.js";
import { nameOf } from "./model-files.js";

/** One tensor, as in the header. */
export interface Tensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Bytes of its data. */
  bytes: number;
}

/** What a file says about itself. */
export interface WeightsHeader {
  /** The file's length; null if a server doesn't say. */
  bytes: number | null;
  tensors: Tensor[];
  /** `__metadata__`: texts by name. */
  metadata: Readonly<Record<string, string>>;
}

/** A file's first bytes, maybe fewer than requested, and its length. */
interface Start {
  bytes: Buffer;
  total: number | null;
}

/** The maximum length of a header, in bytes, as in src/weights. */
const MAX_HEADER = 1 << 20;

/** The headers of models with a dozen layers fit in. */
const FIRST_READ = 1 << 16;

/**
 * The only tensor of a coded file (src/weights/coded), and the bytes before the file within: its length, and
 * the head of a block.
 */
const CODED = { tensor: "tabsense.coded.1", bytes: 8 + 9 };

/**
 * Reads the header; for a coded file, that of the file within. Kind `"weights_header"` if it isn't a
 * safetensors file, `"network"` if it can't be read.
 */
export async function readHeader(place: Place, signal: AbortSignal): Promise<WeightsHeader> {
  const start = await readStart(place, FIRST_READ, signal);
  const { header, end } = await headerAt(place, start, 0, signal);
  const [first, ...others] = header.tensors;
  if (first?.name !== CODED.tensor || others.length > 0) return header;
  return (await headerAt(place, start, end + CODED.bytes, signal)).header;
}

/**
 * The header that begins after `from` bytes, and where it ends. `known` is the start of the file, which is
 * read again if it is too short.
 */
async function headerAt(
  place: Place,
  known: Start,
  from: number,
  signal: AbortSignal,
): Promise<{ header: WeightsHeader; end: number }> {
  const name = nameOf(place);
  let start = known;
  const length = start.bytes.length >= from + 8 ? Number(start.bytes.readBigUInt64LE(from)) : 0;
  if (length < 2 || length > MAX_HEADER) {
    throw new TabsenseError(
      "weights_header",
      `${name} doesn't start with a safetensors header. Check that it is the file itself, not a web page or a Git LFS pointer.`,
    );
  }
  const end = from + 8 + length;
  if (start.bytes.length < end) start = await readStart(place, end, signal);
  if (start.bytes.length < end)
    throw new TabsenseError(
      "weights_header",
      `The header of ${name} has ${length} bytes, but the file ends after ${start.bytes.length}. Download the file again, or use another one.`,
    );
  const text = start.bytes.subarray(from + 8, end).toString();
  try {
    const { __metadata__: metadata = {}, ...tensors } = JSON.parse(text) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    const header = {
      bytes: start.total,
      tensors: Object.entries(tensors).map(([name, { dtype, shape, data_offsets: offsets }]) => ({
        name,
        dtype: String(dtype),
        shape: shape.map(Number),
        bytes: offsets[1] - offsets[0],
      })),
      metadata: metadata as unknown as Record<string, string>,
    };
    return { header, end };
  } catch {
    // The engine's message repeats a piece of the file.
    throw new TabsenseError(
      "weights_header",
      `The header of ${name} is not a safetensors header. Download the file again, or use another one.`,
    );
  }
}

/** The first `count` bytes of a file on disk or on a server. */
async function readStart(place: Place, count: number, signal: AbortSignal): Promise<Start> {
  const opened = "url" in place ? await openStart(place.url, count, signal) : await openPath(place.path);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of opened.body) {
      pieces.push(piece);
      length += piece.length;
      if (length >= count) break;
    }
  } catch (cause) {
    throw "url" in place ? notFetched(place.url, cause) : cause;
  }
  return { bytes: Buffer.concat(pieces).subarray(0, count), total: opened.total };
}

/**
 * Requests a range. A server without support for ranges sends the whole file, and the caller stops reading.
 */
async function openStart(url: string, count: number, signal: AbortSignal): Promise<Opened> {
  const response = await fetch(url, {
    signal,
    headers: { range: `bytes=0-${count - 1}`, "accept-encoding": "identity" },
  }).catch((cause: unknown) => {
    throw notFetched(url, cause);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(url, response);
  }
  const opened = openResponse(response, url);
  if (response.status !== 206) return opened;
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return { ...opened, total: total === undefined ? null : Number(total) };
}
