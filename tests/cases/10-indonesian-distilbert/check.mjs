// A real model's three small files, unchanged, with small weights: no text is cut at 64 tokens or padded.
import {
  CPU,
  folderOf,
  join,
  json,
  modelFiles,
  readFileSync,
  real,
  report,
  rows,
  scratch,
  tabsense,
  writeFolder,
} from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const here = folderOf(import.meta.url);
const { check, end } = report();
const files = modelFiles(real("indonesian-distilbert"), json(join(here, "config.json")));
for (const name of ["tokenizer_config.json", "special_tokens_map.json"])
  files[name] = readFileSync(join(here, name));
const classifier = await Classifier.load(writeFolder(join(scratch(), "model"), files), CPU);
const lengths = json(join(here, "expected-lengths.json"));
for (const [i, { name, text, ids, utf16, scores }] of rows(join(here, "expected-real.jsonl")).entries()) {
  const got = await classifier.classify(text, { details: true, topK: null });
  const want = ids.length > 512 ? [...ids.slice(0, 511), ids.at(-1)] : ids;
  check(
    got.tokens.length === lengths[i].wanted &&
      JSON.stringify(got.tokens.map(({ id }) => id)) === JSON.stringify(want),
    `${name ?? text}: ${lengths[i].wanted} tokens`,
    `${got.tokens.length}`,
  );
  check(
    ids.length > 512 ||
      JSON.stringify(got.tokens.map(({ start, end }) => [start, end])) === JSON.stringify(utf16),
    `${name ?? text}: places`,
  );
  check(
    got.scores.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-4),
    `${name ?? text}: scores ${JSON.stringify(scores)}`,
    got.scores,
  );
  check(got.truncated === ids.length > 512, `${name ?? text}: truncated`, got.truncated);
}
await classifier.dispose();
end();
