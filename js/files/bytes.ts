/**
 * A model's file as a stream of bytes: from the network, a Blob, or memory; checked, counted, and ended when
 * aborted.
 */

import { TabsenseError } from "../api/errors.js";
import { refuseOtherFiles, SNIFF } from "./foreign.js";
import { notFetched, reason, refused } from "./refusals.js";

/** An open file: its length, if known, and its bytes, which can be read once. */
export interface Opened {
  total: number | null;
  /** Whether exactly `total` bytes must arrive; false if `total` may be the length of compressed bytes. */
  exact: boolean;
  body: ReadableStream<Uint8Array>;
  /** For a file from the network: its version. */
  version?: Version;
  /** The response that `body` belongs to: Node ends the body of a response that is garbage-collected. */
  response?: Response;
}

/** What identifies a version of a file; null if the server doesn't send it or hides it from other origins. */
export interface Version {
  etag: string | null;
  modified: string | null;
}

/**
 * Thrown while reading a file that has changed or may have: the bytes read so far are useless. The message is
 * half a sentence.
 */
export class FileChanged extends Error {}

/** Thrown if a copy is damaged. It has been deleted; fetch the file again. */
export class CopyDamaged extends Error {
  constructor(name: string) {
    super(`The copy of ${name} was damaged`);
  }
}

/** The largest chunk that is passed to the wasm at once: it is copied there, in addition to the model. */
export const MAX_CHUNK = 256 * 1024;

/** How many bytes of an in-memory file are read before messages, such as an abort, are handled. */
const MEMORY_CHUNK = 4 * 1024 * 1024;

/** Fetches `url`. Throws kind `"network"` for a status other than success or a failed connection. */
export async function fetchFile(
  url: string,
  signal: AbortSignal,
  cache: RequestCache = "default",
): Promise<Response> {
  let response: Response;
  try {
    // Edge runtimes reject the field, even with their default.
    response = await fetch(url, cache === "default" ? { signal } : { signal, cache });
  } catch (cause) {
    throw notFetched(url, cause);
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(url, response);
  }
  return response;
}

/** Opens the response from `url`. */
export function openResponse(response: Response, url: string): Opened {
  if (!response.body) throw new TabsenseError("not_a_model", `${url} is empty.`);
  const total = announcedLength(response);
  // A server of another origin may hide that it compressed the bytes.
  return { total, exact: total !== null && response.type !== "cors", body: response.body, response };
}

/** The length of a body, if known: Content-Length counts the bytes on the wire, compressed or not. */
export function announcedLength(response: Response): number | null {
  const length = response.headers.get("content-length");
  return length !== null && /^\d+$/.test(length) && !isEncoded(response) ? Number(length) : null;
}

/** Whether the server says that the body is compressed. */
export function isEncoded(response: Response): boolean {
  return (response.headers.get("content-encoding") ?? "identity") !== "identity";
}

/** Opens a Blob. */
export function openBlob(blob: Blob): Opened {
  return { total: blob.size, exact: true, body: blob.stream() };
}

/** Opens bytes in memory. They are read in pieces, each in its own task, so that an abort gets through. */
export function openBytes(bytes: Uint8Array): Opened {
  let at = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (at > 0) await nextTask();
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += MEMORY_CHUNK)));
        if (at >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { total: bytes.length, exact: true, body };
}

/**
 * The bytes of an open file in pieces of at most `MAX_CHUNK`, reported to `onBytes` as they arrive.
 *
 * Messages call the file `name`. The stream is cancelled if reading ends early or `signal` fires.
 */
export async function* readChunks(
  opened: Opened,
  name: string,
  signal: AbortSignal,
  onBytes: (bytes: number, total: number | null) => void,
): AsyncGenerator<Uint8Array> {
  const reader = opened.body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel);
  let bytes = 0;
  let head: Uint8Array = new Uint8Array(0);
  let sniffed = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal.throwIfAborted();
        if (cause instanceof FileChanged || cause instanceof TabsenseError) throw cause;
        throw new TabsenseError(
          "network",
          `The connection broke after ${bytes} bytes${opened.total === null ? "" : ` of ${opened.total}`} of ${name} (${reason(cause)}). Load the model again.`,
          { cause },
        );
      });
      signal.throwIfAborted();
      if (done) break;
      if (value.length === 0) continue;
      bytes += value.length;
      if (opened.exact && bytes > (opened.total ?? 0)) throw wrongLength(name, "more", opened.total);
      onBytes(bytes, total(opened, bytes));
      if (sniffed) {
        yield* cut(value);
      } else {
        head = head.length === 0 ? value : concat([head, value]);
        if (head.length >= SNIFF) {
          sniffed = true;
          refuseOtherFiles(head, name);
          yield* cut(head);
        }
      }
    }
    if (bytes === 0)
      throw new TabsenseError(
        "not_a_model",
        `${name} is empty. Check that the model was uploaded and downloaded completely.`,
      );
    if (opened.exact && bytes < (opened.total ?? 0)) throw wrongLength(name, "fewer", opened.total);
    if (!sniffed) {
      refuseOtherFiles(head, name);
      yield* cut(head);
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}

/** Reads a whole open file of at most `limit` bytes. */
export async function readAll(
  opened: Opened,
  name: string,
  limit: number,
  signal: AbortSignal,
  onBytes: (bytes: number, total: number | null) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readChunks(opened, name, signal, onBytes)) {
    bytes += chunk.length;
    if (bytes > limit)
      throw new TabsenseError(
        "not_a_model",
        `${name} is longer than ${limit} bytes, too long for such a file. Check what the server sends.`,
      );
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** Lets the event loop deliver messages. A timer would be throttled in a hidden tab. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function total(opened: Opened, bytes: number): number | null {
  return opened.total !== null && bytes <= opened.total ? opened.total : null;
}

function wrongLength(name: string, how: "more" | "fewer", announced: number | null): TabsenseError {
  return new TabsenseError(
    "weights_length",
    `${name} has ${how} bytes than the ${announced} announced. Load the model again; if that doesn't help, the file on the server is damaged.`,
  );
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_CHUNK) yield bytes.subarray(at, at + MAX_CHUNK);
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
