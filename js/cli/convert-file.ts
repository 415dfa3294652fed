/** `tabsense convert`: from a model's file to another file. */

import { open, readFile, rename, rm } from "node:fs/promises";
import {
  calibrate,
  convert,
  loadConverter,
  type CalibratedModel,
  type ConverterModule,
  type Tables,
  type WeightsSource,
} from "../convert.js";
import { TabsenseError } from "../api/errors.js";
import { textsOf } from "../api/texts.js";
import { TOKENIZER_CONFIG } from "../api/types.js";
import { readAll } from "../files/bytes.js";
import { withoutMark } from "../files/foreign.js";
import { readOlder } from "../files/older-files.js";
import { siblingOf, isMissing, type Place } from "../files/places.js";
import type { Converter } from "../wasm/convert/tabsense.js";
import { limitOf, type SmallFile, type SmallFiles } from "../worker/small-files.js";
import { startBar, type Bar } from "./bar.js";
import { sourceOf, type ConvertSource } from "./convert-source.js";
import { statOf } from "./input.js";
import { readPlace } from "./model-files.js";
import { checkOutput } from "./output.js";
import { print, log } from "./print.js";

/** The number of calibration tokens beyond which more of them add little. */
export const RECOMMENDED_TOKENS = 4000;

/**
 * What to convert (a weights file, or the model that has it), and to which form; `calibration` names the file
 * of texts for int4.
 */
export interface Conversion {
  from: string;
  output: string;
  /** undefined: the source's, whose numbers stay as they are. */
  dtype: string | undefined;
  calibration: string | undefined;
  /** The type of the word embedding table in int4. */
  tables: Tables;
  /** Whether the file is compressed (entropy coding). */
  compress: boolean;
  /** Whether an existing file of that name is overwritten. */
  force: boolean;
}

/**
 * Converts weights to a file. The new file gets its name only once it is complete. Tensors that are left out
 * are listed on standard error.
 */
export async function convertFile(
  { from, output, dtype, calibration, tables, compress, force }: Conversion,
  signal: AbortSignal,
): Promise<void> {
  checkOutput(output, "overwrite", from);
  const existing = statOf(output);
  // The new file replaces the existing one, which must not be a device.
  if (existing && !existing.isFile())
    throw new TabsenseError("invalid_argument", `${output} is not a regular file. Name another one.`);
  if (existing && !force)
    throw new TabsenseError(
      "invalid_argument",
      `${output} already exists. Name another file, or overwrite it with --force.`,
    );
  const module = await loadConverter();
  const source = await sourceOf(from, module, signal);
  for (const path of source.paths) checkOutput(output, "overwrite", path);
  let read = 0;
  const counted = countedOf(source, (bytes) => void (read += bytes));
  let notes: readonly string[] = [];
  const note = (warnings: readonly string[]) => void (notes = warnings);
  const pieces =
    dtype === undefined
      ? asItIs(module, counted)
      : calibration === undefined
        ? convert(new module.Converter(dtype), counted, note)
        : await rounded(
            module,
            { ...source, ...(await readSmallFiles(source.place, signal)) },
            counted,
            () => read,
            { calibration, tables },
            note,
            signal,
          );
  const written = await writeWhole(output, compress ? compressed(module, pieces) : pieces, signal);
  for (const sentence of notes) log(`tabsense: ${sentence}\n`);
  await print(`${output}: ${written} bytes, ${((100 * written) / read).toFixed(1)} % of ${source.name}\n`);
}

/**
 * The file in int4. It is completed in memory before it is written: a matrix takes seconds, during which no
 * signal would get through to clean up.
 */
export async function rounded(
  module: ConverterModule,
  model: CalibratedModel & Pick<ConvertSource, "bytes">,
  counted: WeightsSource,
  read: () => number,
  { calibration, tables }: { calibration: string; tables: Tables },
  onWarnings: (warnings: readonly string[]) => void,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const texts = textsOf(await readTexts(calibration), calibration);
  const bar = startBar(null);
  try {
    const { converter, tokens } = await calibrated(module, model, texts, tables, signal, bar);
    const pieces: Uint8Array[] = [];
    for await (const piece of convert(converter, counted, onWarnings)) {
      pieces.push(piece);
      if (model.bytes !== null) bar.say(`rounding: ${Math.floor((100 * read()) / model.bytes)} %`);
    }
    bar.clear();
    await print(`calibrated with ${texts.length} texts, ${tokens} tokens\n`);
    if (tokens < RECOMMENDED_TOKENS)
      log(
        `tabsense: only ${tokens} tokens for the calibration. With ${RECOMMENDED_TOKENS} or more, the answers stay closer to the original's.\n`,
      );
    return pieces;
  } finally {
    bar.clear();
  }
}

/** The same weights; reports their bytes to `onBytes`. */
export function countedOf(source: WeightsSource, onBytes: (bytes: number) => void): WeightsSource {
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of chunks) {
      onBytes(bytes.length);
      yield bytes;
    }
  }
  const { further } = source;
  return {
    weights: () => counted(source.weights()),
    ...(further && { further: (name: string) => counted(further(name)) }),
  };
}

/** The small files of the model whose `config.json` is at `config`: the ones that loading it would read. */
export async function readSmallFiles(config: Place, signal: AbortSignal): Promise<SmallFiles> {
  const optional = (name: SmallFile, onAbsent?: (thrown: unknown) => void) =>
    readOptional(config, name, signal, onAbsent);
  let absent: unknown = null;
  const configBytes = await readSmall(config, "config.json", signal);
  const tokenizer = await optional("tokenizer.json", (thrown) => (absent = thrown));
  const tokenizerConfig = await optional(TOKENIZER_CONFIG);
  const older = tokenizer
    ? []
    : await readOlder(configBytes, tokenizerConfig, absent, (name) => optional(name));
  return { config: configBytes, tokenizer, tokenizerConfig, older, embedding: {} };
}

/** The file `name` next to `config`; undefined if there is none. */
export function readOptional(
  config: Place,
  name: SmallFile,
  signal: AbortSignal,
  onAbsent: (thrown: unknown) => void = () => {},
): Promise<Uint8Array | undefined> {
  return readSmall(config, name, signal).catch((thrown: unknown) => {
    if (!isMissing(thrown)) throw thrown;
    onAbsent(thrown);
    return undefined;
  });
}

async function readSmall(config: Place, name: SmallFile, signal: AbortSignal): Promise<Uint8Array> {
  return withoutMark(
    await readPlace(siblingOf(config, name), signal, (opened) =>
      readAll(opened, name, limitOf(name), signal, () => {}),
    ),
  );
}

/** A converter calibrated with the texts, and how many tokens they have. */
async function calibrated(
  module: ConverterModule,
  model: CalibratedModel,
  texts: readonly string[],
  tables: Tables,
  signal: AbortSignal,
  bar: Bar,
): Promise<{ converter: Converter; tokens: number }> {
  let tokens = 0;
  const converter = await calibrate(module, model, texts, tables, (done, all) => {
    signal.throwIfAborted();
    tokens = all;
    bar.say(`reading: ${done} of ${texts.length} texts, ${tokens} tokens`);
  });
  return { converter, tokens };
}

async function readTexts(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new TabsenseError(
      "invalid_argument",
      `${path} could not be read (${(cause as Error).message}). Pass a file with one text per line, or JSON Lines (.jsonl).`,
      { cause },
    );
  }
}

/** The compressed form of a file, held in memory because its header has its length. */
export async function* compressed(
  module: ConverterModule,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield module.encode(await whole(pieces));
}

/** The uncompressed form of a file, which is also held in memory. */
async function* asItIs(module: ConverterModule, source: WeightsSource): AsyncGenerator<Uint8Array> {
  yield module.decode(await whole(source.weights()));
}

async function whole(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const file: Uint8Array[] = [];
  for await (const piece of pieces) file.push(piece);
  return Buffer.concat(file);
}

/** Writes a file, which gets its name only once it is complete; resolves to its length. */
export async function writeWhole(
  output: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const temporary = `${output}.${process.pid}.tmp`;
  // In a folder that others can write to, an existing file may be a link to somewhere else.
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx");
  let written = 0;
  try {
    try {
      for await (const piece of pieces) {
        await handle.writeFile(piece, { signal });
        written += piece.length;
      }
    } finally {
      await handle.close();
    }
    signal.throwIfAborted();
    await rename(temporary, output);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  return written;
}
