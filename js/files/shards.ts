/**
 * Weights in several files (`model.safetensors.index.json`, `pytorch_model.bin.index.json`) as one
 * equivalent safetensors file.
 */

import { TabsenseError } from "../api/errors.js";
import { quoted } from "../api/quoted.js";

/** One of the files. */
export interface Shard {
  name: string;
  /** Its bytes from the start; may be called again. */
  open(): AsyncGenerator<Uint8Array>;
}

/** A file whose header was read, at the start of its data. */
interface OpenShard {
  name: string;
  /** Bytes of data that its header declares. */
  length: number;
  chunks(): AsyncGenerator<Uint8Array>;
  close(): void;
}

/**
 * How many files are kept open while the headers of the others are read: browsers allow six connections to a
 * server, some of which are taken.
 */
const MAX_OPEN = 3;

/** What a safetensors header says about a tensor; checked when the merged file is read. */
interface Entry {
  data_offsets: [number, number];
}

/**
 * The maximum length of the header of one file, and of all together, in bytes: the limit that
 * src/weights/header.rs has for the merged file.
 */
const HEADER_LIMIT = 1 << 20;
/** The size in bytes of the length at the start of a file. */
const PREFIX = 8;
/** No model has more files than this. */
const MAX_SHARDS = 1000;

/** The names of the files in the text of an index, sorted. */
export function shardNames(index: string, name: string): string[] {
  let map: unknown;
  try {
    map = (JSON.parse(index) as { weight_map?: unknown }).weight_map;
  } catch (cause) {
    throw new TabsenseError(
      "weights_header",
      `${name} is not JSON. Check that it is the index of the checkpoint's shards.`,
      { cause },
    );
  }
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map) as unknown[])] : [];
  if (names.length === 0 || names.length > MAX_SHARDS)
    throw new TabsenseError(
      "weights_header",
      `${name} names no weights: its "weight_map" is missing or empty.`,
    );
  for (const shard of names) {
    // Only files next to the index, whatever else a hostile index may name.
    const extension = /\.(safetensors|bin)\.index\.json(\?|$)/.exec(name)?.[1] ?? "safetensors";
    const isSibling = typeof shard === "string" && /^[\w-][\w.-]*$/.test(shard);
    if (!isSibling || !shard.endsWith(`.${extension}`)) {
      const named = typeof shard === "string" ? quoted(shard) : "something other than a string";
      throw new TabsenseError(
        "weights_header",
        `${name} names ${named}, which is not a ${extension} file in the same folder.`,
      );
    }
  }
  return (names as string[]).sort();
}

/** The bytes of one file equivalent to `shards`: a header of all tensors, then the data of each shard. */
export async function* merged(shards: readonly Shard[]): AsyncGenerator<Uint8Array> {
  const all = Object.create(null) as Record<string, unknown>;
  const openShards: OpenShard[] = [];
  let [offset, headers] = [0, 0];
  try {
    for (const [i, shard] of shards.entries()) {
      const { name } = shard;
      const { header, headerBytes, file } = await openShard(shard, i < MAX_OPEN);
      openShards.push(file);
      headers += headerBytes;
      if (headers > HEADER_LIMIT)
        throw new TabsenseError(
          "weights_header",
          `The headers of the weights' files up to ${name} have ${headers} bytes, more than the ${HEADER_LIMIT} supported.`,
        );
      for (const [tensor, entry] of Object.entries(header)) {
        if (tensor === "__metadata__") continue;
        const [start, end] = offsetsOf(entry, tensor, name);
        if (Object.hasOwn(all, tensor))
          throw new TabsenseError(
            "weights_header",
            `${name} contains ${quoted(tensor)}, as does another weights file.`,
          );
        all[tensor] = { ...(entry as Entry), data_offsets: [start + offset, end + offset] };
        file.length = Math.max(file.length, end);
      }
      offset += file.length;
    }
    const json = new TextEncoder().encode(written(all));
    const head = new Uint8Array(8);
    new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
    yield head;
    yield json;
    for (const { name, length, chunks } of openShards) {
      let left = length;
      for await (const chunk of chunks()) {
        left -= chunk.length;
        if (left < 0)
          throw new TabsenseError("weights_length", `${name} has more bytes than its header declares.`);
        yield chunk;
      }
      if (left > 0)
        throw new TabsenseError(
          "weights_length",
          `${name} ends ${left} bytes early. Load the model again; if that doesn't help, the file on the server is damaged.`,
        );
    }
  } finally {
    for (const { close } of openShards) close();
  }
}

/** The header of all tensors. A value nested in thousands of lists can be parsed, but not written. */
function written(header: Record<string, unknown>): string {
  try {
    return JSON.stringify(header);
  } catch (cause) {
    throw new TabsenseError(
      "weights_header",
      "The headers of the weights' files contain something other than tensors. Check that they are safetensors files.",
      { cause },
    );
  }
}

/** Reads a file's header, and keeps the file open if `keepOpen`. */
async function openShard(
  shard: Shard,
  keepOpen: boolean,
): Promise<{ header: Record<string, unknown>; headerBytes: number; file: OpenShard }> {
  const opened = shard.open();
  const close = () => void opened.return(undefined).catch(() => {});
  try {
    const { header, data, rest } = await readHeader(shard.name, opened);
    const chunks = keepOpen ? () => joined(rest, opened) : () => skipped(data, shard.open());
    if (!keepOpen) close();
    return { header, headerBytes: data - PREFIX, file: { name: shard.name, length: 0, chunks, close } };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

async function* joined(rest: Uint8Array, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (rest.length > 0) yield rest;
  yield* chunks;
}

/** All but the first `count` bytes. */
async function* skipped(count: number, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const skip = Math.min(count, chunk.length);
    count -= skip;
    if (skip < chunk.length) yield chunk.subarray(skip);
  }
}

/** The header of a file, where its data begins, and the data read so far. */
async function readHeader(
  name: string,
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ header: Record<string, unknown>; data: number; rest: Uint8Array }> {
  let bytes = new Uint8Array(0);
  const upTo = async (length: number) => {
    const parts = [bytes];
    let have = bytes.length;
    while (have < length) {
      const { done, value } = await chunks.next();
      if (done) throw new TabsenseError("weights_length", `${name} ends within its header.`);
      parts.push(value as Uint8Array<ArrayBuffer>);
      have += value.length;
    }
    if (parts.length > 1) bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  };
  await upTo(8);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > HEADER_LIMIT)
    throw new TabsenseError(
      "weights_header",
      `${name} has a header of ${length} bytes. Check that it is a safetensors file.`,
    );
  await upTo(8 + length);
  try {
    const header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)),
    ) as unknown;
    if (typeof header !== "object" || header === null || Array.isArray(header)) throw new Error("no object");
    return { header: header as Record<string, unknown>, data: 8 + length, rest: bytes.subarray(8 + length) };
  } catch (cause) {
    throw new TabsenseError(
      "weights_header",
      `The header of ${name} is not JSON. Check that it is a safetensors file.`,
      { cause },
    );
  }
}

function offsetsOf(entry: unknown, tensor: string, name: string): [number, number] {
  const offsets = (entry as Partial<Entry> | null)?.data_offsets;
  const fine =
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every((at) => Number.isSafeInteger(at) && at >= 0) &&
    offsets[0]! <= offsets[1]!;
  if (!fine)
    throw new TabsenseError("weights_header", `The header of ${name} has no offsets for ${quoted(tensor)}.`);
  return offsets as [number, number];
}
