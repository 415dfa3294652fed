// Zero-shot classification as users of transformers.js write it, and with this package's API. It never runs.

import {
  Embedder,
  pipeline,
  ZeroShot,
  type ZeroShotClassificationOutput,
  type ZeroShotClassificationPipeline,
  type ZeroShotScore,
} from "tabsense";

export async function calls(): Promise<void> {
  const classify: ZeroShotClassificationPipeline = await pipeline("zero-shot-classification", "org/name");
  const labels = ["travel", "cooking"] as const;
  const one: ZeroShotClassificationOutput = await classify("a text", ["travel", "cooking"]);
  const many: ZeroShotClassificationOutput[] = await classify(["a", "b"], labels, { multi_label: true });
  const split: ZeroShotClassificationOutput = await classify("a text", "travel, cooking", {
    hypothesis_template: "This is about {}.",
  });
  console.log(one.sequence, many[0]?.labels, split.scores[0]);
  // @ts-expect-error: a call has labels
  await classify("a text");
  // @ts-expect-error: so it is called by `ZeroShot`
  await classify("a text", labels, { multiLabel: true });

  const zero = await ZeroShot.load("org/name", { device: "cpu" });
  const scores: ZeroShotScore[] = await zero.classify("a text", labels, { template: "{}", multiLabel: true });
  const lists: ZeroShotScore[][] = await zero.classify(["a", "b"], "travel, cooking");
  const alike = await ZeroShot.load(await Embedder.load("org/name"));
  console.log(scores[0]?.label, lists[0]?.[0]?.score, alike.info.model.width);
  // @ts-expect-error: so it is called by `pipeline`
  await zero.classify("a text", labels, { hypothesis_template: "{}" });
  await zero.dispose();
}
