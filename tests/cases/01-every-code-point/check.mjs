// Every code point between "a" and "b", 256 per text, for six normalizers.   node check.mjs [VARIANT…]
import {
  config,
  CPU,
  folderOf,
  join,
  json,
  modelFiles,
  patched,
  report,
  tabsense,
} from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const folder = folderOf(import.meta.url);
const variants = json(join(folder, "variants.json"));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(variants);
const { ok, fault, end } = report();
for (const variant of wanted) {
  const tokenizer = patched({ tokenizer: "bert-base-uncased", normalizer: variants[variant] });
  const classifier = await Classifier.load(
    modelFiles(
      tokenizer,
      config(30522, ["a", "b"], {
        dim: 2,
        n_heads: 1,
        n_layers: 1,
        hidden_dim: 2,
        max_position_embeddings: 2048,
      }),
    ),
    CPU,
  );
  const runs = json(join(folder, `runs/${variant}.json`));
  const seen = async (text) =>
    (await classifier.classify(text, { details: true })).tokens.map(({ id }) => id).slice(1, -1);
  let run = 0;
  const block = [];
  const compare = async () => {
    const got = await seen(block.map(({ point }) => `a${String.fromCodePoint(point)}b`).join(" "));
    if (JSON.stringify(got) !== JSON.stringify(block.flatMap(({ ids }) => ids))) {
      for (const { point, ids } of block) {
        const one = JSON.stringify(await seen(`a${String.fromCodePoint(point)}b`));
        if (one !== JSON.stringify(ids))
          fault(
            `${variant} U+${point.toString(16).toUpperCase().padStart(4, "0")}, want ${JSON.stringify(ids)}`,
            one,
          );
      }
    }
    block.length = 0;
  };
  for (let point = 0; point < 0x110000; point++) {
    if (point === 0xd800) point = 0xe000;
    while (runs[run][1] < point) run++;
    block.push({ point, ids: runs[run][2] });
    if (block.length === 256) await compare();
  }
  if (block.length > 0) await compare();
  ok(variant);
  await classifier.dispose();
}
end();
