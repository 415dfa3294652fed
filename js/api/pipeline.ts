/** `pipeline`, with the signature, the outputs and the events of transformers.js 4. */

import type { Session } from "../client/session.js";
import type { LoadedClassifier } from "./classifier.js";
import type { Environment } from "./env.js";
import { TabsenseError, toError } from "./errors.js";
import { loadTasks } from "./load-tasks.js";
import { warn, type LoadedModel } from "./model.js";
import { classification } from "./pipeline-classification.js";
import { checkPipeline } from "./pipeline-options.js";
import { progressEvents } from "./pipeline-progress.js";
import type { PipelineOf, PipelineTask, PipelineType, PretrainedModelOptions } from "./pipeline-types.js";
import type { Task } from "../client/protocol.js";
import { HUB_NAME } from "../files/sources.js";
import type { LoadOptions, ModelOptions, Source } from "./types.js";

/** What differs between a browser, Node and an edge runtime. */
export interface PipelineHost {
  /** Its `Classifier.load`. */
  classifier(source: Source, options: LoadOptions): Promise<LoadedClassifier>;
  /** A model of any other task. */
  session(source: Source, task: Task, options: ModelOptions): Promise<Session>;
  /** Whether the folder, given as a path or URL, has a model. */
  hasModel(folder: string): Promise<boolean>;
  /** The settings that all calls share. */
  environment: Environment;
}

/** Loads a task's model, and turns it into a pipeline. */
export interface Kind<Model extends LoadedModel> {
  load(host: PipelineHost, source: Source, options: LoadOptions): Promise<Model>;
  callable(model: Model): unknown;
}

/**
 * A task's kind, and the function that adds warnings to its models: that of the module which defines their
 * classes.
 */
async function kindOf(task: PipelineTask): Promise<{ kind: Kind<LoadedModel>; add: typeof warn }> {
  if (task === "text-classification") return { kind: classification as Kind<LoadedModel>, add: warn };
  const tasks = await loadTasks();
  return { kind: tasks.KINDS[task] as Kind<LoadedModel>, add: tasks.warn };
}

/** Loads a pipeline. */
export async function openPipeline<Name extends PipelineType>(
  host: PipelineHost,
  task: Name,
  model: Source | null | undefined,
  options: PretrainedModelOptions | null | undefined,
): Promise<PipelineOf<Name>> {
  const checked = checkPipeline(task, model, options, host.environment);
  const { onProgress } = checked.options;
  const events =
    checked.progressCallback && progressEvents(checked.task, checked.name, checked.progressCallback);
  await null; // no event comes before the caller has the promise
  events?.start();
  const { local } = checked.place;
  const source = local !== null && (await host.hasModel(local)) ? local : checked.place.source;
  try {
    const { kind, add } = await kindOf(checked.task);
    const loaded = await kind.load(host, source, {
      ...checked.options,
      ...(events && {
        onProgress(progress) {
          onProgress?.(progress);
          events.progress(progress);
        },
      }),
    });
    add(loaded, checked.warnings);
    return kind.callable(loaded) as PipelineOf<Name>;
  } catch (thrown) {
    if (checked.options.signal?.aborted) throw checked.options.signal.reason;
    throw events?.failure() ?? withHint(thrown, source);
  }
}

/**
 * Adds a hint for users of transformers.js: that models on a hub are named org/name, or, for a repository
 * without tokenizer.json, that the vocabulary may be elsewhere.
 */
function withHint(thrown: unknown, source: Source): TabsenseError {
  const error = toError(thrown);
  if (typeof source === "string" && /^[\w.-]+$/.test(source) && error.kind === "network") {
    return new TabsenseError(
      "network",
      `${error.message} Models on a hub are named org/name, such as "distilbert/distilbert-base-uncased-finetuned-sst-2-english".`,
      { cause: error },
    );
  }
  const missing =
    typeof source === "string" && HUB_NAME.test(source) && /tokenizer\.json answered 404/.test(error.message);
  if (error.kind !== "network" || !missing) return error;
  return new TabsenseError(
    "network",
    `${error.message} The vocabulary may be in another repository: try one with ONNX files for transformers.js, or pass a tokenizer.json with config.json and the weights as files.`,
    { cause: error },
  );
}
