/** Finds how far an earlier run came, by comparing its lines with the rows. */

import { open } from "node:fs/promises";
import { TabsenseError } from "../api/errors.js";
import type { Encoder } from "./answers.js";
import { BLANK } from "../api/texts.js";
import { continued, isOnly, type Row } from "./row.js";

/** What an earlier run has left to do. */
export interface Done {
  /** The rows that it did not answer. */
  rows: AsyncGenerator<Row>;
  /** The number of complete lines, without a header. */
  count: number;
  /** Their bytes, with the header. */
  bytes: number;
  /** Bytes of the input up to the first row without an answer. */
  end: number;
}

const READ_AT_ONCE = 1 << 18;

/** Within how many bytes the end of an answer is searched for: at first, and at most. */
const FIRST_TAIL = 256;
const MAX_TAIL = 1 << 20;

/**
 * Reads the file at `path` along with the input's rows. A last line that is cut off does not count.
 *
 * Kind `"invalid_argument"` if a line is not the one that its row would have. `skips`: whether rows without a
 * text have no line.
 */
export async function readDone(
  path: string,
  encoder: Encoder,
  rows: AsyncGenerator<Row>,
  skips: boolean,
): Promise<Done> {
  const file = await startReader(path);
  const foreign = (count: number, why: string) =>
    new TabsenseError(
      "invalid_argument",
      `${path} can't be resumed: ${why} (answer ${count + 1}). Pass the input and options of the run that started it, or overwrite it with --force.`,
    );
  let [count, bytes, end] = [0, 0, 0];
  try {
    const header = Buffer.from(encoder.header);
    const start = await file.peek(header.length);
    if (!start.equals(header.subarray(0, start.length))) throw foreign(0, "it starts with other columns");
    if (start.length < header.length) return { rows, count, bytes, end };
    file.take(header.length);
    bytes = header.length;
    while ((await file.peek(1)).length > 0) {
      const next = await rows.next();
      if (next.done) throw foreign(count, "it has more answers than the input has rows");
      const head = Buffer.from(encoder.head(next.value));
      const found = await file.peek(head.length);
      if (!found.equals(head.subarray(0, found.length))) {
        if (skips && mayBeSkipped(next.value)) continue;
        throw foreign(count, `its answers don't belong to the row on line ${next.value.line} of the input`);
      }
      const tail = await readTail(file, head.length, encoder.tailOf);
      if (tail === "cut") return { rows: continued(next, rows), count, bytes, end };
      if (tail === "other") throw foreign(count, "an answer has another format");
      const length = head.length + tail;
      file.take(length);
      bytes += length;
      end = next.value.end;
      count++;
    }
    return { rows, count, bytes, end };
  } finally {
    await file.close();
  }
}

/**
 * The number of bytes of the answer that begins at `from`; `"cut"` if the file ends within it, `"other"` if
 * it has another form.
 */
async function readTail(file: Reader, from: number, pattern: RegExp): Promise<number | "cut" | "other"> {
  for (let size = FIRST_TAIL; ; size *= 4) {
    const bytes = (await file.peek(from + size)).subarray(from);
    pattern.lastIndex = 0;
    const tail = pattern.exec(bytes.toString());
    if (tail) return Buffer.byteLength(tail[0]);
    if (bytes.length < size) return bytes.includes("\n") ? "other" : "cut";
    if (size >= MAX_TAIL) return "other";
  }
}

/**
 * Whether a row may have been left out because it has no text: the model decides that, and isn't run again.
 */
function mayBeSkipped(row: Row): boolean {
  return isOnly(row, (text) => BLANK.test(text));
}

/** A file to look ahead in. */
interface Reader {
  /** The next bytes, at most `count`, without consuming them. */
  peek(count: number): Promise<Buffer>;
  take(count: number): void;
  close(): Promise<void>;
}

async function startReader(path: string): Promise<Reader> {
  const handle = await open(path);
  let buffered: Buffer = Buffer.alloc(0);
  let ended = false;
  return {
    async peek(count) {
      while (buffered.length < count && !ended) {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(READ_AT_ONCE), 0, READ_AT_ONCE);
        ended = bytesRead === 0;
        buffered = Buffer.concat([buffered, buffer.subarray(0, bytesRead)]);
      }
      return buffered.subarray(0, count);
    },
    take(count) {
      buffered = buffered.subarray(count);
    },
    close: () => handle.close(),
  };
}
