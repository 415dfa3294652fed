/**
 * Rewrites a safetensors file, or a PyTorch checkpoint, with int8, fp16 or int4 weights. In Node only: the
 * converter is a separate WebAssembly module.
 */

import { TabsenseError } from "./api/errors.js";
import { compileBytes } from "./worker/engine.js";
import { readWasm } from "./platform/node.js";
import { MAX_CHUNK, nextTask } from "./files/bytes.js";
import { furtherFiles, type SmallFiles } from "./worker/small-files.js";
import type { Converter } from "./wasm/convert/tabsense.js";

/** The exports of the converter's module. */
export type ConverterModule = typeof import("./wasm/convert/tabsense.js");

/** The formats that a file can be converted to. */
export const CONVERT_DTYPES = ["int8", "int4", "fp16"] as const;

/** The possible formats of the word embedding table in an int4 file, the default first. */
export const TABLES = ["int8", "int4"] as const;

/** One of {@link TABLES}. */
export type Tables = (typeof TABLES)[number];

/** A model to calibrate with texts. */
export interface CalibratedModel extends SmallFiles, WeightsSource {}

/** A source of weights. */
export interface WeightsSource {
  /**
   * The bytes of the weights file, or of the one that several would form; each call starts at the beginning.
   */
  weights(): AsyncIterable<Uint8Array>;
  /**
   * The bytes of the file `name` next to it, in which the weights continue. Not needed for weights in one
   * file.
   */
  further?(name: string): AsyncIterable<Uint8Array>;
}

/** Called with the progress of a calibration: the number of texts read so far, and of their tokens. */
export type OnTexts = (read: number, tokens: number) => void;

/** Texts read at once: enough for wide matrix products, few enough to show progress. */
const TEXTS_AT_ONCE = 16;

/** Loads and starts the converter's module. */
export async function loadConverter(): Promise<ConverterModule> {
  const module = await import("./wasm/convert/tabsense.js");
  await module.default({
    module_or_path: await compileBytes(
      await readWasm(new URL("./wasm/convert/tabsense_bg.wasm", import.meta.url)),
    ),
  });
  return module;
}

/**
 * Yields the bytes of the converted file as those of the original arrive: only one tensor is in memory, never
 * the whole file. `onWarnings` is called before the last bytes with warnings about what is left out, a
 * sentence each.
 */
export async function* convert(
  converter: Converter,
  source: WeightsSource,
  onWarnings: (warnings: readonly string[]) => void = () => {},
): AsyncGenerator<Uint8Array> {
  for await (const bytes of pieces(source, converter)) yield converter.push(bytes);
  onWarnings(converter.warnings);
  yield converter.finish();
}

/**
 * The converter to int4 for a model that has read `texts`, which show what its matrices' inputs are. It needs
 * `model.weights()` again. `tables` is the format of the word embedding table if its width is a multiple of
 * 32; all other tables are int8.
 *
 * The module's memory contains the model in fp32, and for each matrix a square one of its columns.
 */
export async function calibrate(
  module: ConverterModule,
  model: CalibratedModel,
  texts: readonly string[],
  tables: Tables = TABLES[0],
  onTexts: OnTexts = () => {},
): Promise<Converter> {
  const loader = new module.CalibrationLoader(
    model.config,
    model.tokenizer,
    model.tokenizerConfig,
    furtherFiles(module, model),
    tables,
  );
  for await (const bytes of pieces(model, loader)) loader.push(bytes);
  const calibration = loader.finish();
  for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE) {
    const tokens = calibration.read(texts.slice(at, at + TEXTS_AT_ONCE));
    onTexts(Math.min(at + TEXTS_AT_ONCE, texts.length), tokens);
    await nextTask();
  }
  return calibration.finish();
}

/** The bytes of weights in pieces; at the end of each file, `reader` says which one is next. */
export async function* pieces(
  source: WeightsSource,
  reader: { endFile(): string | undefined },
): AsyncGenerator<Uint8Array> {
  let part = source.weights();
  for (;;) {
    for await (const bytes of part)
      for (let at = 0; at < bytes.length; at += MAX_CHUNK) yield bytes.subarray(at, at + MAX_CHUNK);
    const name = reader.endFile();
    if (name === undefined) return;
    if (!source.further)
      throw new TabsenseError("invalid_argument", `The weights continue in ${name}. Pass that file, too.`);
    part = source.further(name);
  }
}
