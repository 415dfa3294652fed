// One label: a sigmoid, or a regression's logit; never 1 for every text.
import { cli, CPU, folderOf, join, json, report, tabsense } from "../_tools/tools.mjs";
const { Classifier, pipeline } = await tabsense();
const here = folderOf(import.meta.url);
const { check, end } = report();
for (const [name, { texts, or_refused }] of Object.entries(json(join(here, "expected.json")))) {
  const folder = `${join(here, "models", name)}/`;
  const near = (got, scores) =>
    got.length === scores.length &&
    got.every(({ label, score }, i) => label === scores[i][0] && Math.abs(score - scores[i][1]) < 1e-5);
  try {
    const [classifier, classify] = [
      await Classifier.load(folder, CPU),
      await pipeline("text-classification", folder, CPU),
    ];
    for (const { text, scores } of texts) {
      const got = await classifier.classify(text, { topK: null });
      check(near(got, scores), `${name}, classify, want ${JSON.stringify(scores)}`, got);
      check(
        near(await classify(text, { top_k: null }), scores),
        `${name}, pipeline, want ${JSON.stringify(scores)}`,
        got,
      );
    }
    await classifier.dispose();
    await classify.dispose();
  } catch (error) {
    check(or_refused && error.kind.startsWith("config_"), `${name} loads`, `${error.kind}: ${error.message}`);
    continue;
  }
  const { stdout } = cli([texts[0].text, "--model", folder, "--json", "--top", "all"]);
  check(
    near(JSON.parse(stdout).scores, texts[0].scores),
    `${name}, command line, want ${JSON.stringify(texts[0].scores)}`,
    stdout.trim(),
  );
}
end();
