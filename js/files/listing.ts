/** A model hub's listing of a repository: its files, and which pull requests have weights. */

import type { HubRepository } from "../client/protocol.js";
import { candidatesOf, type Listing, type WeightsSpec } from "./choice.js";
import type { HeadersOf } from "./freshness.js";
import { request } from "./request.js";

/** The timeout for a hub's whole response, in milliseconds: files can be found without it. */
const LIMIT = 5_000;
/** A page lists a thousand files. */
const MAX_PAGES = 20;
/** How many pull requests are checked, newest first. */
const MAX_PULLS = 8;

/**
 * The files of a repository, or null if the hub can't list them for any reason, which doesn't fail a load.
 * Rejects only if `signal` fires or the headers can't be obtained.
 */
export async function listRepository(
  { api, revision }: HubRepository,
  headersOf: HeadersOf,
  signal: AbortSignal,
): Promise<Listing | null> {
  const first = new URL(`${api}/tree/${encodeURIComponent(revision)}?recursive=true`);
  const headers = await headersOf(first.href);
  const files = new Map<string, number | null>();
  const answered = await within(signal, async (limited) => {
    let page: URL | null = first;
    for (let pages = 0; page && pages < MAX_PAGES; pages++) {
      const response: Response = await ask(page, headers, limited);
      const entries: unknown = await response.json();
      if (!Array.isArray(entries)) return false;
      for (const entry of entries as unknown[]) {
        const { type, path, size } = (entry ?? {}) as Record<string, unknown>;
        if (type === "file" && typeof path === "string")
          files.set(path, Number.isSafeInteger(size) ? (size as number) : null);
      }
      page = nextPage(response, first);
    }
    return page === null;
  });
  return answered ? files : null;
}

/**
 * The newest pull requests of a repository with weights that load here, as revisions ("refs/pr/8"); none if
 * the hub doesn't list them. Never rejects.
 */
export async function pullsWithWeights(
  { api }: HubRepository,
  wanted: WeightsSpec,
  headersOf: HeadersOf,
  signal: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  await within(signal, async (limited) => {
    const url = new URL(`${api}/refs?include_prs=1`);
    const { pullRequests } = (await (await ask(url, await headersOf(url.href), limited)).json()) as {
      pullRequests?: { ref?: unknown }[];
    };
    const refs = (pullRequests ?? []).map(({ ref }) => ref).filter((ref) => typeof ref === "string");
    const newest = refs
      .map((ref) => ({ ref, number: Number(/^refs\/pr\/(\d+)$/.exec(ref)?.[1]) }))
      .filter(({ number }) => number > 0)
      .sort((a, b) => b.number - a.number)
      .slice(0, MAX_PULLS);
    const listings = await Promise.all(
      newest.map(({ ref }) => listRepository({ api, revision: ref }, headersOf, limited)),
    );
    for (const [i, { ref }] of newest.entries())
      if (listings[i] && candidatesOf(wanted, listings[i]).length > 0) found.push(ref);
    return true;
  }).catch(() => {});
  return found;
}

async function ask(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  const response = await request(url.href, { headers, own: { accept: "application/json" }, signal });
  if (response.ok) return response;
  void response.body?.cancel().catch(() => {});
  throw new Error(`${url.href} answered ${response.status}`);
}

/**
 * The address of the next page. Only its query is used: a mirror may pass on the address of the hub that it
 * mirrors.
 */
function nextPage(response: Response, first: URL): URL | null {
  const link = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (link === undefined) return null;
  const next = new URL(first);
  next.search = new URL(link, first).search;
  return next;
}

/** The result of `work` within the time limit; false if it fails for any reason except `signal`. */
async function within(
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<boolean>,
): Promise<boolean> {
  const limited = new AbortController();
  const end = () => limited.abort();
  signal.addEventListener("abort", end);
  const timer = setTimeout(end, LIMIT);
  try {
    return await work(limited.signal);
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
