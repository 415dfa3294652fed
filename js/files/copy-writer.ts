/** Writes the copy of one file as its bytes pass through. */

import type { Version } from "./bytes.js";
import type { CopyWriter } from "./cache.js";
import type { Entry, Store } from "./store.js";

/** A copy that is being written. */
export interface Copying extends CopyWriter {
  /** Its entry once the store has all of its bytes; null if it could not be stored. */
  finish(url: string): Promise<Entry | null>;
}

/**
 * How many bytes of a model are buffered in memory before writing starts. Buffered bytes are written after
 * loading, so that they don't slow it down.
 */
const MAX_BUFFERED = 32 << 20;
/** How many bytes of a larger model may wait for the disk. */
const QUEUE = 4 << 20;

/** The state that a model's copies share. */
export interface CopyContext {
  opening: Promise<Store | null>;
  /** How many bytes they hold in memory. */
  buffered: number;
  /** Makes room for `bytes` more bytes; returns whether it could. */
  ensureSpace(store: Store, bytes: number): Promise<boolean>;
  /** Deletes the oldest other model; false if there is none. */
  evict(store: Store): Promise<boolean>;
}

/** Starts a copy of a file of `total` bytes, if known. */
export function startCopy(context: CopyContext, version: Version, total: number | null): Copying {
  const { opening } = context;
  // The sweep reads the start time from the name.
  const body = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  let parts: Uint8Array[] = [];
  let stream: { writer: WritableStreamDefaultWriter<Uint8Array>; stored: Promise<void> } | null = null;
  let whole: { bytes: number; checksum: string } | null = null;
  let failed = false;

  function release(): void {
    context.buffered -= parts.reduce((sum, part) => sum + part.length, 0);
    parts = [];
  }

  function fail(): void {
    if (failed) return;
    failed = true;
    release();
    stream?.writer.abort().catch(() => {});
    // The written part takes up scarce room.
    void opening.then((store) => store?.delete(body)).catch(() => {});
  }

  async function open(store: Store): Promise<void> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
      {},
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE }),
    );
    stream = { writer: writable.getWriter(), stored: store.put(body, readable) };
    stream.stored.catch((cause: unknown) => {
      fail();
      // This copy is not retried, but the next start finds room.
      if (isFull(cause)) void context.evict(store).catch(() => {});
    });
    stream.writer.closed.catch(fail);
    const before = parts;
    release();
    for (const part of before) await push(part);
  }

  async function push(bytes: Uint8Array): Promise<void> {
    // If the store has failed, the stream never becomes ready.
    await Promise.race([stream!.writer.ready, stream!.stored]).catch(fail);
    if (!failed) void stream!.writer.write(bytes).catch(fail);
  }

  /** Browsers report more room than there is, so a store may be full anyway. */
  async function flushBuffer(store: Store): Promise<void> {
    for (;;) {
      try {
        return await store.put(body, new Blob(parts as BlobPart[]));
      } catch (cause) {
        if (!isFull(cause) || !(await context.evict(store))) throw cause;
      }
    }
  }

  return {
    async write(bytes) {
      if (failed) return;
      if (stream) return push(bytes);
      parts.push(bytes);
      context.buffered += bytes.length;
      if (context.buffered <= MAX_BUFFERED) return;
      const store = await opening;
      const hasSpace = await (store && context.ensureSpace(store, total ?? context.buffered))?.catch(
        () => false,
      );
      if (hasSpace) await open(store!).catch(fail);
      else fail();
    },
    end: (bytes, checksum) => void (whole = { bytes, checksum }),
    abandon: fail,
    async finish(url) {
      try {
        const store = await opening;
        if (!store || !whole || failed) return null;
        if (stream) {
          await stream.writer.close();
          await stream.stored;
        } else {
          await flushBuffer(store);
          release();
        }
        return failed ? null : { url, ...whole, version, body };
      } catch {
        fail();
        return null;
      }
    },
  };
}

function isFull(cause: unknown): boolean {
  const { name, code } = (cause ?? {}) as { name?: unknown; code?: unknown };
  return name === "QuotaExceededError" || code === "ENOSPC" || code === "EDQUOT";
}
