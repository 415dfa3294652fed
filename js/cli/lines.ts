/** A stream of bytes as lines, on which of them a byte is, and what may stand in front of the first one. */

import { TabsenseError } from "../api/errors.js";

/** A line without its break. */
export interface Line {
  /** From 1. */
  number: number;
  bytes: Buffer;
  /** Bytes of the file up to the next line. */
  end: number;
}

/** The longest row that is read, in bytes: beyond it, a quote that is never closed would fill the memory. */
export const MAX_ROW = 16 << 20;

const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from("\uFEFF");

/** The bytes without a byte order mark. Kind `"invalid_argument"` where they are UTF-16. */
export async function* withoutMark(input: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of input) {
    const bytes: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (head === null) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    if (head.length < BOM.length) continue;
    yield afterMark(head, name);
    head = null;
  }
  if (head?.length) yield afterMark(head, name);
}

/** The lines of a stream. A last one without a break counts. */
export async function* readLines(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  let end = 0;
  const line = (bytes: Buffer, length: number): Line => {
    end += length;
    return { number: ++number, bytes: bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes, end };
  };
  for await (const chunk of input) {
    // Only the chunk is searched: what is left of those before it holds no break.
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
        `Line ${number + 1} of ${name} is longer than ${MAX_ROW} bytes. Check that it is a file of lines, and its --format.`,
      );
  }
  if (rest.length > 0) yield line(rest, rest.length);
}

/** Tells of bytes on which line they are: of those that were added, and in their order. */
export interface LineCount {
  add(bytes: Buffer): void;
  /** The line of the byte at `place`, from 1. */
  lineOf(place: number): number;
  /** The line of the first byte at `place` or behind it that ends no line. */
  lineFrom(place: number): number;
}

/** Counts lines that end with a line feed, a carriage return, or both. */
export function startLineCount(): LineCount {
  const held: Buffer[] = [];
  let [line, read, at, last] = [1, 0, 0, 0];
  /** Reads a byte; false where there is none. */
  const step = (): boolean => {
    const bytes = held[0];
    if (!bytes) return false;
    const byte = bytes[at++]!;
    if (at === bytes.length) {
      held.shift();
      at = 0;
    }
    // A break belongs to the line that it ends.
    if (last === LF || (last === CR && byte !== LF)) line++;
    last = byte;
    read++;
    return true;
  };
  const lineOf = (place: number): number => {
    while (read <= place && step());
    return line;
  };
  return {
    add(bytes) {
      if (bytes.length > 0) held.push(bytes);
    },
    lineOf,
    lineFrom(place) {
      lineOf(place);
      while ((last === LF || last === CR) && step());
      return line;
    },
  };
}

function afterMark(head: Buffer, name: string): Buffer {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new TabsenseError("invalid_argument", `${name} is encoded as UTF-16. Save it as UTF-8.`);
  }
  return head.subarray(0, BOM.length).equals(BOM) ? head.subarray(BOM.length) : head;
}
