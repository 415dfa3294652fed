// Folders in which tokenizer.json and tokenizer_config.json agree or disagree: the ids must be those of
// Python's AutoTokenizer.
import {
  config,
  CPU,
  folderOf,
  join,
  json,
  modelFiles,
  patched,
  report,
  scratch,
  tabsense,
  writeFolder,
} from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const { check, end } = report();
const folder = scratch();
for (const [name, { normalizer, tokenizer_config, or_file_alone, texts }] of Object.entries(
  json(join(folderOf(import.meta.url), "expected.json")),
)) {
  const tokenizer = patched({ tokenizer: "bert-base-multilingual-cased", normalizer });
  const files = modelFiles(
    tokenizer,
    config(119547, ["low", "mid", "high"], { dim: 4, n_heads: 1, n_layers: 1, hidden_dim: 4 }),
  );
  if (tokenizer_config) files["tokenizer_config.json"] = JSON.stringify(tokenizer_config);
  const classifier = await Classifier.load(writeFolder(join(folder, name), files), CPU);
  for (const { text, ids, ids_of_the_file_alone } of texts) {
    const got = JSON.stringify(
      (await classifier.classify(text, { details: true })).tokens.map(({ id }) => id),
    );
    check(
      got === JSON.stringify(ids) || (or_file_alone && got === JSON.stringify(ids_of_the_file_alone)),
      `${name}: ${JSON.stringify(text)}, want ids ${JSON.stringify(ids)}`,
      `${got}${got === JSON.stringify(ids_of_the_file_alone) ? " (what tokenizer.json alone says)" : ""}`,
    );
  }
  await classifier.dispose();
}
end();
