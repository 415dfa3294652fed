/** Tabsense in an edge runtime such as Cloudflare's workerd: no worker, no disk, and WebAssembly only as a module that was imported. Importing it touches nothing. */

import { LoadedClassifier } from "./classifier.js";
import { edge } from "./edge-platform.js";
import { checkLoadOptions } from "./options.js";
import { openSession } from "./session.js";
import type { LoadOptions, Source } from "./types.js";

export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type { Calibration, ClassifierInfo, ClassifyOptions, ClassifyProgress, Detailed, Device, FileName, KernelTime, LoadOptions, Model, ModelFiles, Progress, Score, Source, Timings, Token, WebGpuInfo, WebGpuReason } from "./types.js";

/** A text classifier. Make one with `await Classifier.load(source, { wasm })`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model from a URL, a hub or memory, and reports on the way. `wasm` is the module that `tabsense/wasm/simd.wasm` is imported as. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await openSession(edge, source, checkLoadOptions({ worker: false, ...options })));
  }
}
