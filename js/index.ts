/** Tabsense in a browser. Importing it touches nothing: no worker, no request, no document. */

import { browser, hasModel } from "./platform/browser.js";
import { LoadedClassifier } from "./api/classifier.js";
import { open } from "./client/open.js";
import { checkLoadOptions } from "./api/options.js";
import { startEnvironment, type TransformersEnvironment } from "./api/env.js";
import { openPipeline } from "./api/pipeline.js";
import type {
  PipelineType,
  PretrainedModelOptions,
  TextClassificationPipeline,
} from "./api/pipeline-types.js";
import type { LoadOptions, Source } from "./api/types.js";

export * from "./api/exports.js";
export { clearCachedFiles, listCachedFiles } from "./platform/browser.js";

const environment = /* @__PURE__ */ startEnvironment(false);

/** The settings of transformers.js, which `pipeline` reads with each call; {@link Classifier.load} doesn't. */
export const env: TransformersEnvironment = environment.env;

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model: streams its weights into a worker of its own, and reports on the way. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(browser, source, checkLoadOptions(options)));
  }
}

/**
 * Loads a text classifier that is called as a function: the signature, outputs and progress events of
 * transformers.js 4. Without a `model` it is `"sentiment-en"`.
 */
export function pipeline(
  task: PipelineType,
  model?: Source | null,
  options?: PretrainedModelOptions | null,
): Promise<TextClassificationPipeline> {
  const load = (source: Source, loading: LoadOptions) => Classifier.load(source, loading);
  return openPipeline({ load, hasModel, environment }, task, model, options);
}
