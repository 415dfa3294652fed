/** The other way in: `pipeline`, with the signature, the outputs and the events of transformers.js 4. */

import { classifyAll, type LoadedClassifier, warn } from "./classifier.js";
import type { Environment } from "./env.js";
import { TabsenseError, toError } from "./errors.js";
import { checkTexts } from "./options.js";
import { checkCall, checkPipeline } from "./pipeline-options.js";
import { progressEvents } from "./pipeline-progress.js";
import type {
  PipelineModelConfig,
  PretrainedModelOptions,
  TextClassificationOutput,
  TextClassificationPipeline,
  TextClassificationPipelineOptions,
} from "./pipeline-types.js";
import { HUB_NAME } from "../files/sources.js";
import type { LoadOptions, Score, Source } from "./types.js";

/** What differs between a browser, Node and an edge runtime. */
export interface PipelineHost {
  /** Its `Classifier.load`. */
  load(source: Source, options: LoadOptions): Promise<LoadedClassifier>;
  /** Whether the folder, a path or an address, has a model. */
  hasModel(folder: string): Promise<boolean>;
  /** The settings that all calls share. */
  environment: Environment;
}

/** Loads a pipeline. */
export async function openPipeline(
  host: PipelineHost,
  task: unknown,
  model: Source | null | undefined,
  options: PretrainedModelOptions | null | undefined,
): Promise<TextClassificationPipeline> {
  const checked = checkPipeline(task, model, options, host.environment);
  const { onProgress } = checked.options;
  const events =
    checked.progressCallback && progressEvents(checked.task, checked.name, checked.progressCallback);
  await null; // no event comes before the caller has the promise
  events?.start();
  const { local } = checked.place;
  const source = local !== null && (await host.hasModel(local)) ? local : checked.place.source;
  try {
    const classifier = await host.load(source, {
      ...checked.options,
      ...(events && {
        onProgress(progress) {
          onProgress?.(progress);
          events.progress(progress);
        },
      }),
    });
    warn(classifier, checked.warnings);
    return callable(classifier);
  } catch (thrown) {
    if (checked.options.signal?.aborted) throw checked.options.signal.reason;
    throw events?.failure() ?? withHint(thrown, source);
  }
}

function callable(classifier: LoadedClassifier): TextClassificationPipeline {
  async function classify(
    texts: unknown,
    options?: TextClassificationPipelineOptions,
  ): Promise<TextClassificationOutput | TextClassificationOutput[]> {
    const checked = checkCall(options);
    const { texts: all, single } = checkTexts(texts, "text_pair");
    const lists = (await classifyAll(classifier, all, checked)).map((scores) => scores.map(plain));
    if (single) return lists[0]!;
    return checked.topK === 1 ? lists.flat() : lists;
  }
  return Object.assign(classify as TextClassificationPipeline, {
    task: "text-classification" as const,
    model: Object.freeze({ config: configOf(classifier.info.model.labels) }),
    classifier,
    dispose: () => classifier.dispose(),
  });
}

/** Label and score alone: transformers.js doesn't tell that a text was cut. */
function plain({ label, score }: Score): { label: string; score: number } {
  return { label, score };
}

function configOf(labels: readonly string[]): PipelineModelConfig {
  const id2label = Object.freeze(Object.fromEntries(labels.map((label, id) => [String(id), label])));
  const label2id = Object.freeze(Object.fromEntries(labels.map((label, id) => [label, id])));
  return Object.freeze({ id2label, label2id });
}

/**
 * Says of a hub's repository that lacks a file what those who come from transformers.js can't know: that the
 * files are others.
 */
function withHint(thrown: unknown, source: Source): TabsenseError {
  const error = toError(thrown);
  if (typeof source === "string" && /^[\w.-]+$/.test(source) && error.kind === "network") {
    return new TabsenseError(
      "network",
      `${error.message} A model on a hub is named org/name: "distilbert/distilbert-base-uncased-finetuned-sst-2-english", say.`,
      { cause: error },
    );
  }
  const missing =
    typeof source === "string" && HUB_NAME.test(source) && /tokenizer\.json answered 404/.test(error.message);
  if (error.kind !== "network" || !missing) return error;
  return new TabsenseError(
    "network",
    `${error.message} The vocabulary may be in another repository: the one with the ONNX files for transformers.js mostly has a tokenizer.json; load that one, or pass its tokenizer.json with config.json and the weights as files.`,
    { cause: error },
  );
}
