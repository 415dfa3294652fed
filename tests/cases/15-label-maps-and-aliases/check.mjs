// Configurations as people write them give the answers of Python's pipeline. A refusal that names the field
// counts as a message, any other as a fault.
import { CPU, folderOf, join, json, report, tabsense, TEXT } from "../_tools/tools.mjs";
const { pipeline } = await tabsense();
const here = folderOf(import.meta.url);
const { check, message, ok, fault, end } = report();
for (const [name, { scores, python_fails, refusal_names }] of Object.entries(
  json(join(here, "expected.json")),
)) {
  try {
    const classify = await pipeline("text-classification", `${join(here, "models", name)}/`, CPU);
    const got = await classify(TEXT, { top_k: null });
    const { id2label } = classify.model.config;
    await classify.dispose();
    if (python_fails) {
      // The weights have three labels, so a, b, c is right if the map says so; never labels shifted by one.
      check(
        name === "num_labels-disagrees" &&
          got
            .map(({ label }) => label)
            .sort()
            .join() === "a,b,c",
        `${name}: Python fails (${python_fails})`,
        got,
      );
      continue;
    }
    check(
      got.length === scores.length &&
        got.every(({ label, score }, i) => label === scores[i][0] && Math.abs(score - scores[i][1]) < 1e-5),
      `${name}, want ${JSON.stringify(scores)}`,
      got,
    );
    check(
      Object.keys(id2label).length === 3 &&
        scores.every(([label]) => Object.values(id2label).includes(label)),
      `${name}: id2label has its three labels`,
      JSON.stringify(id2label),
    );
  } catch (error) {
    const named = refusal_names && error.message.includes(refusal_names);
    const got = `${error.kind}: ${error.message}`;
    if (python_fails)
      (refusal_names && !named ? message : ok)(
        `${name}: Python fails, too; the sentence should name ${refusal_names}`,
        got,
      );
    else (named ? message : fault)(`${name}: refused, want ${JSON.stringify(scores)}`, got);
  }
}
end();
