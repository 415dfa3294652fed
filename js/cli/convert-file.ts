/** `tabsense convert`: from a model's file to another file. */

import { createWriteStream, rmSync } from "node:fs";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { calibrate, convert, loadConverter, type CalibratedModel, type ConverterModule } from "../convert.js";
import { TabsenseError } from "../errors.js";
import { CONFIG_LIMIT, TOKENIZER_LIMIT } from "../loading.js";
import { openPath } from "../nodejs.js";
import { readAll, readChunks } from "../stream.js";
import { textsOf } from "../texts.js";
import { STOP_CODES, type StopName } from "./stops.js";

/** Calibration tokens from which on more say little that is new. */
export const ENOUGH_TOKENS = 4000;

const STOPS = Object.keys(STOP_CODES) as StopName[];

/** What to convert: a safetensors file, or the folder that holds it, to which form; `calibration` names the file of texts for int4. */
export interface Conversion {
  from: string;
  output: string;
  dtype: string;
  calibration: string | undefined;
}

/** Converts file to file. The new file gets its name only once it is whole. */
export async function convertFile({ from, output, dtype, calibration }: Conversion): Promise<void> {
  const input = (await stat(from).catch(() => null))?.isDirectory() ? join(from, "model.safetensors") : from;
  const { signal } = new AbortController();
  let read = 0;
  const weights = async function* () {
    yield* readChunks(await openPath(input), input, signal, (bytes) => void (read = bytes));
  };
  const module = await loadConverter();
  const pieces = calibration === undefined ? convert(new module.Converter(dtype), weights()) : await rounded(module, input, calibration, weights);
  const written = await writeWhole(output, pieces);
  console.log(`${output}: ${written} bytes, ${((100 * written) / read).toFixed(1)} % of ${input}`);
}

/** The file in int4. It is made whole before it is written: a matrix takes seconds, in which no signal would get through to clean up. */
async function rounded(module: ConverterModule, input: string, calibration: string, weights: CalibratedModel["weights"]): Promise<Uint8Array[]> {
  const { signal } = new AbortController();
  const beside = async (name: string, limit: number) => readAll(await openPath(join(dirname(input), name)), name, limit, signal, () => {});
  const texts = textsOf(await readTexts(calibration), calibration);
  const model = { config: await beside("config.json", CONFIG_LIMIT), tokenizer: await beside("tokenizer.json", TOKENIZER_LIMIT), weights };
  let tokens = 0;
  const converter = await calibrate(module, model, texts, (done, all) => {
    tokens = all;
    showProgress(`reading: ${done} of ${texts.length} texts, ${tokens} tokens`);
  });
  const { size } = await stat(input);
  let taken = 0;
  const counted = async function* () {
    for await (const bytes of weights()) {
      taken += bytes.length;
      yield bytes;
    }
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of convert(converter, counted())) {
    pieces.push(piece);
    showProgress(`rounding: ${Math.floor((100 * taken) / size)} %`);
  }
  showProgress("");
  console.log(`calibrated with ${texts.length} texts, ${tokens} tokens`);
  if (tokens < ENOUGH_TOKENS) process.stderr.write(`tabsense: ${tokens} tokens are few: with ${ENOUGH_TOKENS} or more the answers stay closer to the original's.\n`);
  return pieces;
}

async function readTexts(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new TabsenseError("invalid_argument", `${path} could not be read (${(cause as Error).message}). Give a file with one text a line, or JSON Lines (.jsonl).`, { cause });
  }
}

/** Writes a file, which gets its name only once it is whole; yields its length. */
async function writeWhole(output: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  const temporary = `${output}.${process.pid}.tmp`;
  let written = 0;
  const stop = (name: StopName) => {
    rmSync(temporary, { force: true });
    process.exit(STOP_CODES[name]);
  };
  for (const name of STOPS) process.once(name, stop);
  try {
    await pipeline(async function* () {
      for await (const piece of pieces) {
        written += piece.length;
        yield piece;
      }
    }, createWriteStream(temporary));
    await rename(temporary, output);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  } finally {
    for (const name of STOPS) process.off(name, stop);
  }
  return written;
}

/** A line that the next one replaces, where somebody watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
