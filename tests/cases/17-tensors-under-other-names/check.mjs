// The same tensors under other names and in other types: Python's answer if it has one, otherwise
// weights_mismatch with the reason.
import { CPU, folderOf, join, json, report, tabsense, TEXT } from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const here = folderOf(import.meta.url);
const { ok, fault, message, check, end } = report();
for (const [name, { scores, refusal_names }] of Object.entries(json(join(here, "expected.json")))) {
  try {
    const classifier = await Classifier.load(`${join(here, "models", name)}/`, CPU);
    const got = await classifier.classify(TEXT, { topK: null });
    await classifier.dispose();
    check(
      scores && got.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-5),
      `${name}, want ${scores ? JSON.stringify(scores) : "weights_mismatch"}`,
      got,
    );
  } catch (error) {
    const got = `${error.kind}: ${error.message}`;
    const named = refusal_names && error.message.includes(refusal_names);
    if (error.kind !== "weights_mismatch") fault(`${name}: of kind weights_mismatch`, got);
    else if (scores) (named ? message : fault)(`${name}: refused, want ${JSON.stringify(scores)}`, got);
    else (named ? ok : message)(`${name}: a refusal that names ${refusal_names}`, got);
  }
}
end();
