/** Requests a model file without sending the caller's headers to another origin. */

import { TabsenseError } from "../api/errors.js";

/** The options of a request. */
export interface RequestOptions {
  signal: AbortSignal;
  /** The caller's headers, which no other origin may see. */
  headers?: Record<string, string>;
  /** Headers of this package: ranges and conditions. */
  own?: Record<string, string>;
  cache?: RequestCache;
}

/** Headers without secrets, and those that `fetch` itself removes on a redirect to another origin. */
const SAFE_HEADERS = ["accept", "accept-language", "content-language", "content-type", "authorization"];
/** As many redirects as `fetch` follows. */
const MAX_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Fetches `url`. On a redirect to another origin, `fetch` drops `Authorization` but keeps all other headers,
 * so redirects of requests with other secret headers are followed here. A browser hides where redirects lead:
 * there, they are followed without those headers.
 */
export async function request(
  url: string,
  { headers = {}, own, cache, signal }: RequestOptions,
): Promise<Response> {
  // Edge runtimes reject the field `cache`, even with their default.
  const rest = { signal, ...(cache && cache !== "default" ? { cache } : {}) };
  let given = headers;
  let at = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const secret = Object.keys(given).filter((name) => !SAFE_HEADERS.includes(name.toLowerCase()));
    if (secret.length === 0) return fetch(at, { ...rest, headers: { ...given, ...own } });
    const response = await fetch(at, { ...rest, headers: { ...given, ...own }, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      const harmless = Object.entries(given).filter(([name]) => !secret.includes(name));
      const followed = await fetch(at, { ...rest, headers: { ...Object.fromEntries(harmless), ...own } });
      if (followed.status === 401 || followed.status === 403) throw hidden(url, secret, followed.status);
      return followed;
    }
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    void response.body?.cancel().catch(() => {});
    const next = new URL(location, at);
    if (next.origin !== new URL(at).origin) given = {};
    at = next.href;
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

function hidden(url: string, secret: readonly string[], status: number): TabsenseError {
  const names = secret.join(", ");
  return new TabsenseError(
    "network",
    `${url} redirects, and a browser would send ${names} to the target; without, the server answers ${status}. Pass the token as Authorization, which browsers drop on redirects, or fetch the files yourself and pass them.`,
    { cause: status },
  );
}
