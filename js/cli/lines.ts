/** A stream of bytes as lines of text in UTF-8. */

import { TabsenseError } from "../api/errors.js";
import { markedEncoding, notText, type Encoding } from "../csv/content.js";

/** A line without its break. */
export interface Line {
  /** From 1. */
  number: number;
  bytes: Buffer;
  /** Bytes of the file up to the next line. */
  end: number;
}

/** The maximum length of a row, in bytes: without it, a quote that is never closed would fill the memory. */
export const MAX_ROW = 16 << 20;

const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from("\uFEFF");

/**
 * The bytes in UTF-8, without a byte order mark.
 *
 * Kind `"invalid_argument"` if they show that the file isn't text in UTF-8, or not in the requested
 * `encoding` (null: UTF-8).
 */
export async function* asUtf8(
  input: AsyncIterable<Uint8Array>,
  name: string,
  encoding: Encoding | null,
): AsyncGenerator<Buffer> {
  const decoder = encoding === null ? null : new TextDecoder(encoding, { fatal: true });
  const decode = (bytes?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder!.decode(bytes, { stream: bytes !== undefined }));
    } catch {
      throw new TabsenseError("invalid_argument", `${name} is not in ${encoding}. Check --encoding.`);
    }
  };
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of input) {
    let bytes: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (head !== null) {
      bytes = Buffer.concat([head, bytes]);
      head = bytes.length < BOM.length ? bytes : null;
      if (head !== null) continue;
      bytes = checkedHead(bytes, name, encoding);
    }
    yield decoder ? decode(bytes) : bytes;
  }
  if (head?.length) {
    const bytes = checkedHead(head, name, encoding);
    yield decoder ? decode(bytes) : bytes;
  }
  if (decoder) yield decode();
}

/** The lines of a stream. A last line without a break counts. */
export async function* readLines(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  let end = 0;
  const line = (bytes: Buffer, length: number): Line => {
    end += length;
    return { number: ++number, bytes: bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes, end };
  };
  for await (const chunk of input) {
    // Only the new chunk is searched: the rest of the chunks before it has no break.
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      const piece = chunk.subarray(from, at);
      const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
      rest = Buffer.alloc(0);
      from = at + 1;
      yield line(bytes, bytes.length + 1);
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length > MAX_ROW)
      throw new TabsenseError(
        "invalid_argument",
        `Line ${number + 1} of ${name} is longer than ${MAX_ROW} bytes. Check the file, and --format.`,
      );
  }
  if (rest.length > 0) yield line(rest, rest.length);
}

function checkedHead(head: Buffer, name: string, encoding: Encoding | null): Buffer {
  const marked = markedEncoding(head);
  if (marked !== null && marked !== (encoding ?? "utf-8"))
    throw new TabsenseError(
      "invalid_argument",
      `${name} is encoded as ${marked.toUpperCase()}. Save it as UTF-8, or pass --encoding ${marked}.`,
    );
  const bytes = marked === "utf-8" ? head.subarray(BOM.length) : head;
  const problem = encoding?.startsWith("utf-16") ? null : notText(bytes);
  if (problem !== null) throw new TabsenseError("invalid_argument", `${name} is ${problem}.`);
  return bytes;
}
