/**
 * Tabsense in an edge runtime such as Cloudflare's workerd: no worker, no disk, and WebAssembly only as a
 * module that was imported. Importing it has no side effects.
 */

import { LoadedClassifier } from "./api/classifier.js";
import { edge, hasModel } from "./platform/edge.js";
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
export { clearCachedFiles, listCachedFiles } from "./platform/edge.js";

const environment = /* @__PURE__ */ startEnvironment(false);

/** The settings of transformers.js, which `pipeline` reads with each call; {@link Classifier.load} doesn't. */
export const env: TransformersEnvironment = environment.env;

/** A text classifier. Make one with `await Classifier.load(source, { wasm })`. */
export class Classifier extends LoadedClassifier {
  /**
   * Loads a model from a URL, a hub or memory, and reports its progress. `wasm` is the module that is
   * imported from `tabsense/wasm/simd.wasm`.
   */
  static async load(source: Source, options?: LoadOptions): Promise<Classifier> {
    const checked = checkLoadOptions({ ...options, worker: options?.worker ?? false }, "instant");
    return new Classifier(await open(edge, source, checked));
  }
}

/** An encoder that turns texts into vectors. Make one with `await Embedder.load(source)`. */
export class Embedder extends LoadedEmbedder {
  /** Loads an encoder, with or without a head, as {@link Classifier.load} loads a classifier. */
  static async load(source: Source, options?: EmbedderOptions): Promise<Embedder> {
    const checked = checkLoadOptions({ ...options, worker: options?.worker ?? false }, "pooling");
    return new Embedder(await openSession(edge, source, "embed", checked));
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
    const checked = checkLoadOptions({ ...options, worker: options?.worker ?? false }, null);
    return new ZeroShot(await openEntailment(openSession(edge, source, "classify", checked)));
  }
}

/** A model that finds entities in texts. Make one with `await Tagger.load(source)`. */
export class Tagger extends LoadedTagger {
  /**
   * Loads a model that labels tokens, as {@link Classifier.load} loads a classifier. With `dtype: "auto"`, a
   * 4-bit ONNX file is stored as fp32, so that rounding doesn't change its entities; `"q4"` keeps it small.
   */
  static async load(source: Source, options?: ModelOptions): Promise<Tagger> {
    const checked = checkLoadOptions({ ...options, worker: options?.worker ?? false }, null);
    return new Tagger(await openSession(edge, source, "tag", checked));
  }
}

/** As in a browser, with the option `wasm` of {@link Classifier.load}. */
export function pipeline<Name extends PipelineType>(
  task: Name,
  model?: Source | null,
  options?: PretrainedModelOptions | null,
): Promise<PipelineOf<Name>> {
  const host: PipelineHost = {
    classifier: (source, loading) => Classifier.load(source, loading),
    session: (source, task, loading) =>
      openSession(
        edge,
        source,
        task,
        checkLoadOptions({ ...loading, worker: loading.worker ?? false }, null),
      ),
    hasModel,
    environment,
  };
  return openPipeline(host, task, model, options);
}
