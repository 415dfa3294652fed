/** What `tabsense convert` reads: a weights file, or the weights of a folder, a URL or a model on a hub. */

import { basename, dirname, join } from "node:path";
import { TabsenseError } from "../api/errors.js";
import { FileChanged, readChunks, type Opened } from "../files/bytes.js";
import { isIndex, isWeightsFile } from "../files/choice.js";
import { siblingOf, type Place } from "../files/places.js";
import { merged } from "../files/shards.js";
import { asSafetensors } from "../files/torch.js";
import { plainName } from "../files/weights.js";
import type { ConverterModule, WeightsSource } from "../convert.js";
import { hubOf } from "./arguments.js";
import { statOf } from "./input.js";
import { nameOf, openPlace, placesOf, readPlace, readWeights } from "./model-files.js";

/** Weights to convert. */
export interface ConvertSource extends WeightsSource {
  /** What messages call it. */
  name: string;
  /** The files on disk that are read; none may be overwritten. */
  paths: string[];
  /** The total bytes of the weights, if known. */
  bytes: number | null;
  /** Where the model's `config.json` is. */
  place: Place;
}

/** Finds the weights that `from` names: a file by its path, otherwise a model as for `Classifier.load`. */
export async function sourceOf(
  from: string,
  module: ConverterModule,
  signal: AbortSignal,
): Promise<ConvertSource> {
  const stat = statOf(from);
  const isFile = stat ? !stat.isDirectory() : !/^https?:/.test(from) && isWeightsFile(from);
  if (isFile) {
    const folder = dirname(from);
    // ONNX files are in a subfolder of the model's.
    const root =
      basename(folder) === "onnx" && !statOf(join(folder, "config.json")) ? dirname(folder) : folder;
    const place = { path: join(root, "config.json") };
    return {
      ...single({ path: from }, signal),
      name: from,
      paths: [from],
      bytes: stat?.size ?? null,
      place,
    };
  }
  // Full weights, for any target.
  const places = await placesOf(from, { dtype: "fp32", ...hubOf() });
  const { file, files } = await readWeights(places, signal, async (_, place) => ({
    place,
    bytes: await readPlace(place, signal, lengthOf),
  }));
  const read = Object.values(files);
  const main = siblingOf(places.config, file);
  const source = isIndex(file)
    ? inShards(
        Object.fromEntries(Object.entries(files).map(([name, { place }]) => [name, place])),
        module,
        signal,
      )
    : single(main, signal);
  return {
    ...source,
    name: nameOf(main),
    paths: [main, ...read.map(({ place }) => place)].flatMap((place) =>
      "path" in place ? [place.path] : [],
    ),
    bytes: read.reduce<number | null>(
      (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
      0,
    ),
    place: places.config,
  };
}

async function lengthOf({ body, total }: Opened): Promise<number | null> {
  await body.cancel();
  return total;
}

function single(place: Place, signal: AbortSignal): WeightsSource {
  return {
    weights: () => chunksOf(place, signal),
    further: (name) => chunksOf(siblingOf(place, plainName(name, nameOf(place))), signal),
  };
}

function inShards(
  files: Readonly<Record<string, Place>>,
  module: ConverterModule,
  signal: AbortSignal,
): WeightsSource {
  const shards = Object.entries(files).map(([name, place]) => ({
    name,
    open: () => asSafetensors(chunksOf(place, signal), async () => module),
  }));
  return { weights: () => merged(shards) };
}

/**
 * The bytes of a file. Throws kind `"network"` if it changes meanwhile: a part of the result is already
 * written.
 */
async function* chunksOf(place: Place, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* readChunks(await openPlace(place, signal), nameOf(place), signal, () => {});
  } catch (thrown) {
    if (!(thrown instanceof FileChanged)) throw thrown;
    throw new TabsenseError("network", `${thrown.message}. Convert it again.`, { cause: thrown });
  }
}
