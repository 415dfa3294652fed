/** Tabsense in Node. Importing it touches nothing. */

import { LoadedClassifier } from "./classifier.js";
import { open } from "./instant.js";
import { nodejs } from "./nodejs.js";
import { checkLoadOptions } from "./options.js";
import type { LoadOptions, Source } from "./types.js";

export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type { Calibration, ClassifierInfo, ClassifyOptions, Detailed, Device, FileName, KernelTime, LoadOptions, ModelFiles, Progress, Score, Source, Timings, Token, WebGpuInfo, WebGpuReason } from "./types.js";

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model from a folder, a URL, a hub or memory into a worker of its own, and reports on the way. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(nodejs, source, checkLoadOptions(options)));
  }
}
