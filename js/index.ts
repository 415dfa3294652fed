/** Tabsense in a browser. Importing it touches nothing: no worker, no request, no document. */

import { browser } from "./browser.js";
import { LoadedClassifier } from "./classifier.js";
import { open } from "./instant.js";
import { checkLoadOptions } from "./options.js";
import { openPipeline } from "./pipeline.js";
import type { PipelineType, PretrainedModelOptions, TextClassificationPipeline } from "./pipeline-types.js";
import type { LoadOptions, Source } from "./types.js";

export { clearCachedFiles, listCachedFiles } from "./model-cache.js";
export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type { CachedFile, Calibration, ClassifierInfo, ClassifyOptions, ClassifyProgress, Detailed, DetailedVerdict, Device, FileName, KernelTime, Latest, LoadOptions, Model, ModelFile, ModelFiles, Progress, Score, Source, StreamOptions, Texts, Timings, Token, Verdict, WebGpuInfo, WebGpuReason } from "./types.js";
export type { DataType, DeviceType, FileLoadingProgress, PipelineModelConfig, PipelineType, PretrainedModelOptions, ProgressCallback, ProgressInfo, TextClassificationOutput, TextClassificationPipeline, TextClassificationPipelineOptions, TextClassificationSingle } from "./pipeline-types.js";

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model: streams its weights into a worker of its own, and reports on the way. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(browser, source, checkLoadOptions(options)));
  }
}

/** Loads a text classifier that is called as a function: the signature, outputs and progress events of transformers.js 4. Without a `model` it is `"sentiment-en"`. */
export function pipeline(task: PipelineType, model?: Source | null, options?: PretrainedModelOptions | null): Promise<TextClassificationPipeline> {
  return openPipeline((source, loading) => Classifier.load(source, loading), task, model, options);
}
