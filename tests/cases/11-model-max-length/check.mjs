// model_max_length of tokenizer_config.json is 128: texts are cut there, as in Python and transformers.js.
import {
  config,
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
const { pipeline } = await tabsense();
const here = folderOf(import.meta.url);
const { check, end } = report();
const files = {
  ...modelFiles(real("bert-base-uncased"), config(30522, ["NEGATIVE", "POSITIVE"])),
  "tokenizer_config.json": readFileSync(join(here, "tokenizer_config.json")),
};
const classify = await pipeline("text-classification", writeFolder(join(scratch(), "model"), files), CPU);
for (const { name, text, tokens, scores, scores_cut_at_512 } of json(join(here, "expected.json"))) {
  const got = Object.fromEntries(
    (await classify(text, { top_k: null })).map(({ label, score }) => [label, score]),
  );
  const near = (want) => Object.keys(want).every((label) => Math.abs(want[label] - got[label]) < 1e-4);
  check(
    near(scores),
    `${name} (${tokens} tokens), want ${JSON.stringify(scores)}`,
    `${JSON.stringify(got)}${near(scores_cut_at_512) ? " (cut at 512)" : ""}`,
  );
  const { truncated } = await classify.classifier.classify(text, { details: true });
  check(truncated === tokens > 128, `${name} (${tokens} tokens): truncated ${tokens > 128}`, truncated);
}
await classify.dispose();
end();
