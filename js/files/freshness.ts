/** Revalidates a copy with its server. */

import { crossesOrigins } from "./download.js";
import { request } from "./request.js";
import { ABSENT, type Entry } from "./store.js";

/**
 * What a server says about a copy: it is the same (`"dated"`: by its date alone), another one, or nothing,
 * because it can't be asked.
 */
export type Freshness = "same" | "dated" | "other" | "silent";

/** The version of a file that was read, as in an entry of the store; `bytes` is null if unknown. */
export type Known = Pick<Entry, "url" | "version" | "body"> & { bytes: number | null };

/** The headers of a request for an address, beside its own. */
export type HeadersOf = (url: string) => Promise<Record<string, string>>;

/** The timeout of a server's answer, in milliseconds. */
const LIMIT = 3000;

/** A URL with an immutable version: a commit on a model hub. */
const PINNED = /\/resolve\/[0-9a-f]{40}\//;

/**
 * Whether the server still has the file of `entry`. It is asked with a conditional GET, whose body is not
 * read: servers and signed links exist that answer GET alone. To another origin, a condition of our own would
 * make the browser ask for permission first; `no-cache` lets it send the one of its HTTP cache. Rejects only
 * if the headers can't be obtained.
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
    // A partial answer says nothing, and neither does a page, which is usually a network's login.
    if (!response.ok || response.status === 206 || isPage(response)) return "silent";
    const [etag, modified] = [response.headers.get("etag"), response.headers.get("last-modified")];
    const length = response.headers.get("content-length");
    // The length is of compressed bytes where the answer says so, or may hide it from other origins.
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

/** What an answer for a missing file is: none, or the site's own page. */
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

/** A tag without the mark that servers add when they compress a file on its way. */
function strong(etag: string): string {
  return etag.replace(/^W\//, "");
}
