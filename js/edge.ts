/**
 * Tabsense in an edge runtime such as Cloudflare's workerd: no worker, no disk, and WebAssembly only as a
 * module that was imported. Importing it touches nothing.
 */

import { LoadedClassifier } from "./api/classifier.js";
import { edge, hasModel } from "./platform/edge.js";
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
export { clearCachedFiles, listCachedFiles } from "./platform/edge.js";

const environment = /* @__PURE__ */ startEnvironment(false);

/** The settings of transformers.js, which `pipeline` reads with each call; {@link Classifier.load} doesn't. */
export const env: TransformersEnvironment = environment.env;

/** A text classifier. Make one with `await Classifier.load(source, { wasm })`. */
export class Classifier extends LoadedClassifier {
  /**
   * Loads a model from a URL, a hub or memory, and reports on the way. `wasm` is the module that
   * `tabsense/wasm/simd.wasm` is imported as.
   */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    const checked = checkLoadOptions({ ...options, worker: options?.worker ?? false });
    return new Classifier(await open(edge, source, checked));
  }
}

/** As in a browser, with the option `wasm` of {@link Classifier.load}. */
export function pipeline(
  task: PipelineType,
  model?: Source | null,
  options?: PretrainedModelOptions | null,
): Promise<TextClassificationPipeline> {
  const load = (source: Source, loading: LoadOptions) => Classifier.load(source, loading);
  return openPipeline({ load, hasModel, environment }, task, model, options);
}
