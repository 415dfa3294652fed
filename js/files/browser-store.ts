/** Copies of models' files in the browser's Cache API. */

import { asNote, type Note, type Store } from "./store.js";

const NAME = "tabsense-models";

/**
 * Keys have to look like addresses. Nothing is ever fetched from these, and a page's own service worker that
 * searches all caches for an address never finds them.
 */
const NOTES = "https://tabsense.invalid/notes/";
const BODIES = "https://tabsense.invalid/bodies/";

/** The share of the page's quota that copies may use: the rest is for the page's own data. */
const SHARE = 0.9;

/**
 * The browser's store, or null if there is none: on insecure pages, in frames without an origin (where merely
 * reading `caches` throws) and, unless `create` is set, if nothing has been kept so far.
 */
export async function browserStore(create: boolean): Promise<Store | null> {
  try {
    if (typeof caches !== "object" || !(create || (await caches.has(NAME)))) return null;
    return storeIn(await caches.open(NAME));
  } catch {
    return null;
  }
}

function storeIn(cache: Cache): Store {
  const noteKey = (key: string) => NOTES + encodeURIComponent(key);
  const read = async (key: string | Request): Promise<Note | null> =>
    asNote(await (await cache.match(key))?.json().catch(() => null));
  return {
    note: (key) => read(noteKey(key)),
    async notes() {
      const keys = (await cache.keys()).filter(({ url }) => url.startsWith(NOTES));
      return (await Promise.all(keys.map(read))).filter((note) => note !== null);
    },
    putNote: (note) => cache.put(noteKey(note.key), new Response(JSON.stringify(note))),
    async deleteNote(key) {
      await cache.delete(noteKey(key));
    },
    open: async (body) => (await cache.match(BODIES + body))?.body ?? null,
    put: (body, bytes) =>
      cache.put(
        BODIES + body,
        new Response(bytes, { headers: { "content-type": "application/octet-stream" } }),
      ),
    async delete(body) {
      await cache.delete(BODIES + body);
    },
    async bodies() {
      const keys = (await cache.keys()).filter(({ url }) => url.startsWith(BODIES));
      return keys.map(({ url }) => url.slice(BODIES.length));
    },
    async freeBytes() {
      // Safari has no estimate before version 17.
      const { quota, usage } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
      return quota === undefined ? Number.POSITIVE_INFINITY : quota * SHARE - (usage ?? 0);
    },
    async clear() {
      await caches.delete(NAME);
    },
  };
}
