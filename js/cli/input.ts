/** The file, or the standard input, whose rows are classified. */

import { fstatSync, statSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { TabsenseError } from "../api/errors.js";
import type { Encoding } from "../csv/content.js";
import { asUtf8 } from "./lines.js";
import type { Format } from "./row.js";

/** What the standard input is called on the command line. */
export const STDIN = "-";

/** A file that is open. */
export interface InputFile {
  name: string;
  /** Its bytes in UTF-8, without a byte order mark. */
  bytes: AsyncGenerator<Buffer>;
  /** The number of bytes; null if unknown. */
  size: number | null;
  /** Ends the reading, even of a pipe from which nothing arrives. */
  close(): void;
}

const READ_AT_ONCE = 1 << 18;

const FORMAT_OF: Record<string, Format> = {
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  jsonl: "jsonl",
  ndjson: "jsonl",
  txt: "text",
};

/** The format that a file's name shows, or null. */
export function formatOf(path: string): Format | null {
  const extension = extensionOf(path);
  return Object.hasOwn(FORMAT_OF, extension) ? FORMAT_OF[extension]! : null;
}

/** The end of a file's name, after its last dot. */
export function extensionOf(path: string): string {
  return /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
}

/** Whether an argument is meant as a file: one of that name exists, or it ends like a file's name. */
export function isFile(argument: string): boolean {
  if (argument === STDIN) return true;
  const found = statOf(argument);
  return found ? !found.isDirectory() : formatOf(argument) !== null && !/\s/.test(argument);
}

/** What is at a path; null if there is nothing, or if it isn't a valid path, such as a long text. */
export function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Whether something is piped into the standard input. */
export function isPiped(): boolean {
  try {
    const found = fstatSync(0);
    return found.isFIFO() || found.isFile() || found.isSocket();
  } catch {
    return false; // it is closed
  }
}

/**
 * Opens a file or the standard input; `encoding` null is UTF-8. Kind `"invalid_argument"` if it can't be
 * read.
 */
export async function openInput(path: string, encoding: Encoding | null): Promise<InputFile> {
  if (path === STDIN)
    return {
      name: "standard input",
      bytes: asUtf8(process.stdin, "standard input", encoding),
      size: null,
      close: () => void process.stdin.destroy(),
    };
  try {
    const handle = await open(path);
    const found = await handle.stat();
    if (found.isDirectory()) {
      await handle.close();
      throw new Error("it is a folder");
    }
    const stream = handle.createReadStream({ highWaterMark: READ_AT_ONCE });
    return {
      name: path,
      bytes: asUtf8(stream, path, encoding),
      size: found.isFile() && encoding === null ? found.size : null,
      close: () => void stream.destroy(),
    };
  } catch (cause) {
    throw new TabsenseError(
      "invalid_argument",
      `${path} could not be read (${(cause as Error).message}). Check the path; if it is a text that looks like a file name, put -- before it.`,
      { cause },
    );
  }
}
