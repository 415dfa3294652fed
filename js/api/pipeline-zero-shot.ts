/** `pipeline("zero-shot-classification")`. */

import { checkSentences } from "./embedder.js";
import { flag, invalid, record, signal } from "./options.js";
import { configOf } from "./pipeline-classification.js";
import type { Kind } from "./pipeline.js";
import type {
  ZeroShotClassificationOutput,
  ZeroShotClassificationPipeline,
  ZeroShotClassificationPipelineOptions,
} from "./pipeline-types.js";
import { LoadedZeroShot, openEntailment, type Opened } from "./zero-shot.js";

/** An NLI model. */
class Nli extends LoadedZeroShot {
  constructor(opened: Opened) {
    super(opened);
  }
}

/** Zero-shot classification. */
export const zeroShot: Kind<LoadedZeroShot> = {
  load: async (host, source, options) =>
    new Nli(await openEntailment(host.session(source, "classify", options))),
  callable,
};

function callable(model: LoadedZeroShot): ZeroShotClassificationPipeline {
  async function classify(
    input: string | readonly string[],
    labels: string | readonly string[],
    options?: ZeroShotClassificationPipelineOptions,
  ): Promise<ZeroShotClassificationOutput | ZeroShotClassificationOutput[]> {
    const { texts, single } = checkSentences(input, "The pipeline");
    const results = await model.classify(texts, labels, checkCall(options));
    const outputs = results.map((scores, i) => ({
      sequence: texts[i]!,
      labels: scores.map(({ label }) => label),
      scores: scores.map(({ score }) => score),
    }));
    return single ? outputs[0]! : outputs;
  }
  return Object.assign(classify as ZeroShotClassificationPipeline, {
    task: "zero-shot-classification" as const,
    model: Object.freeze({ config: configOf(model.info.model.labels) }),
    zeroShot: model,
    dispose: () => model.dispose(),
  });
}

function checkCall(options: unknown) {
  const given = record(options ?? undefined, ["hypothesis_template", "multi_label", "signal"]);
  const template = given["hypothesis_template"] ?? undefined;
  if (template !== undefined && typeof template !== "string")
    throw invalid("hypothesis_template", "a string", template);
  const ended = signal(given);
  return {
    multiLabel: flag(given, "multi_label", false),
    ...(template === undefined ? {} : { template }),
    ...(ended && { signal: ended }),
  };
}
