/**
 * The copies of models' files that a browser keeps, so that the next start needs no network: in the Cache
 * API, a body and a note each.
 */

import { inTime, isOther, versionOf } from "./download.js";
import type { Opened, Version } from "./bytes.js";
import type { CachedFile } from "../api/types.js";

/** A copy on its way into the cache. Nothing that fails here ever fails a load. */
export interface CopyWriter {
  /** Takes the next bytes; waits where the disk is slower than the network. */
  write(bytes: Uint8Array): Promise<void>;
  /** The copy is whole: as soon as the disk has it, it is found. */
  commit(bytes: number, checksum: string): void;
  /** Nothing is kept. */
  abandon(): void;
}

/** A copy, and the checksum that its bytes must have. */
export interface Copy {
  opened: Opened;
  checksum: string;
  drop(): Promise<void>;
}

/** Where copies are kept. */
export interface ModelCache {
  /** The copy of `url`, where there is one and the server has nothing newer, or can't be asked. */
  open(url: string, signal: AbortSignal): Promise<Copy | null>;
  /** A place for a copy of `url`, or null where none can be kept: in a private window, say. */
  write(url: string, version: Version): Promise<CopyWriter | null>;
  /** Fulfils once no whole copy is on its way to the disk any more; null where none is. */
  settled(): Promise<void> | null;
  /** Writes at once what would wait until the first call has been answered. */
  hurry(): void;
}

/** What is written beside a copy once it is whole; without it, a copy counts for nothing. */
interface Note {
  url: string;
  bytes: number;
  checksum: string;
  version: Version;
  stored: number;
}

const NAME = "tabsense-models";
/**
 * How many bytes of a copy are held at most before any is written. A file within that is written once it is
 * whole, and takes no time from its loading.
 */
const MOST_HELD = 32 << 20;
/** Milliseconds after a file is whole in which its copy is left unwritten. */
const FIRST_CALL = 250;
/** How many bytes of a longer one wait for the disk at most. */
const QUEUE = 4 << 20;
/** Milliseconds that a server has for saying whether it has something newer. */
const ASK_LIMIT = 3000;
/** An address that names one version for good: a commit on a model hub. */
const PINNED = /\/resolve\/[0-9a-f]{40}\//;

/** The whole copies that the disk doesn't have yet. */
const unsettled = new Set<Promise<void>>();

/** Goes on with each copy that waits. */
const waiting = new Set<() => void>();

/**
 * A moment in which the first call can be answered: the copy of 23 MB would take a tenth of a second of its
 * thread and the disk's.
 */
function afterFirstCall(): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      waiting.delete(go);
      resolve();
    };
    const timer = setTimeout(go, FIRST_CALL);
    waiting.add(go);
  });
}

/** The browser's cache. */
export const browserCache: ModelCache = {
  async open(url, signal) {
    try {
      const cache = await storage();
      const note = await noteOf(await cache?.match(noteKey(url)));
      if (!cache || note === null || note.url !== url) return null;
      if (!PINNED.test(url) && (await isNewer(url, note, signal))) return null;
      const body = (await cache.match(url))?.body;
      if (!body) return null;
      const opened = { total: note.bytes, exact: true, body, version: note.version };
      return { opened, checksum: note.checksum, drop: () => drop(cache, url) };
    } catch {
      return null;
    }
  },

  async write(url, version) {
    try {
      const cache = await storage();
      if (!cache) return null;
      await cache.delete(noteKey(url));
      return startCopy(cache, url, version);
    } catch {
      return null;
    }
  },

  hurry: () => waiting.forEach((go) => go()),
  settled: () => (unsettled.size === 0 ? null : Promise.all(unsettled).then(() => {})),
};

/**
 * The files of models that this origin keeps, newest first. In Node, and where a browser keeps nothing, there
 * are none.
 */
export async function listCachedFiles(): Promise<CachedFile[]> {
  const cache = await existing();
  if (!cache) return [];
  const answers = await Promise.all(
    (await cache.keys()).filter(({ url }) => url.endsWith(NOTE)).map((key) => cache.match(key)),
  );
  const notes = (await Promise.all(answers.map(noteOf))).filter((note) => note !== null);
  return notes
    .sort((a, b) => b.stored - a.stored)
    .map(({ url, bytes, stored }) => ({ url, bytes, stored: new Date(stored) }));
}

/** Forgets the files whose address begins with `prefix`; without one, all. */
export async function clearCachedFiles(prefix?: string): Promise<void> {
  const cache = await existing();
  if (!cache) return;
  if (prefix === undefined) return void (await caches.delete(NAME));
  for (const { url } of await listCachedFiles()) if (url.startsWith(prefix)) await drop(cache, url);
}

/** Null where there is no such thing: in Node, and on pages that aren't secure. */
async function storage(): Promise<Cache | null> {
  return typeof caches === "object" ? caches.open(NAME) : null;
}

/** Looking makes none. */
async function existing(): Promise<Cache | null> {
  return typeof caches === "object" && (await caches.has(NAME).catch(() => false)) ? storage() : null;
}

/** How the address of a note ends; no file of a model has such. */
const NOTE = "tabsense-note";

function noteKey(url: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${NOTE}`;
}

async function noteOf(response: Response | undefined): Promise<Note | null> {
  const note = (await response?.json().catch(() => null)) as Note | null | undefined;
  return note &&
    typeof note.url === "string" &&
    typeof note.checksum === "string" &&
    Number.isSafeInteger(note.bytes)
    ? note
    : null;
}

/** Whether the server says that its file is another one. A server that can't be asked says nothing. */
async function isNewer(url: string, note: Note, signal: AbortSignal): Promise<boolean> {
  const answer = await inTime(ASK_LIMIT, fetch(url, { method: "HEAD", cache: "no-cache", signal })).catch(
    () => null,
  );
  if (!answer?.ok) return false;
  const length = answer.headers.get("content-length");
  const plain = !answer.headers.has("content-encoding") && answer.type !== "cors";
  return (
    isOther(note.version, versionOf(answer)) || (plain && length !== null && Number(length) !== note.bytes)
  );
}

function startCopy(cache: Cache, url: string, version: Version): CopyWriter {
  const headers = { "content-type": "application/octet-stream" };
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let stream: CopyStream | null = null;
  let failed = false;
  const fail = () => {
    if (failed) return;
    failed = true;
    held = [];
    stream?.writer.abort().catch(() => {});
    // What was written of it takes up room that is short already.
    void drop(cache, url).catch(() => {});
  };

  function open(): CopyStream {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
      {},
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE }),
    );
    const [writer, stored] = [writable.getWriter(), cache.put(url, new Response(readable, { headers }))];
    stored.catch(fail);
    writer.closed.catch(fail);
    return { writer, stored };
  }

  async function write({ writer, stored }: CopyStream, bytes: Uint8Array): Promise<void> {
    // Where the cache has given up, it never gets ready.
    await Promise.race([writer.ready, stored]).catch(fail);
    if (!failed) void writer.write(bytes).catch(fail);
  }

  async function finish(bytes: number, checksum: string): Promise<void> {
    try {
      if (stream) {
        await stream.writer.close();
        await stream.stored;
      } else {
        await afterFirstCall();
        if (failed) return;
        await cache.put(url, new Response(new Blob(held as BlobPart[]), { headers }));
        held = [];
      }
      const note: Note = { url, bytes, checksum, version, stored: Date.now() };
      await cache.put(noteKey(url), new Response(JSON.stringify(note)));
      if (failed) await drop(cache, url); // given up meanwhile
    } catch {
      fail();
    }
  }

  return {
    async write(bytes) {
      if (failed) return;
      if (stream) return write(stream, bytes);
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes <= MOST_HELD) return;
      stream = open();
      for (const part of held.splice(0)) await write(stream, part);
    },
    commit(bytes, checksum) {
      if (failed) return;
      // Nobody who wants an answer waits for the disk.
      const finished = finish(bytes, checksum).finally(() => unsettled.delete(finished));
      unsettled.add(finished);
    },
    abandon: fail,
  };
}

/** A copy that is being written. */
interface CopyStream {
  writer: WritableStreamDefaultWriter<Uint8Array>;
  stored: Promise<void>;
}

async function drop(cache: Cache, url: string): Promise<void> {
  await cache.delete(noteKey(url));
  await cache.delete(url);
}
