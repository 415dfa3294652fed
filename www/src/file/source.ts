/** The text of a file, decoded piece by piece, and its lines. */

import { markedEncoding, notText, type Encoding } from "../../../js/csv/content.ts";
import { FileProblem, type Piece, type Source } from "./reading.ts";

const PIECE_BYTES = 1 << 18;
const HEAD_BYTES = 1 << 16; // enough to see what a file is

/**
 * Opens a file. `requested`: the encoding of a file without a byte order mark, UTF-8 by default.
 *
 * @throws {FileProblem} if it isn't text or isn't in that encoding, also later, while it is read.
 */
export async function openSource(file: File, requested: Encoding | undefined): Promise<Source> {
  const start = await bytesAt(file, 0);
  const marked = markedEncoding(start);
  const problem = marked?.startsWith("utf-16") ? null : notText(start.subarray(0, HEAD_BYTES));
  if (problem !== null) throw new FileProblem(`${file.name} is ${problem}.`, "not text");
  const encoding = marked ?? requested ?? "utf-8";
  async function* pieces(): AsyncGenerator<Piece> {
    // In stream mode, a character that is split between two pieces comes whole with the second.
    const decoder = new TextDecoder(encoding, { fatal: true });
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      const read = Math.min(file.size, at + PIECE_BYTES);
      yield { text: decode(decoder, await bytesAt(file, at), read < file.size, file.name), read };
    }
  }
  let head = "";
  for await (const { text } of pieces()) {
    head = text;
    break;
  }
  return { encoding, head, isComplete: file.size <= PIECE_BYTES, pieces };
}

/** The lines of a text, piece by piece. */
export async function* linesOf(
  source: Source,
  breaks: string | RegExp,
): AsyncGenerator<{ lines: string[]; read: number }> {
  let open: string[] = []; // the pieces of a line that hasn't ended: joined once, however long it gets
  let end = 0;
  for await (const { text, read } of source.pieces()) {
    end = read;
    const lines = text.split(breaks);
    open.push(lines[0] ?? "");
    if (lines.length === 1) continue;
    lines[0] = open.join("");
    open = [lines.pop() ?? ""];
    yield { lines, read };
  }
  yield { lines: [open.join("")], read: end };
}

async function bytesAt(file: File, at: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
  } catch {
    throw new FileProblem(`${file.name} can’t be read any more. Choose it again.`, "unreadable");
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array<ArrayBuffer>, stream: boolean, name: string): string {
  let text: string;
  try {
    text = decoder.decode(bytes, { stream });
  } catch {
    const utf8 = decoder.encoding === "utf-8";
    throw new FileProblem(
      utf8
        ? `${name} is not in UTF-8. Save it as UTF-8, or read it as Windows-1252, which older programs write.`
        : `${name} is not valid ${decoder.encoding.toUpperCase()}. Save it as UTF-8.`,
      utf8 ? "not UTF-8" : "not text",
    );
  }
  if (text.includes("\0")) throw new FileProblem(`${name} is not a text file.`, "not text");
  return text;
}
