/**
 * Downloads a file over unreliable networks: a connection that breaks or stalls is resumed where it ended.
 */

import { TabsenseError } from "../api/errors.js";
import { FileChanged, isEncoded, announcedLength, openResponse, type Opened, type Version } from "./bytes.js";
import { notFetched, refused, retryAfter, unrequestedRange } from "./refusals.js";
import { request } from "./request.js";

/** The retries, timeout and headers of a download. */
export interface DownloadOptions {
  /** How many times in a row it is retried. */
  retries: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  stall: number;
  /** Whether a failure to open the file means that it is missing, so that a retry is useless. */
  isAbsent?: (error: TabsenseError) => Promise<boolean>;
  /** Headers to send with each request, besides its own. */
  headers?: () => Promise<Record<string, string>>;
}

/** Milliseconds before the first retry; each later one waits three times as long. */
const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 10_000;
/** The longest wait that a server may request, in milliseconds; longer ones are an error. */
const LONGEST_RETRY_AFTER = 30_000;
/** Statuses after which a retry may succeed. */
const TEMPORARY = [408, 425, 429, 500, 502, 503, 504];

/** Milliseconds before the next retry, after `tried` retries in a row. */
export function pauseAfter(tried: number): number {
  return Math.min(FIRST_PAUSE * 3 ** tried, LONGEST_PAUSE);
}

/**
 * Opens `url`. Its bytes come over as many connections as necessary: each resumes where the last one ended
 * (`Range`), or, if the server can't do that, skips what was already read. Reading fails with {@link
 * FileChanged} if the file changed, and with kind `"network"` for error statuses and connections that keep
 * failing.
 */
export async function download(
  url: string,
  options: DownloadOptions,
  signal: AbortSignal,
  cache: RequestCache = "default",
): Promise<Opened> {
  const { retries } = options;
  let tried = 0;
  /** Waits before a retry; returns false after the last one. */
  async function again(after: number | null): Promise<boolean> {
    if (tried >= retries) return false;
    await pause(after ?? pauseAfter(tried), signal);
    tried++;
    return true;
  }
  async function connect(start: Start): Promise<Connection> {
    for (;;) {
      try {
        return await connectAt(url, start, options, signal, start.at === 0 ? cache : "no-store");
      } catch (thrown) {
        signal.throwIfAborted();
        if (!(thrown instanceof Temporary)) throw thrown;
        if (start.wanted === null && (await options.isAbsent?.(thrown.error))) throw thrown.error;
        if (!(await again(thrown.after))) throw thrown.error;
      }
    }
  }

  const first = await connect({ at: 0, wanted: null, length: null, ranges: false });
  let connection = first;
  const { version } = first;
  // A range would count compressed bytes.
  const ranges = !isEncoded(first.response);
  const length = lengthOf(first.response);
  let at = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          try {
            const value = await connection.next();
            if (value === null) return controller.close();
            at += value.length;
            tried = 0;
            return controller.enqueue(value);
          } catch (cause) {
            connection.close();
            signal.throwIfAborted();
            if (!(await again(null))) throw cause;
            connection = await connect({ at, wanted: version, length, ranges });
          }
        }
      },
      cancel: () => connection.close(),
    },
    { highWaterMark: 0 },
  );
  return {
    ...openResponse(connection.response, url),
    body,
    version,
  };
}

/** A failure that a retry may fix; `after`: milliseconds that the server asks to wait, or null. */
class Temporary extends Error {
  constructor(
    readonly error: TabsenseError,
    readonly after: number | null,
  ) {
    super(error.message);
  }
}

/** One connection. */
interface Connection {
  response: Response;
  version: Version;
  /** The next bytes, null at the end. */
  next(): Promise<Uint8Array | null>;
  close(): void;
}

/** Where a connection begins. */
interface Start {
  at: number;
  /** The version that it must find; null for the first connection. */
  wanted: Version | null;
  /** The length of the whole file, if the first connection declared it. */
  length: number | null;
  /** Whether only the rest of the file may be requested. */
  ranges: boolean;
}

/** Connects to `url`; every connection after the first must find the same version. */
async function connectAt(
  url: string,
  start: Start,
  { stall, headers }: DownloadOptions,
  signal: AbortSignal,
  cache: RequestCache,
): Promise<Connection> {
  const own = new AbortController();
  const end = () => own.abort(signal.reason);
  signal.addEventListener("abort", end);
  const close = () => {
    signal.removeEventListener("abort", end);
    own.abort();
  };
  try {
    const given = await headers?.();
    const range = headersFor(url, start);
    const response = await inTime(
      stall,
      request(url, { signal: own.signal, headers: given ?? {}, own: range, cache }),
    ).catch((cause: unknown) => {
      throw cause instanceof TabsenseError ? cause : new Temporary(notFetched(url, cause), null);
    });
    if (response.status === 416) throw new FileChanged(`${url} is shorter than it was`);
    if (!response.ok) throw failureOf(url, response);
    if (response.status === 206 && !("Range" in range)) throw new Temporary(unrequestedRange(url), null);
    const version = versionOf(response);
    let skip = start.wanted === null ? 0 : bytesToSkip(url, start, start.wanted, response, version);
    const reader = response.body?.getReader();
    const next = async () => {
      for (;;) {
        const { done, value } = reader
          ? await inTime(stall, reader.read())
          : { done: true, value: undefined };
        if (done) {
          close();
          if (skip > 0) throw new FileChanged(`${url} is shorter than it was`);
          return null;
        }
        const skipped = Math.min(skip, value!.length);
        skip -= skipped;
        if (skipped < value!.length) return value!.subarray(skipped);
      }
    };
    return { response, version, next, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/**
 * On a request to another origin, `If-Range` would cause a CORS preflight: there, the headers of the response
 * have to suffice.
 */
function headersFor(url: string, { at, wanted, ranges }: Start): Record<string, string> {
  if (at === 0 || !ranges) return {};
  const range = { Range: `bytes=${at}-` };
  if (crossesOrigins(url)) return range;
  // A weak tag doesn't promise the same bytes.
  const known = wanted?.etag && !wanted.etag.startsWith("W/") ? wanted.etag : wanted?.modified;
  return known ? { ...range, "If-Range": known } : range;
}

/** Whether a request for `url` goes to another origin than the page's; Node has no page. */
export function crossesOrigins(url: string): boolean {
  const page = (globalThis as { location?: Location }).location;
  return !!page && new URL(url).origin !== page.origin;
}

/** How many bytes of a response were read before. */
function bytesToSkip(
  url: string,
  start: Start,
  wanted: Version,
  response: Response,
  version: Version,
): number {
  const { at } = start;
  // A server of another origin may hide that it compressed the whole file. A part is never compressed, so its
  // total may differ.
  const length = response.status === 206 && response.type === "cors" ? null : lengthOf(response);
  if (at > 0 && start.length !== null && length !== null && length !== start.length)
    throw new FileChanged(`${url} has ${length} bytes, and had ${start.length}`);
  if (at > 0 && response.status === 206) {
    const range = response.headers.get("content-range");
    if (isOther(wanted, version)) throw new FileChanged(`${url} changed while it was read`);
    // A part requested on condition of a version is of that version, even if the response doesn't say so.
    if (!("If-Range" in headersFor(url, start)) && !isSame(wanted, version))
      throw new FileChanged(
        `The connection to ${url} broke after ${at} bytes, and its server doesn't say whether the rest belongs to the same file`,
      );
    if (range !== null && !range.startsWith(`bytes ${at}-`))
      throw new FileChanged(`The server of ${url} sends other bytes than requested`);
    return 0;
  }
  // The whole file again: a mix of two files would be a wrong model, so it must be known to be the same file.
  if (at > 0 && isOther(wanted, version)) throw new FileChanged(`${url} changed while it was read`);
  if (at > 0 && !isSame(wanted, version))
    throw new FileChanged(`The connection to ${url} broke after ${at} bytes, and its server can't resume`);
  return at;
}

/** The length of the whole file according to a response, or null. */
function lengthOf(response: Response): number | null {
  if (response.status !== 206) return announcedLength(response);
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? null : Number(total);
}

/** Whether two versions are known to be the same. */
export function isSame(a: Version, b: Version): boolean {
  return a.etag !== null && b.etag !== null
    ? a.etag === b.etag
    : a.modified !== null && a.modified === b.modified;
}

/** Whether two versions are known to differ. */
export function isOther(a: Version, b: Version): boolean {
  if (a.etag !== null && b.etag !== null) return a.etag !== b.etag;
  return a.modified !== null && b.modified !== null && a.modified !== b.modified;
}

/** What a response says about its file's version. */
export function versionOf(response: Response): Version {
  return { etag: response.headers.get("etag"), modified: response.headers.get("last-modified") };
}

/** The error for a status other than success. */
function failureOf(url: string, response: Response): Temporary | TabsenseError {
  void response.body?.cancel().catch(() => {});
  const error = refused(url, response);
  const after = retryAfter(response);
  const mayWait = after === null || after <= LONGEST_RETRY_AFTER;
  return TEMPORARY.includes(response.status) && mayWait ? new Temporary(error, after) : error;
}

/** Settles like `promise`, but rejects after `ms` milliseconds. */
export async function inTime<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no byte for ${ms / 1000} seconds`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
