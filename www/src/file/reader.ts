/**
 * The worker that parses one file, so that the page stays responsive. It is terminated once the file is read.
 */

import { parseFile } from "./parse.ts";
import { FileProblem, type Reading, type ReaderMessage } from "./reading.ts";

/** A request to the worker. */
export interface Request {
  file: File;
  reading: Reading;
}

const send = (sent: ReaderMessage): void => self.postMessage(sent);

self.addEventListener("message", ({ data: { file, reading } }: MessageEvent<Request>) => {
  void parse(file, reading);
});

async function parse(file: File, reading: Reading): Promise<void> {
  try {
    for await (const sent of parseFile(file, reading)) send(sent);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof FileProblem) send({ type: "problem", kind: error.kind, message });
    else send({ type: "problem", kind: "internal", message: `${file.name} could not be read (${message}).` });
  }
}
