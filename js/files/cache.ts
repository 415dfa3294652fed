/**
 * Copies of models' files, so that the next start needs no network. The files of a model are kept, used and
 * replaced together: labels of one version with weights of another would be wrong without an error.
 */

import type { CachedFile } from "../api/types.js";
import type { Opened, Version } from "./bytes.js";
import { startCopy, type CopyContext, type Copying } from "./copy-writer.js";
import { isSame } from "./download.js";
import { freshnessOf, type HeadersOf } from "./freshness.js";
import { ABSENT, type Entry, type Note, type Store } from "./store.js";

/** A copy being written to the cache. Failures here never fail a load. */
export interface CopyWriter {
  /** Writes the next bytes; waits if the disk is slower than the network. */
  write(bytes: Uint8Array): Promise<void>;
  /** Marks the file as complete; it is kept once its model has loaded. */
  end(bytes: number, checksum: string): void;
  /** Drops the copy. */
  abandon(): void;
}

/** A copy, and the checksum that its bytes must have. */
export interface Copy {
  opened: Opened;
  checksum: string;
  /** Deletes the model that the copy belongs to, because the copy is damaged. */
  drop(): Promise<void>;
}

/** The copies of one model during one load. */
export interface Copies {
  /** The copy of `url`, if it may be used. */
  open(url: string): Promise<Copy | null>;
  /**
   * The address of the weights file that an earlier load chose for the same options, and whether its copy may
   * be used: if not, there may be a better file by now.
   */
  chosen(): Promise<{ url: string; isCurrent: boolean } | null>;
  /** Records that the weights are read from the file at this address. */
  choose(url: string): void;
  /** Records another file that belongs to the chosen one. */
  chooseAlso(url: string): void;
  /** Whether it is known that there is no file at `url`. */
  isKnownAbsent(url: string): Promise<boolean>;
  /** Records that there is no file at `url`. */
  note(url: string): void;
  /** Whether the file from `url` has the same version as the copies in use. */
  fits(url: string, version: Version): boolean;
  /** Whether the browser's own HTTP cache may have an old version. */
  outdated(): boolean;
  /** Starts a copy of `url`. */
  write(url: string, opened: Opened): CopyWriter;
  /** The model has loaded: its copies are committed. */
  commit(): void;
  /** The model failed to load: its copies are dropped. */
  abandon(): void;
}

/** How a load uses copies: after asking the server, as they are, or not at all (it only writes new ones). */
export type Use = "revalidated" | "as-is" | "none";

/** Where copies are kept. */
export interface ModelCache {
  /** The copies of the model with this `key`, for the weights that `optionsKey` describes. */
  start(key: string, optionsKey: string, use: Use, headersOf: HeadersOf, signal: AbortSignal): Copies;
  /** Resolves once all models are written to disk; null if none is being written. */
  settled(): Promise<void> | null;
  /** Writes at once instead of after the first call. */
  flush(): void;
  /** See `listCachedFiles` of the package. */
  list(): Promise<CachedFile[]>;
  /** See `clearCachedFiles` of the package. */
  clear(prefix?: string): Promise<void>;
}

/** Milliseconds between loading a model and writing its copies. */
const WRITE_DELAY = 250;
/**
 * Milliseconds after which bytes that no note names are deleted: until then another tab may be writing them.
 */
const ORPHAN_AGE = 3_600_000;
/** Matches a model's address on a hub, in the address of one of its files at some revision. */
const REVISION = /^(https?:\/\/[^?#]+\/)resolve\/[^/]+\//;

/** Starts a cache in the store that `openStore` opens; it creates one only if `create` is set. */
export function startCache(openStore: (create: boolean) => Promise<Store | null>): ModelCache {
  /** The models that are not yet on disk. */
  const unsettled = new Set<Promise<void>>();
  /** Functions that each resume a model waiting to be written. */
  const waiting = new Set<() => void>();

  /** Leaves time to answer the first call: writing copies of 23 MB would take 0.1 s of its thread. */
  function afterFirstCall(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, WRITE_DELAY);
      waiting.add(go);
    });
  }

  function start(
    key: string,
    optionsKey: string,
    use: Use,
    headersOf: HeadersOf,
    signal: AbortSignal,
  ): Copies {
    const store = openStore(true).catch(() => null);
    const used = new Map<string, Entry>();
    const damaged = new Set<string>();
    const absent = new Set<string>();
    const written = new Map<string, Copying>();
    const chosen = new Set<string>();
    /** The model's own copies are not deleted while they are read. */
    const protectedKey = () => (used.size > 0 ? key : null);
    const context: CopyContext = {
      opening: store,
      buffered: 0,
      async ensureSpace(place, bytes) {
        while ((await place.freeBytes()) < bytes) if (!(await evict(place, protectedKey()))) return false;
        return true;
      },
      evict: (place) => evict(place, protectedKey()),
    };
    let outdated = use === "none";

    /** The file that an earlier load chose for the same options. */
    let before: string | null = null;
    /** Earlier choices, by options. */
    let choices: Record<string, string[]> = {};
    /** Copies of weights that were chosen for other options; as far as is known, of the same version. */
    let otherCopies = new Map<string, Entry>();

    async function plan(): Promise<Map<string, Entry>> {
      const note = use === "none" ? null : await (await store)?.note(key).catch(() => null);
      if (!note) return new Map();
      const { [optionsKey]: own = [], ...others } = note.choices ?? {};
      const isForOtherOptions = ({ url }: Entry) =>
        !own.includes(url) && Object.values(others).some((urls) => urls.includes(url));
      before = own[0] ?? null;
      const candidates = note.files.filter((entry) => !isForOtherOptions(entry));
      const files = use === "as-is" ? candidates : await usable(candidates, headersOf, signal);
      outdated = files.length < candidates.length;
      if (!outdated) {
        choices = note.choices ?? {};
        otherCopies = mapOf(note.files.filter(isForOtherOptions));
      }
      return mapOf(files);
    }

    /** The copy of weights that were chosen for other options, if it is still current. */
    async function takeOther(url: string): Promise<Entry | undefined> {
      const entry = otherCopies.get(url);
      const other =
        entry && use === "revalidated" && (await freshnessOf(entry, headersOf, signal)) === "other";
      if (other) otherCopies.delete(url);
      return other ? undefined : entry;
    }
    const planned = plan();
    let usableNow = new Map<string, Entry>();
    planned.then(
      (entries) => (usableNow = entries),
      () => {}, // `open` rejects with it
    );

    async function drop(url: string): Promise<void> {
      used.delete(url);
      damaged.add(url);
      await (await store)?.deleteNote(key).catch(() => {});
    }

    async function commit(): Promise<void> {
      const place = await store;
      await afterFirstCall();
      if (!place || !(await context.ensureSpace(place, context.buffered).catch(() => false)))
        return abandon();
      const entries = await Promise.all([...written].map(([url, copy]) => copy.finish(url)));
      if (entries.some((entry) => entry === null)) return abandon();
      const none = { bytes: 0, checksum: "", version: { etag: null, modified: null }, body: ABSENT };
      const rest = mapOf([...otherCopies.values(), ...used.values()]);
      const files = [
        ...[...absent].map((url) => ({ url, ...none })),
        ...[...rest.values()].filter(({ url }) => !written.has(url) && !absent.has(url)),
        ...(entries as Entry[]),
      ];
      const urls = new Set(files.map(({ url }) => url));
      const known = Object.entries({ ...choices, ...(chosen.size > 0 && { [optionsKey]: [...chosen] }) });
      try {
        await replace(place, {
          key,
          files,
          choices: Object.fromEntries(known.filter(([, chosen]) => chosen.every((url) => urls.has(url)))),
          stored: Date.now(),
        });
      } catch {
        abandon();
      }
    }

    function abandon(): void {
      for (const copy of written.values()) copy.abandon();
      written.clear();
    }

    return {
      async open(url) {
        const entry = damaged.has(url) ? undefined : ((await planned).get(url) ?? (await takeOther(url)));
        const body = entry?.body && (await (await store)?.open(entry.body).catch(() => null));
        if (!entry || !body) return null;
        used.set(url, entry);
        const opened = { total: entry.bytes, exact: true, body, version: entry.version };
        return { opened, checksum: entry.checksum, drop: () => drop(url) };
      },
      async isKnownAbsent(url) {
        const entry = (await planned).get(url);
        if (entry?.body !== ABSENT) return false;
        used.set(url, entry);
        return true;
      },
      note: (url) => void absent.add(url),
      async chosen() {
        const entries = await planned;
        if (before === null) return null;
        return { url: before, isCurrent: !outdated && entries.has(before) && !damaged.has(before) };
      },
      choose(url) {
        chosen.clear();
        chosen.add(url);
      },
      chooseAlso: (url) => void chosen.add(url),
      fits(url, version) {
        const entry = usableNow.get(url);
        return !entry || isSame(entry.version, version) || [...used.keys()].every((other) => other === url);
      },
      outdated: () => outdated || usableNow.size > 0,
      write(url, { version, total }) {
        written.get(url)?.abandon();
        used.delete(url);
        const copy = startCopy(context, version!, total);
        written.set(url, copy);
        return {
          ...copy,
          abandon() {
            copy.abandon();
            if (written.get(url) === copy) written.delete(url);
          },
        };
      },
      commit() {
        const isNew = [...chosen].some((url) => !choices[optionsKey]?.includes(url));
        // Nothing new to store: a choice without any file read isn't kept.
        if (written.size === 0 && !(isNew && used.size > 0)) return;
        const committed = commit().finally(() => unsettled.delete(committed));
        unsettled.add(committed);
      },
      abandon,
    };
  }

  return {
    start,
    settled: () => (unsettled.size === 0 ? null : Promise.all(unsettled).then(() => {})),
    flush: () => waiting.forEach((go) => go()),

    async list() {
      const notes = (await (await openStore(false))?.notes()) ?? [];
      return notes
        .sort((a, b) => b.stored - a.stored)
        .flatMap(({ files, stored }) =>
          files
            .filter(({ body }) => body !== ABSENT)
            .map(({ url, bytes }) => ({ url, bytes, stored: new Date(stored) })),
        );
    },

    async clear(prefix) {
      const store = await openStore(false);
      if (prefix === undefined) return store?.clear();
      for (const note of (await store?.notes()) ?? []) {
        if (note.files.some(({ url }) => url.startsWith(prefix))) await forget(store!, note);
      }
    },
  };
}

function mapOf(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.url, entry]));
}

/**
 * The copies that may be used: all if none is known to be outdated, even without a connection. Otherwise only
 * those known to be current; a matching date is not enough then.
 */
async function usable(files: Entry[], headersOf: HeadersOf, signal: AbortSignal): Promise<Entry[]> {
  const answers = await Promise.all(files.map((entry) => freshnessOf(entry, headersOf, signal)));
  if (!answers.includes("other")) return files;
  return files.filter((_, i) => answers[i] === "same");
}

/** Deletes the oldest model except the one with `protectedKey`; false if there is none. */
async function evict(store: Store, protectedKey: string | null): Promise<boolean> {
  const notes = (await store.notes()).filter(({ key }) => key !== protectedKey);
  const oldest = notes.sort((a, b) => a.stored - b.stored)[0];
  if (oldest) await forget(store, oldest);
  return !!oldest;
}

/** Replaces the earlier note with `note`, and deletes bytes and revisions that are no longer used. */
async function replace(store: Store, note: Note): Promise<void> {
  const before = await store.notes();
  const project = REVISION.exec(note.key)?.[1];
  const old = before.filter(
    ({ key }) => key !== note.key && project !== undefined && REVISION.exec(key)?.[1] === project,
  );
  for (const other of old) await forget(store, other);
  await store.putNote(note);
  const rest = before.filter((other) => other.key !== note.key && !old.includes(other));
  const named = new Set([note, ...rest].flatMap(({ files }) => files.map(({ body }) => body)));
  const replaced = new Set(before.flatMap(({ files }) => files.map(({ body }) => body)));
  for (const body of await store.bodies()) {
    // A body's name begins with the time when it was started.
    const age = Date.now() - Number.parseInt(body, 36);
    if (!named.has(body) && (replaced.has(body) || !(age < ORPHAN_AGE))) await store.delete(body);
  }
}

/** Forgets a model. */
async function forget(store: Store, { key, files }: Note): Promise<void> {
  await store.deleteNote(key);
  for (const { body } of files) if (body !== ABSENT) await store.delete(body);
}
