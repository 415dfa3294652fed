/** Copies of models' files in a folder, for Node. */

import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { openDisk } from "./disk.js";
import { asNote, type Note, type Store } from "./store.js";

/** The share of the disk's free space that copies may take. */
const SHARE = 0.5;

/**
 * The folder of the copies: `TABSENSE_CACHE`, or `tabsense` in `XDG_CACHE_HOME` or in the home directory's
 * `.cache`.
 */
export function cacheFolder(env: Record<string, string | undefined> = process.env): string {
  return env["TABSENSE_CACHE"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "tabsense");
}

/**
 * The store in the folder; null if the folder doesn't exist and `create` isn't set, or if it can't be
 * created.
 */
export async function diskStore(create: boolean, folder = cacheFolder()): Promise<Store | null> {
  try {
    // URLs of private models are private.
    if (create) await mkdir(folder, { recursive: true, mode: 0o700 });
    else await readdir(folder);
    return storeIn(folder);
  } catch {
    return null;
  }
}

function storeIn(folder: string): Store {
  const notePath = (key: string) => join(folder, `${createHash("sha256").update(key).digest("hex")}.json`);
  const bodyPath = (body: string) => join(folder, `${body}.bin`);
  const read = async (path: string): Promise<Note | null> => {
    try {
      return asNote(JSON.parse(await readFile(path, "utf8")));
    } catch {
      return null;
    }
  };
  const namesThatEnd = async (end: string) => (await readdir(folder)).filter((name) => name.endsWith(end));
  return {
    note: (key) => read(notePath(key)),
    async notes() {
      const notes = (await namesThatEnd(".json")).map((name) => read(join(folder, name)));
      return (await Promise.all(notes)).filter((note) => note !== null);
    },
    putNote: (note) => writeWhole(notePath(note.key), new Blob([JSON.stringify(note)]).stream()),
    deleteNote: (key) => rm(notePath(key), { force: true }),
    open: async (body) => (await openDisk(bodyPath(body)).catch(() => null))?.body ?? null,
    put: (body, bytes) => writeWhole(bodyPath(body), bytes instanceof Blob ? bytes.stream() : bytes),
    async delete(body) {
      await rm(bodyPath(body), { force: true });
      await rm(`${bodyPath(body)}.part`, { force: true });
    },
    bodies: async () =>
      [...(await namesThatEnd(".bin")), ...(await namesThatEnd(".bin.part"))].map((name) =>
        name.replace(/\.bin(\.part)?$/, ""),
      ),
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize * SHARE;
    },
    async clear() {
      const own = /^[0-9a-f]{64}\.json(\.part)?$|^[0-9a-z]+-[0-9a-z]+\.bin(\.part)?$/;
      for (const name of await readdir(folder))
        if (own.test(name)) await rm(join(folder, name), { force: true });
    },
  };
}

/** Writes a temporary file and renames it, so that partial files are never visible. */
async function writeWhole(path: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await open(part, "w", 0o600);
    try {
      for await (const chunk of bytes) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    throw cause;
  }
}
