/** Tabsense in Node. Importing it touches nothing. */

import { LoadedClassifier } from "./classifier.js";
import { nodejs } from "./nodejs.js";
import { checkLoadOptions } from "./options.js";
import { openSession } from "./session.js";
import type { LoadOptions, Source } from "./types.js";

export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type { Calibration, ClassifierInfo, ClassifyOptions, ClassifyProgress, Detailed, Device, FileName, KernelTime, LoadOptions, Model, ModelFiles, Progress, Score, Source, Timings, Token, WebGpuInfo, WebGpuReason } from "./types.js";

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model from a folder, a URL, a hub or memory into a worker of its own, and reports on the way. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await openSession(nodejs, source, checkLoadOptions(options)));
  }
}
