/** The output: standard output, or a file that a later run can continue. */

import { open, type FileHandle } from "node:fs/promises";
import { TabsenseError } from "../api/errors.js";
import type { Encoder } from "./answers.js";
import { statOf } from "./input.js";
import { print } from "./print.js";
import { readDone, type Done } from "./resume.js";
import type { Row } from "./row.js";

/** What to do if the file already exists. */
export type Existing = "refuse" | "resume" | "overwrite";

/** An open output. */
export interface Output {
  /** Resolves once the text is written, so that nothing piles up. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Refuses what can be refused before a model is loaded. */
export function checkOutput(path: string, existing: Existing, input: string): void {
  const found = statOf(path);
  if (!found) return;
  if (found.isDirectory())
    throw new TabsenseError("invalid_argument", `${path} is a folder. Name a file in it.`);
  const read = statOf(input);
  if (read && found.ino === read.ino && found.dev === read.dev && found.isFile())
    throw new TabsenseError("invalid_argument", `${path} is the input itself. Choose another output name.`);
  if (existing === "refuse" && found.isFile()) throw taken(path);
}

/** The standard output. Once `signal` fires, writes no longer wait for its reader. */
export async function openStdout(encoder: Encoder, signal: AbortSignal): Promise<Output> {
  if (encoder.header) await print(encoder.header, signal);
  return { write: (text) => print(text, signal), close: async () => {} };
}

/**
 * Opens the file; to resume an earlier run, after its complete lines. `done` says how far that run came.
 * `rows` are those of the whole input, and continue after these lines when the function returns.
 */
export async function openFile(
  path: string,
  existing: Existing,
  encoder: Encoder,
  rows: AsyncGenerator<Row>,
  skips: boolean,
): Promise<{ output: Output; done: Done }> {
  let done: Done = { rows, count: 0, bytes: 0, end: 0 };
  let handle: FileHandle;
  const found = statOf(path);
  if (existing === "resume" && found?.isFile()) {
    done = await readDone(path, encoder, rows, skips);
    handle = await open(path, "r+");
    await handle.truncate(done.bytes);
    await handle.close();
    handle = await open(path, "a");
  } else {
    // A pipe or a device exists before it is written to.
    handle = await open(path, existing === "overwrite" || (found && !found.isFile()) ? "w" : "wx").catch(
      (thrown: NodeJS.ErrnoException) => {
        throw thrown.code === "EEXIST" ? taken(path) : thrown;
      },
    );
  }
  if (done.bytes === 0) await handle.writeFile(encoder.header);
  return { output: { write: (text) => handle.writeFile(text), close: () => handle.close() }, done };
}

function taken(path: string): TabsenseError {
  return new TabsenseError(
    "invalid_argument",
    `${path} already exists. Continue it with --resume, or overwrite it with --force.`,
  );
}
