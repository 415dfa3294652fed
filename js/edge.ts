/** Tabsense in an edge runtime such as Cloudflare's workerd: no worker, no disk, and WebAssembly only as a module that was imported. Importing it touches nothing. */

import { LoadedClassifier } from "./classifier.js";
import { edge } from "./edge-platform.js";
import { open } from "./instant.js";
import { checkLoadOptions } from "./options.js";
import { openPipeline } from "./pipeline.js";
import type { PipelineType, PretrainedModelOptions, TextClassificationPipeline } from "./pipeline-types.js";
import type { LoadOptions, Source } from "./types.js";

export { clearCachedFiles, listCachedFiles } from "./model-cache.js";
export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type { CachedFile, Calibration, ClassifierInfo, ClassifyOptions, ClassifyProgress, Detailed, DetailedVerdict, Device, FileName, KernelTime, Latest, LoadOptions, Model, ModelFile, ModelFiles, Progress, Score, Source, StreamOptions, Texts, Timings, Token, Verdict, WebGpuInfo, WebGpuReason } from "./types.js";
export type { DataType, DeviceType, FileLoadingProgress, PipelineModelConfig, PipelineType, PretrainedModelOptions, ProgressCallback, ProgressInfo, TextClassificationOutput, TextClassificationPipeline, TextClassificationPipelineOptions, TextClassificationSingle } from "./pipeline-types.js";

/** A text classifier. Make one with `await Classifier.load(source, { wasm })`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model from a URL, a hub or memory, and reports on the way. `wasm` is the module that `tabsense/wasm/simd.wasm` is imported as. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(edge, source, checkLoadOptions({ worker: false, ...options })));
  }
}

/** As in a browser, with the option `wasm` of {@link Classifier.load}. */
export function pipeline(task: PipelineType, model?: Source | null, options?: PretrainedModelOptions | null): Promise<TextClassificationPipeline> {
  return openPipeline((source, loading) => Classifier.load(source, loading), task, model, options);
}
