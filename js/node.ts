/** Tabsense in Node. Importing it touches nothing. */

import { LoadedClassifier } from "./api/classifier.js";
import { open } from "./client/open.js";
import { nodejs } from "./platform/node.js";
import { checkLoadOptions } from "./api/options.js";
import { openPipeline } from "./api/pipeline.js";
import type {
  PipelineType,
  PretrainedModelOptions,
  TextClassificationPipeline,
} from "./api/pipeline-types.js";
import type { LoadOptions, Source } from "./api/types.js";

export * from "./api/exports.js";
export { clearCachedFiles, listCachedFiles } from "./platform/node.js";

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model from a folder, a URL, a hub or memory into a worker of its own, and reports on the way. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(nodejs, source, checkLoadOptions(options)));
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
  return openPipeline((source, loading) => Classifier.load(source, loading), task, model, options);
}
