// Compares each variant of a case (variants.json) with its expected-VARIANT.jsonl: ids, places (UTF-16),
// scores. node check-tokens.mjs CASE_FOLDER [VARIANT…]
import {
  config,
  CPU,
  join,
  json,
  modelFiles,
  patched,
  report,
  rows,
  tabsense,
  vocabularyOf,
} from "./tools.mjs";
const { Classifier } = await tabsense();
const [folder, ...named] = process.argv.slice(2);
const { labels, positions, variants } = json(join(folder, "variants.json"));
const { check, fault, ok, end } = report();
for (const [variant, patch] of Object.entries(variants).filter(
  ([name]) => named.length === 0 || named.includes(name),
)) {
  const tokenizer = patched(patch);
  let classifier;
  try {
    classifier = await Classifier.load(
      modelFiles(tokenizer, config(vocabularyOf(tokenizer), labels, { max_position_embeddings: positions })),
      CPU,
    );
  } catch (error) {
    fault(`${variant} does not load`, `${error.kind}: ${error.message}`);
    continue;
  }
  for (const { name, text, ids, utf16, scores } of rows(join(folder, `expected-${variant}.jsonl`))) {
    const what = `${variant}: ${JSON.stringify(name ?? text.slice(0, 80))}`;
    const got = await classifier.classify(text, { details: true, topK: null });
    const maxTokens = classifier.info.model.maxTokens;
    const want = ids.length > maxTokens ? [...ids.slice(0, maxTokens - 1), ids.at(-1)] : ids;
    const [seen, places] = [
      JSON.stringify(got.tokens.map(({ id }) => id)),
      JSON.stringify(got.tokens.map(({ start, end }) => [start, end])),
    ];
    if (ids.length === 2)
      check(got.scores.length === 0 && got.tokens.length === 0, `${what}: no text, no label`, seen);
    else if (seen !== JSON.stringify(want))
      fault(`${what}: want ids ${JSON.stringify(want).slice(0, 300)}`, seen.slice(0, 300));
    else if (ids.length <= maxTokens && places !== JSON.stringify(utf16))
      fault(`${what}: want places ${JSON.stringify(utf16).slice(0, 300)}`, places.slice(0, 300));
    else if (got.scores.some(({ label, score }) => Math.abs(score - scores[label]) > 1e-4))
      fault(`${what}: want ${JSON.stringify(scores)}`, JSON.stringify(got.scores));
    else ok(what);
  }
  await classifier.dispose();
}
end();
