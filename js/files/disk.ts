/** Files on disk as streams. */

import { open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TabsenseError } from "../api/errors.js";
import { MAX_CHUNK, type Opened } from "./bytes.js";
import { isWeightsFile, type Listing } from "./choice.js";

/**
 * A file on disk, by its path or its file: URL, as a stream. (Node 20's `Readable.toWeb` crashes the
 * process if a stream is cancelled during a read.)
 */
export async function openDisk(path: string): Promise<Opened> {
  const file = await open(path.startsWith("file:") ? new URL(path) : path);
  const { size } = await file.stat();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { bytesRead, buffer } = await file
        .read(new Uint8Array(MAX_CHUNK))
        .catch(async (cause: unknown) => {
          await file.close();
          throw cause;
        });
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      await file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });
  return { total: size, exact: true, body };
}

/** Opens a model's file on disk. Rejects with kind `"network"` if it can't be read. */
export async function openPath(path: string): Promise<Opened> {
  return openDisk(path).catch((cause: unknown) => {
    throw new TabsenseError(
      "network",
      `${path} could not be read (${(cause as Error).message}). A model folder needs config.json, tokenizer.json and model.safetensors or other weights.`,
      { cause },
    );
  });
}

/**
 * The weights files in the folder of the file at `path`, and in its `subfolder`; null if it can't be read.
 */
export async function listFolder(path: string, subfolder: string): Promise<Listing | null> {
  const folder = dirname(path.startsWith("file:") ? fileURLToPath(path) : path);
  const namesIn = async (below: string) =>
    (await readdir(join(folder, below))).map((name) => (below === "" ? name : `${below}/${name}`));
  try {
    const inSubfolder = subfolder === "" ? [] : await namesIn(subfolder).catch(() => []);
    const names = [...(await namesIn("")), ...inSubfolder].filter(isWeightsFile);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    return new Map(names.map((name, i) => [name, sizes[i]!]));
  } catch {
    return null;
  }
}
