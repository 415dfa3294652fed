/** Revalidates a copy with its server. */

import { crossesOrigins } from "./download.js";
import { request } from "./request.js";
import { ABSENT, type Entry } from "./store.js";

/**
 * What a server says about a copy: it is the same (`"dated"`: only judging by its date), it is another one,
 * or nothing, for example because the server can't be reached.
 */
export type Freshness = "same" | "dated" | "other" | "silent";

/** The version of a file that was read, as in an entry of the store; `bytes` is null if unknown. */
export type Known = Pick<Entry, "url" | "version" | "body"> & { bytes: number | null };

/** The headers to send with a request for an address, besides its own. */
export type HeadersOf = (url: string) => Promise<Record<string, string>>;

/** The timeout for a server's response, in milliseconds. */
const LIMIT = 3000;

/** A URL with an immutable version: a commit on a model hub. */
const PINNED = /\/resolve\/[0-9a-f]{40}\//;

/**
 * Whether the server still has the file of `entry`. The request is a conditional GET, whose body is not read:
 * some servers and signed links only support GET. On a request to another origin, our own condition would
 * cause a CORS preflight; `no-cache` lets the browser send the condition of its HTTP cache. Rejects only if
 * the headers can't be obtained.
 */
export async function freshnessOf(
  entry: Known,
  headersOf: HeadersOf,
  signal: AbortSignal,
): Promise<Freshness> {
  const { url, version } = entry;
  if (PINNED.test(url)) return "same";
  const headers = await headersOf(url);
  const limited = new AbortController();
  const end = () => limited.abort();
  signal.addEventListener("abort", end);
  const timer = setTimeout(end, LIMIT);
  try {
    const condition = crossesOrigins(url) ? {} : conditionOf(entry);
    const response = await request(url, {
      headers,
      own: condition,
      cache: "no-cache",
      signal: limited.signal,
    });
    if (entry.body === ABSENT) return isStillAbsent(response);
    if (response.status === 304) return "If-None-Match" in condition ? "same" : "dated";
    if (response.status === 404 || response.status === 410) return "other";
    // A partial response says nothing, and neither does a page, which is usually a network's login.
    if (!response.ok || response.status === 206 || isPage(response)) return "silent";
    const [etag, modified] = [response.headers.get("etag"), response.headers.get("last-modified")];
    const length = response.headers.get("content-length");
    // The length may count compressed bytes: the response says so, or may hide it from other origins.
    const exact = response.type !== "cors" && !response.headers.has("content-encoding");
    if (exact && length !== null && entry.bytes !== null && Number(length) !== entry.bytes) return "other";
    if (etag !== null && version.etag !== null)
      return strong(etag) === strong(version.etag) ? "same" : "other";
    // Without a version, the file may have changed.
    return modified !== null && modified === version.modified ? "dated" : "other";
  } catch {
    return "silent";
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Whether a file is still missing: the server refuses it, or sends the site's own page. */
function isStillAbsent(response: Response): Freshness {
  if ([403, 404, 410].includes(response.status)) return "same";
  if (!response.ok) return "silent";
  return isPage(response) ? "same" : "other";
}

function isPage({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/html") ?? false;
}

function conditionOf({ version: { etag, modified } }: Known): Record<string, string> {
  if (etag !== null) return { "If-None-Match": etag };
  return modified !== null ? { "If-Modified-Since": modified } : {};
}

/** A tag without the weak mark, which servers add when they compress a file. */
function strong(etag: string): string {
  return etag.replace(/^W\//, "");
}
