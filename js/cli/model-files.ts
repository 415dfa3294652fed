/**
 * The files of a model that the command line names: where they are, and which of them contain the weights.
 */

import { TabsenseError } from "../api/errors.js";
import { checkLoadOptions } from "../api/options.js";
import type { LoadOptions } from "../api/types.js";
import type { LoadRequest } from "../client/protocol.js";
import { FileChanged, readAll, type Opened } from "../files/bytes.js";
import { candidatesOf, dataFilesOf, isIndex, type Listing } from "../files/choice.js";
import { listFolder } from "../files/disk.js";
import { download } from "../files/download.js";
import { listRepository } from "../files/listing.js";
import { siblingOf, isMissing, type Place } from "../files/places.js";
import { shardNames } from "../files/shards.js";
import { INDEX_LIMIT } from "../files/weights.js";
import { withoutWeights } from "../files/without-weights.js";
import { nodejs, openPath } from "../platform/node.js";
import { hubOf } from "./arguments.js";

const { network: NETWORK } = checkLoadOptions(undefined, "instant");

/** Where a model's files are. */
export interface ModelPlaces {
  name: string;
  config: Place;
  /** The parts of a load request that reading the weights needs. */
  request: Pick<LoadRequest, "files" | "weights">;
}

/** The weights: one file with its external data, or the shards of an index. */
export interface WeightFiles<T> {
  /** The file that was chosen, by its name in the repository. */
  file: string;
  /** The result of reading each file, by name. */
  files: Record<string, T>;
  /** The index, if `file` is one. */
  index: Uint8Array<ArrayBuffer> | null;
}

/** Finds a model's files. A string never names files in memory. */
export async function placesOf(model: string, options: LoadOptions = hubOf()): Promise<ModelPlaces> {
  const checked = checkLoadOptions(options, "instant");
  const { name, files } = await nodejs.resolve(model, checked);
  return { name, config: files["config.json"] as Place, request: { files, weights: checked.weights } };
}

/** Opens a file, with the library's retries and timeouts. */
export async function openPlace(place: Place, signal: AbortSignal): Promise<Opened> {
  const { retries, stallTimeout } = NETWORK;
  return "url" in place
    ? download(place.url, { retries, stall: stallTimeout }, signal)
    : openPath(place.path);
}

/** What messages call a file. */
export function nameOf(place: Place): string {
  return "url" in place ? place.url : place.path;
}

/**
 * The result of `read` for a file, with the library's retries and timeouts. A file that changes meanwhile is
 * read again from its start.
 */
export async function readPlace<T>(
  place: Place,
  signal: AbortSignal,
  read: (opened: Opened, name: string) => Promise<T>,
): Promise<T> {
  const { retries } = NETWORK;
  for (let restarts = 0; ; restarts++) {
    try {
      return await read(await openPlace(place, signal), nameOf(place));
    } catch (thrown) {
      if (!(thrown instanceof FileChanged)) throw thrown;
      if (restarts >= retries)
        throw new TabsenseError(
          "network",
          `${thrown.message}, repeatedly. Try again later; if that doesn't help, check the server.`,
          { cause: thrown },
        );
    }
  }
}

/** The results of `read` for each weights file: the files that a load would read, found in the same way. */
export async function readWeights<T>(
  { config, request }: ModelPlaces,
  signal: AbortSignal,
  read: (name: string, place: Place) => Promise<T>,
): Promise<WeightFiles<T>> {
  const { hub } = request.files.weights;
  const listing = hub
    ? await listRepository(hub, withoutHeaders, signal)
    : "path" in config
      ? await listFolder(config.path, request.weights.subfolder)
      : null;
  const guesses = candidatesOf(request.weights, null);
  const found = listing ? candidatesOf(request.weights, listing) : guesses;
  let first: unknown = null;
  for (const { file } of found.length > 0 ? found : guesses.slice(0, 1)) {
    try {
      return await readFrom(file, siblingOf(config, file), listing);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      first ??= thrown;
    }
  }
  throw await withoutWeights(first, request, listing, withoutHeaders, signal);

  async function readFrom(file: string, place: Place, listing: Listing | null): Promise<WeightFiles<T>> {
    if (!isIndex(file)) {
      const files = { [file]: await read(file, place) };
      for (const data of listing ? dataFilesOf(file, listing) : [])
        files[data] = await read(data, siblingOf(config, data));
      return { file, files, index: null };
    }
    const index = await readPlace(place, signal, (opened, name) =>
      readAll(opened, name, INDEX_LIMIT, signal, () => {}),
    );
    const files: Record<string, T> = {};
    for (const name of shardNames(new TextDecoder().decode(index), nameOf(place)))
      files[name] = await read(name, siblingOf(config, name));
    return { file, files, index: new Uint8Array(index) };
  }
}

async function withoutHeaders(): Promise<Record<string, string>> {
  return {};
}
