/**
 * The page's service worker: it serves the files of one build of the page, so that the page
 * opens without a network.
 *
 * A file is stored whole and with its digest from the build, or not at all. All other requests, and
 * requests for a part of a file, never pass through here. Responses keep the server's headers, including
 * those that allow threads.
 */

import type { Digests, KeepResult, Manifest, Message } from "./protocol.ts";

declare const self: ServiceWorkerGlobalScope;
declare const MANIFEST: Manifest; // inserted by the build

const PREFIX = "tabsense-page-";
const CACHE = PREFIX + MANIFEST.version;
/** The modules that read PyTorch's checkpoints and that teach: once one is needed, it stays stored. */
const ON_DEMAND: readonly Digests[] = ["rewriter", "teacher"].map((name) => MANIFEST.engines[name] ?? {});
const OPTIONAL: Digests = Object.assign({}, ...Object.values(MANIFEST.engines), MANIFEST.model);

self.addEventListener("install", (event) => event.waitUntil(store(MANIFEST.page)));
// The claim is not awaited: Firefox notifies each worker of the page, and threads that wait
// for work don't respond.
self.addEventListener("activate", (event) =>
  event.waitUntil(
    replaceOthers()
      .catch(() => {})
      .then(() => void self.clients.claim()),
  ),
);

self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  const isIn = (files: Digests): boolean => path !== null && Object.hasOwn(files, path);
  if (path === null || !(isIn(MANIFEST.page) || isIn(OPTIONAL))) return;
  event.respondWith(stored(path).then((response) => response ?? fetch(event.request)));
  // If there is no room for it, it is fetched again next time.
  for (const files of ON_DEMAND) if (isIn(files)) event.waitUntil(store(files).catch(() => {}));
});

self.addEventListener("message", (event) => {
  const message = event.data as Message;
  if (message.type === "take-over") return void self.skipWaiting();
  const answer = (result: KeepResult): void => event.ports[0]?.postMessage(result);
  const wanted = {
    ...MANIFEST.page,
    ...(message.build === null ? {} : MANIFEST.engines[message.build]),
    ...(message.model ? MANIFEST.model : {}),
  };
  event.waitUntil(
    store(wanted).then(
      () => answer({ ok: true }),
      (error: unknown) =>
        answer({ ok: false, reason: error instanceof Error ? error.message : String(error) }),
    ),
  );
});

/** The path of a request's file below the page's folder; null for other requests. */
function pathOf({ url, method, mode, headers }: Request): string | null {
  const { origin, pathname, search } = new URL(url);
  const { scope } = self.registration;
  const file = origin + pathname;
  if (method !== "GET" || headers.has("range") || !file.startsWith(scope)) return null;
  if (search !== "" && mode !== "navigate") return null;
  const path = file.slice(scope.length);
  return path === "index.html" ? "" : path;
}

function addressOf(path: string): string {
  return self.registration.scope + path;
}

/** The stored response; a cache that can't be read counts as empty. */
async function stored(path: string): Promise<Response | undefined> {
  return caches
    .open(CACHE)
    .then((cache) => cache.match(addressOf(path)))
    .catch(() => undefined);
}

/** Stores those of `files` that aren't stored yet. */
async function store(files: Digests): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const [path, integrity] of Object.entries(files)) {
    const address = addressOf(path);
    if (await cache.match(address)) continue;
    await cache.put(address, await fetchWhole(address, integrity)).catch((error: unknown) => {
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      throw full
        ? new Error(`There is not enough storage for ${address}: this site has reached the browser’s limit.`)
        : error;
    });
  }
}

/**
 * Fetches a file with its digest from the build: what the page has just fetched, from the browser's own
 * cache, or else from the server.
 */
async function fetchWhole(address: string, integrity: string): Promise<Response> {
  const inCache = address === self.registration.scope ? "no-cache" : "force-cache"; // the page itself has one address in all versions
  // A redirected response can't answer a navigation.
  const attempt = (cache: RequestCache): Promise<Response> =>
    fetch(address, { cache, integrity, redirect: "error" });
  try {
    return await attempt(inCache).catch(() => attempt("reload"));
  } catch {
    throw new Error(`${address} could not be fetched, or doesn’t match this version of the page.`);
  }
}

/**
 * Takes over the unchanged files of the engine and the model that earlier versions
 * stored, and deletes the rest.
 */
async function replaceOthers(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  const cache = await caches.open(CACHE);
  for (const name of others) {
    const other = await caches.open(name);
    for (const [path, integrity] of Object.entries(OPTIONAL)) {
      await copyIfEqual(other, cache, addressOf(path), integrity).catch(() => {}); // no room for two: the page stores it again
    }
    await caches.delete(name);
  }
}

async function copyIfEqual(from: Cache, to: Cache, address: string, integrity: string): Promise<void> {
  const response = await from.match(address);
  if (response && (await digest(response.clone())) === integrity) await to.put(address, response);
}

async function digest(response: Response): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}
