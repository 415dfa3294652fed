// Texts and pairs, compiled by tests/js/pipeline-types.test.mjs. It never runs.

import type {
  Classifier,
  Detailed,
  DetailedVerdict,
  Pair,
  Score,
  Text,
  TextClassificationPair,
  Texts,
  Verdict,
} from "tabsense";

export async function calls(classifier: Classifier): Promise<void> {
  const pair: Pair = { text: "a", pair: "b" };
  const one: Score[] = await classifier.classify(pair);
  const detailed: Detailed = await classifier.classify(pair, { details: true });
  const mixed: readonly Text[] = ["a", pair];
  const many: Score[][] = await classifier.classify(mixed);
  const manyDetailed: Detailed[] = await classifier.classify(["a", { text: "a", pair: "b" }], {
    details: true,
  });
  const ofSecond: true | undefined = detailed.tokens[0]?.pair;
  const newest: Score[] | null = await classifier.latest()(pair);
  const newestMany: Detailed[] | null = await classifier.latest()([pair], { details: true });
  console.log(one, many, manyDetailed, ofSecond, newest, newestMany);

  const lines: ReadableStream<string> = new Blob(["a"]).stream().pipeThrough(new TextDecoderStream());
  const sources: Texts[] = [lines, new Set(["a"]), [pair]];
  console.log(sources);
  const texts: Texts = [pair, "a"];
  for await (const verdict of classifier.stream(texts)) {
    const { text, pair: second, scores }: Verdict = verdict;
    const both: [string, string | undefined, Score[]] = [text, second, scores];
    console.log(both);
  }
  for await (const verdict of classifier.stream([pair], { details: true })) {
    const { pair: second }: DetailedVerdict = verdict;
    console.log(second);
  }

  const foreign: TextClassificationPair = { text: "a", text_pair: "b" };
  // @ts-expect-error: `text_pair` is for `pipeline`
  await classifier.classify(foreign);
  // @ts-expect-error: a pair has two texts
  await classifier.classify({ text: "a" });
  // @ts-expect-error: of two strings
  await classifier.classify(["a", { text: "a", pair: 7 }]);
}
