// Real configurations: DistilBERT classifiers answer like Python's pipeline, all others are refused with the
// right kind of error.
import {
  CPU,
  folderOf,
  join,
  json,
  modelFiles,
  readFileSync,
  real,
  report,
  scratch,
  tabsense,
  writeFolder,
} from "../_tools/tools.mjs";
const { Classifier, pipeline } = await tabsense();
const here = folderOf(import.meta.url);
const { check, end } = report();
const { accepted, refused } = json(join(here, "expected.json"));
let files;
for (const [name, { tokenizer, texts }] of Object.entries(accepted)) {
  files = modelFiles(real(tokenizer), json(join(here, `accepted/${name}.json`)));
  try {
    const classify = await pipeline("text-classification", writeFolder(join(scratch(), name), files), CPU);
    for (const { text, scores } of texts) {
      const got = await classify(text, { top_k: null });
      check(
        got.length === scores.length &&
          got.every(({ label, score }, i) => label === scores[i][0] && Math.abs(score - scores[i][1]) < 1e-5),
        `${name}, want ${JSON.stringify(scores)}`,
        got,
      );
    }
    await classify.dispose();
  } catch (error) {
    check(false, name, `${error.kind}: ${error.message}`);
  }
}
for (const [name, { kind, says }] of Object.entries(refused)) {
  const source = { ...files, "config.json": readFileSync(join(here, `refused/${name}.json`)) };
  for (const [how, load] of [
    ["load", () => Classifier.load(source, CPU)],
    ["pipeline", () => pipeline("text-classification", source, CPU)],
  ]) {
    try {
      await (await load()).dispose();
      check(false, `${name}, ${how}: ${kind}`, "loads");
    } catch (error) {
      check(
        error.kind === kind && error.message.includes(says),
        `${name}, ${how}: ${kind} that names ${says}`,
        `${error.kind}: ${error.message}`,
      );
    }
  }
}
end();
