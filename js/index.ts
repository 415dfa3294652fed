/**
 * Tabsense in a browser. Importing it has no side effects: no worker, no request, no access to the document.
 */

import { browser, hasModel } from "./platform/browser.js";
import { LoadedClassifier } from "./api/classifier.js";
import { open } from "./client/open.js";
import { openSession } from "./client/session.js";
import { checkLoadOptions } from "./api/options.js";
import { LoadedEmbedder } from "./api/embedder.js";
import { startEnvironment, type TransformersEnvironment } from "./api/env.js";
import { LoadedTagger } from "./api/tagger.js";
import { openPipeline, type PipelineHost } from "./api/pipeline.js";
import type { PipelineOf, PipelineType, PretrainedModelOptions } from "./api/pipeline-types.js";
import type { LoadOptions, ModelOptions, Source } from "./api/types.js";
import type { EmbedderOptions } from "./api/vector-types.js";
import { LoadedZeroShot, openEmbedder, openEntailment } from "./api/zero-shot.js";

export * from "./api/exports.js";
export { clearCachedFiles, listCachedFiles } from "./platform/browser.js";

const environment = /* @__PURE__ */ startEnvironment(false);

/** The settings of transformers.js, which `pipeline` reads with each call; {@link Classifier.load} doesn't. */
export const env: TransformersEnvironment = environment.env;

/** A text classifier. Make one with `await Classifier.load(source)`. */
export class Classifier extends LoadedClassifier {
  /** Loads a model: streams its weights into its own worker, and reports its progress. */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    return new Classifier(await open(browser, source, checkLoadOptions(options, "instant")));
  }
}

/** An encoder that turns texts into vectors. Make one with `await Embedder.load(source)`. */
export class Embedder extends LoadedEmbedder {
  /** Loads an encoder, with or without a head, as {@link Classifier.load} loads a classifier. */
  static async load(source: Source, options?: EmbedderOptions): Promise<Embedder> {
    const checked = checkLoadOptions(options, "pooling");
    return new Embedder(await openSession(browser, source, "embed", checked));
  }
}

/**
 * Scores labels that are passed with each call, by a model for natural language inference or an
 * {@link Embedder}.
 */
export class ZeroShot extends LoadedZeroShot {
  /**
   * Loads an NLI model as {@link Classifier.load} loads a classifier. An embedder that is already loaded is
   * used as it is, without options; it stays loaded after `dispose`.
   */
  static async load(source: Source | LoadedEmbedder, options?: ModelOptions): Promise<ZeroShot> {
    if (source instanceof LoadedEmbedder) return new ZeroShot(await openEmbedder(source, options));
    const checked = checkLoadOptions(options, null);
    return new ZeroShot(await openEntailment(openSession(browser, source, "classify", checked)));
  }
}

/** A model that finds entities in texts. Make one with `await Tagger.load(source)`. */
export class Tagger extends LoadedTagger {
  /**
   * Loads a model that labels tokens, as {@link Classifier.load} loads a classifier. With `dtype: "auto"`, a
   * 4-bit ONNX file is stored as fp32, so that rounding doesn't change its entities; `"q4"` keeps it small.
   */
  static async load(source: Source, options?: ModelOptions): Promise<Tagger> {
    const checked = checkLoadOptions(options, null);
    return new Tagger(await openSession(browser, source, "tag", checked));
  }
}

/**
 * Loads a model that is called as a function: it has the signature, outputs and progress events of
 * transformers.js 4. Without `model`, it is this project's own model for the task, if there is one.
 */
export function pipeline<Name extends PipelineType>(
  task: Name,
  model?: Source | null,
  options?: PretrainedModelOptions | null,
): Promise<PipelineOf<Name>> {
  const host: PipelineHost = {
    classifier: (source, loading) => Classifier.load(source, loading),
    session: (source, task, loading) => openSession(browser, source, task, checkLoadOptions(loading, null)),
    hasModel,
    environment,
  };
  return openPipeline(host, task, model, options);
}
