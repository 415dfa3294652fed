/** The files of a model that the command line names: where they are, and which of them hold the weights. */

import { download } from "../files/download.js";
import { TabsenseError } from "../api/errors.js";
import { INDEX_LIMIT } from "../files/model-files.js";
import { beside, isMissing, type Place } from "../files/places.js";
import { nodejs, openPath } from "../platform/node.js";
import { checkLoadOptions } from "../api/options.js";
import { shardNames, withoutWeights } from "../files/shards.js";
import { INDEX } from "../api/types.js";
import { FileChanged, readAll, type Opened } from "../files/bytes.js";
import type { FileName } from "../api/types.js";

const DEFAULTS = checkLoadOptions(undefined);

/** The weights: one file, or those that an index names. */
export interface WeightFiles<T> {
  /** What was made of each file, by name. */
  files: Record<string, T>;
  /** The index, or null where there is one file. */
  index: Uint8Array<ArrayBuffer> | null;
}

/** Where a model's files are. A string names none that is in memory. */
export async function placesOf(model: string): Promise<{ name: string; places: Record<FileName, Place> }> {
  const { name, files } = await nodejs.resolve(model, DEFAULTS);
  return { name, places: files as Record<FileName, Place> };
}

/** What messages call a file. */
export function nameOf(place: Place): string {
  return "url" in place ? place.url : place.path;
}

/**
 * What `read` makes of a file, with the library's retries and timeouts. A file that changes meanwhile is read
 * again from its start.
 */
export async function readPlace<T>(
  place: Place,
  signal: AbortSignal,
  read: (opened: Opened, name: string) => Promise<T>,
): Promise<T> {
  const { retries, stallTimeout } = DEFAULTS.network;
  for (let restarts = 0; ; restarts++) {
    try {
      return await read(
        "url" in place
          ? await download(place.url, { retries, stall: stallTimeout }, signal)
          : await openPath(place.path),
        nameOf(place),
      );
    } catch (thrown) {
      if (!(thrown instanceof FileChanged)) throw thrown;
      if (restarts >= retries)
        throw new TabsenseError(
          "network",
          `${thrown.message}, again and again. Try later; if that doesn't help, look at the server.`,
          { cause: thrown },
        );
    }
  }
}

/**
 * What `read` makes of each file of the weights: of `model.safetensors`, or, where `read` finds none there,
 * of those that the index beside it names.
 */
export async function readWeights<T>(
  place: Place,
  signal: AbortSignal,
  read: (name: string, place: Place) => Promise<T>,
): Promise<WeightFiles<T>> {
  try {
    return { files: { "model.safetensors": await read("model.safetensors", place) }, index: null };
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    const at = beside(place, INDEX);
    const index = await readPlace(at, signal, (opened, name) =>
      readAll(opened, name, INDEX_LIMIT, signal, () => {}),
    ).catch((other: unknown) => {
      throw isMissing(other) ? withoutWeights(thrown) : other;
    });
    const files: Record<string, T> = {};
    for (const name of shardNames(new TextDecoder().decode(index), nameOf(at)))
      files[name] = await read(name, beside(place, name));
    return { files, index: new Uint8Array(index) };
  }
}
