/** Reads a file into a table: a worker parses it, and the rows are put together here. */

import { FILE_READER, trustedWorker } from "../trusted.ts";
import { assembly } from "./assembly.ts";
import { FileProblem, type Reading, type ReaderMessage } from "./reading.ts";
import type { Request } from "./reader.ts";
import type { Table } from "./table.ts";

export type { Reading };

/**
 * Reads a file. `progress` is called with the share that is read, from 0 to 1.
 *
 * @throws {FileProblem} if the file can't be used; an `AbortError` when `signal` fires.
 */
export function readTable(
  file: File,
  reading: Reading,
  signal: AbortSignal,
  progress: (share: number) => void = () => {},
): Promise<Table> {
  return new Promise<Table>((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(trustedWorker(FILE_READER), { type: "module" });
    const settled = new AbortController();
    const settle = (act: () => void): void => {
      settled.abort();
      worker.terminate();
      act();
    };
    const failed = (): void =>
      settle(() =>
        reject(new FileProblem("The file reader failed. Reload the page, then try again.", "internal")),
      );
    const { take, table } = assembly();
    const received = ({ data: sent }: MessageEvent<ReaderMessage>): void => {
      if (sent.type === "problem") return settle(() => reject(new FileProblem(sent.message, sent.kind)));
      take(sent);
      if (sent.type === "rows") progress(sent.read / file.size);
      const complete = table();
      if (complete) settle(() => resolve(complete));
    };
    const listening = { signal: settled.signal };
    worker.addEventListener("message", received, listening);
    worker.addEventListener("messageerror", failed, listening);
    worker.addEventListener("error", failed, listening);
    signal.addEventListener("abort", () => settle(() => reject(signal.reason)), listening);
    worker.postMessage({ file, reading } satisfies Request);
  });
}
