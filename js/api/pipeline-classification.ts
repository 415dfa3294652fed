/** `pipeline("text-classification")`. */

import { classifyAll, type LoadedClassifier } from "./classifier.js";
import { checkTexts } from "./options.js";
import type { Kind } from "./pipeline.js";
import { checkCall } from "./pipeline-options.js";
import type {
  PipelineModelConfig,
  TextClassificationOutput,
  TextClassificationPipeline,
  TextClassificationPipelineOptions,
} from "./pipeline-types.js";
import type { Score } from "./answer-types.js";

/** Text classification. */
export const classification: Kind<LoadedClassifier> = {
  load: (host, source, options) => host.classifier(source, options),
  callable,
};

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

/** Only label and score: transformers.js doesn't report that a text was cut. */
function plain({ label, score }: Score): { label: string; score: number } {
  return { label, score };
}

/** The labels of a model, as in its configuration. */
export function configOf(labels: readonly string[]): PipelineModelConfig {
  const id2label = Object.freeze(Object.fromEntries(labels.map((label, id) => [String(id), label])));
  const label2id = Object.freeze(Object.fromEntries(labels.map((label, id) => [label, id])));
  return Object.freeze({ id2label, label2id });
}
