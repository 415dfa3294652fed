// Code that must match the types of taggers, and code that must not.

import { type Entity, type Pattern, type Redaction, pipeline, Tagger } from "tabsense";

const tagger = await Tagger.load("pii-en", { device: "cpu" });
const one: Entity[] = await tagger.tag("a", { aggregation: "none", ignoreLabels: ["O"], patterns: true });
const many: Entity[][] = await tagger.tag(["a"] as const, { patterns: ["email", "iban"] });
const pattern: Pattern = { name: "order", label: "ORDER", find: () => new Set([{ start: 0, end: 1 }]) };
const masked: Redaction = await tagger.redact("a", {
  labels: ["EMAIL"],
  patterns: [pattern, "card"],
  replace: ({ label, text }, number) => `${label}${text.length}${number}`,
});
const all: Redaction[] = await tagger.redact(["a"]);
const restored: string = masked.restore("a", { strict: true });
const missing: string[] = masked.missing("a").map(({ placeholder }) => placeholder);
for await (const { index, text, entities } of tagger.stream(["a"], { patterns: true }))
  console.log(index + 1, text.length, entities.length);

// @ts-expect-error: no such aggregation
tagger.tag("a", { aggregation: "mean" });
// @ts-expect-error: a token is no value to mask
tagger.redact("a", { aggregation: "none" });
// @ts-expect-error: pairs have no entities
tagger.tag({ text: "a", pair: "b" });
// @ts-expect-error: no such pattern
tagger.tag("a", { patterns: ["phone"] });
// @ts-expect-error: a placeholder is a text
tagger.redact("a", { replace: () => 1 });

const ner = await pipeline("ner", "org/name");
const [token] = await ner("a");
const entity: string | undefined = token?.entity;
const [group] = await ner("a", { aggregation_strategy: "simple" });
const name: string | undefined = group?.entity_group;
const lists = await ner(["a", "b"], { aggregation_strategy: "none", ignore_labels: [] });
const index: number | undefined = lists[0]?.[0]?.index;
const again = await pipeline("token-classification", null, { dtype: "q4" });
const info: number = again.tagger.info.bytes.weights;
// @ts-expect-error: groups have no index
const no: number = (await ner("a", { aggregation_strategy: "first" }))[0]!.index;

export { all, entity, index, info, many, missing, name, no, one, restored };
