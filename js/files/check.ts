/** Checks a file as its bytes pass through, and writes its copy to the cache. */

import type { EngineModule } from "../builds.js";
import { TabsenseError } from "../api/errors.js";
import type { CopyWriter } from "./cache.js";
import { CopyDamaged, FileChanged, readChunks, type Opened } from "./bytes.js";
import type { FileHash } from "../wasm/simd/tabsense.js";

/** An open file with its expected hashes. */
export interface CheckedFile {
  /** What messages call it. */
  name: string;
  opened: Opened;
  /** The SHA-256 that the caller expects, in hexadecimal digits, or null. */
  sha256: string | null;
  /** The checksum of a kept copy; null for other files. */
  checksum: string | null;
  /** Drops the copy that the file comes from, if any. */
  drop: (() => Promise<void>) | null;
  /** Writes a copy, if one is to be kept. */
  writer: CopyWriter | null;
}

/** The check of one file while it is read. */
export interface Check {
  /** Takes the next bytes. */
  take(bytes: Uint8Array): Promise<void>;
  /**
   * Called after the last byte. Throws kind `"integrity"`, or {@link CopyDamaged} if a kept copy was damaged;
   * it has been deleted by then.
   */
  end(): Promise<void>;
  /** Called if reading failed: no copy is kept. */
  abandon(): void;
}

/** Starts the check of `file`. Without a digest or a copy it costs nothing. */
export function startCheck(module: EngineModule, file: CheckedFile): Check {
  const digest = file.sha256 !== null;
  let hash: FileHash | null =
    digest || file.checksum !== null || file.writer ? new module.FileHash(digest) : null;
  let bytes = 0;
  const free = () => {
    hash?.free();
    hash = null;
  };
  return {
    async take(chunk) {
      bytes += chunk.length;
      hash?.update(chunk);
      await file.writer?.write(chunk);
    },
    async end() {
      if (!hash) return;
      const [checksum, sha256] = [hash.checksum(), hash.sha256() ?? null];
      free();
      const damaged = file.checksum !== null && file.checksum !== checksum;
      const wrong = file.sha256 !== null && file.sha256 !== sha256;
      if (damaged || (wrong && file.drop)) {
        await file.drop?.();
        throw new CopyDamaged(file.name);
      }
      if (wrong) {
        file.writer?.abandon();
        throw new TabsenseError(
          "integrity",
          `${file.name} doesn't match its digest: its SHA-256 is ${sha256}, not ${file.sha256}. Check the address and the file; if it was changed on purpose, put its new digest in \`integrity\`.`,
        );
      }
      file.writer?.end(bytes, checksum);
    },
    abandon() {
      free();
      file.writer?.abandon();
    },
  };
}

/** Checks a file that was read whole. */
export async function checkWhole(file: CheckedFile, bytes: Uint8Array, module: EngineModule): Promise<void> {
  const check = startCheck(module, file);
  await check.take(bytes);
  await check.end();
}

/**
 * The error to report for a failed read. If the file came from a copy, that may be damaged and is deleted.
 */
export async function failureOf(file: CheckedFile, thrown: unknown, signal: AbortSignal): Promise<unknown> {
  if (thrown instanceof FileChanged || thrown instanceof CopyDamaged) return thrown;
  return !signal.aborted && (await drop([file])) ? new CopyDamaged(file.name) : thrown;
}

/** The bytes of a file, verified at the end. */
export async function* checked(
  file: CheckedFile,
  module: EngineModule,
  signal: AbortSignal,
  onBytes: (bytes: number, total: number | null) => void,
): AsyncGenerator<Uint8Array> {
  const check = startCheck(module, file);
  let done = false;
  try {
    for await (const chunk of readChunks(file.opened, file.name, signal, onBytes)) {
      await check.take(chunk);
      yield chunk;
    }
    done = true;
    await check.end();
  } finally {
    if (!done) check.abandon();
  }
}

/** Drops the copies that the files come from; returns false if there are none. */
export async function drop(files: readonly CheckedFile[]): Promise<boolean> {
  const copies = files.filter((file) => file.drop !== null);
  await Promise.all(copies.map((file) => file.drop!()));
  return copies.length > 0;
}

/**
 * The SHA-256 of an `integrity` entry (`"sha256-…"`, in base64 as in a script tag, or in hexadecimal digits),
 * in hexadecimal digits; null if the entry is invalid.
 */
export function parseIntegrity(text: string): string | null {
  const digest = /^sha256-(.+)$/.exec(text)?.[1];
  if (digest === undefined) return null;
  if (/^[0-9a-f]{64}$/i.test(digest)) return digest.toLowerCase();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(digest)) return null;
  return Array.from(atob(digest), (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
