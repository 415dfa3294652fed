// `tabsense convert --vocabulary`: model folders with a smaller vocabulary.

import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { tabsense } from "./command.mjs";
import { olderFolders, shortTexts } from "./older.mjs";
import { sharded } from "./sharded.mjs";
import { filesOf, ROOT, TINY } from "./support.mjs";

const TEXTS = join(ROOT, "test_data/sentences.txt");
const PRUNED = join(ROOT, "test_data/pruned");

function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes files by their names. */
function written(folder, files) {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

const json = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));

function prune(from, out, keep, ...more) {
  return tabsense(["convert", from, out, "--vocabulary", TEXTS, "--keep", String(keep), ...more]);
}

function pruned(...args) {
  const { status, stdout, stderr } = prune(...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The scores of texts, by label. */
async function scoresOf(t, folder, texts, options) {
  const classifier = await Classifier.load(folder, options);
  t.after(() => classifier.dispose());
  return classifier.classify(texts, { topK: null });
}

test("a pruned folder has the committed tokenizer, and the scores that PyTorch gives it", async (t) => {
  const out = join(scratch(t), "out");
  const printed = pruned(TINY, out, 300);
  assert.match(
    printed,
    /^300 of 997 rows of the word embeddings are kept\n8\.4 % of the 1190 words in \S+ are cut into other tokens \(4\.6 % of 2154 tokens are removed\)\n/,
  );
  assert.deepEqual(readdirSync(out).sort(), ["config.json", "model.safetensors", "tokenizer.json"]);
  assert.ok(readFileSync(join(out, "tokenizer.json")).equals(readFileSync(join(PRUNED, "tokenizer.json"))));
  assert.deepEqual(json(out, "config.json"), { ...json(TINY, "config.json"), vocab_size: 300 });
  const cases = readFileSync(join(PRUNED, "cases.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ logits }) => logits);
  const scores = await scoresOf(
    t,
    out,
    cases.map(({ text }) => text),
  );
  for (const [i, { text, logits }] of cases.entries()) {
    const powers = logits.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    for (const [label, id] of [
      ["calm", 0],
      ["glad", 1],
      ["cross", 2],
    ]) {
      const { score } = scores[i].find((one) => one.label === label);
      assert.ok(Math.abs(score - powers[id] / sum) < 1e-5, `${text}: ${label} ${score}`);
    }
  }
});

test("a text whose tokens are all kept has the very scores of the whole model", async (t) => {
  const out = join(scratch(t), "out");
  pruned(TINY, out, 300);
  const { vocab } = json(out, "tokenizer.json").model;
  const words = Object.keys(vocab).filter((word) => /^[a-z]+$/.test(word));
  const texts = Array.from({ length: 20 }, (_, i) => words.filter((_, j) => j % 20 === i).join(" "));
  assert.deepEqual(await scoresOf(t, out, texts), await scoresOf(t, TINY, texts));
});

/** How many tokens must stay, and how many there are, from the error messages. */
function boundsOf(folder, out) {
  const number = (keep, pattern) => Number(pattern.exec(prune(folder, out, keep).stderr)?.[1]);
  return [number(1, /: (\d+) are required/), number(9_999_999, /can't be kept of (\d+)/)];
}

for (const { name, files } of olderFolders().filter(({ files }) => files["vocab.txt"]))
  test(`reordering the vocabulary changes no score: ${name}`, async (t) => {
    const folder = scratch(t);
    const [whole, out] = [written(join(folder, "whole"), files), join(folder, "out")];
    const [minTokens, all] = boundsOf(whole, out);
    assert.ok(minTokens > 5 && all > minTokens && all < 1600, `${minTokens}, ${all}`);
    const texts = shortTexts()
      .slice(0, 300)
      .map(({ text }) => text);
    pruned(whole, out, all);
    assert.deepEqual(Object.keys(files).sort(), readdirSync(out).sort());
    assert.equal(json(out, "config.json").vocab_size, all, "rows without a token are gone");
    assert.deepEqual(await scoresOf(t, out, texts), await scoresOf(t, whole, texts));
    pruned(whole, out, minTokens, "--force");
    assert.equal((await scoresOf(t, out, texts)).length, texts.length);
    const lines = readFileSync(join(out, "vocab.txt"), "utf8").split("\n").length - 1;
    const decoder = json(out, "config.json").vocab_size;
    assert.ok(lines <= decoder && decoder === minTokens);
  });

/** The files of a model with tokenizer.json, with token ids in every possible place. */
function namingIds() {
  const files = filesOf();
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  const tokenizer = JSON.parse(new TextDecoder().decode(files["tokenizer.json"]));
  const { vocab } = tokenizer.model;
  // [SEP] moves to the end, followed by one added token.
  const last = Object.entries(vocab).find(([, id]) => id === 996)[0];
  [vocab["[SEP]"], vocab[last]] = [996, 3];
  tokenizer.added_tokens.find(({ content }) => content === "[SEP]").id = 996;
  const extra = { id: 997, content: "<extra>", special: false, single_word: false, lstrip: false };
  tokenizer.added_tokens.push({ ...extra, rstrip: false, normalized: false });
  tokenizer.padding = { strategy: "BatchLongest", direction: "Right", pad_to_multiple_of: null, pad_id: 0 };
  Object.assign(tokenizer.padding, { pad_type_id: 0, pad_token: "[PAD]" });
  tokenizer.post_processor = {
    type: "Sequence",
    processors: [{ type: "BertProcessing", sep: ["[SEP]", 996], cls: ["[CLS]", 2] }],
  };
  const decoder = Object.fromEntries(tokenizer.added_tokens.map(({ id, ...token }) => [id, token]));
  const encoded = (value) => new TextEncoder().encode(JSON.stringify(value));
  return {
    ...files,
    "config.json": encoded({ ...config, sep_token_id: 996, eos_token_id: [996, 900], bos_token_id: 2000 }),
    "tokenizer.json": encoded(tokenizer),
    "tokenizer_config.json": encoded({ model_max_length: 512, added_tokens_decoder: decoder }),
    "special_tokens_map.json": encoded({ sep_token: "[SEP]" }),
    "1_Pooling/config.json": encoded({ pooling_mode_mean_tokens: true }),
  };
}

test("all ids in the files are renumbered", async (t) => {
  const folder = scratch(t);
  const files = namingIds();
  // One more row, for the added token.
  const weights = filesOf()["model.safetensors"];
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  const table = Object.keys(header).find((name) => name.endsWith("word_embeddings.weight"));
  const [start, end] = header[table].data_offsets;
  const row = (end - start) / 997;
  header[table].shape[0] = 998;
  for (const tensor of Object.values(header).filter(({ data_offsets: offsets }) => offsets))
    tensor.data_offsets = tensor.data_offsets.map((at) => (at >= end ? at + row : at));
  const text = JSON.stringify(header);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.from(weights.subarray(8 + length));
  files["model.safetensors"] = Buffer.concat([
    size,
    Buffer.from(text),
    data.subarray(0, end),
    data.subarray(start + 7 * row, start + 8 * row),
    data.subarray(end),
  ]);
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  files["config.json"] = Buffer.from(JSON.stringify({ ...config, vocab_size: 998 }));
  const [whole, out] = [written(join(folder, "whole"), files), join(folder, "out")];
  pruned(whole, out, 300);

  const { model, added_tokens: added, post_processor: frame, padding } = json(out, "tokenizer.json");
  const sep = model.vocab["[SEP]"];
  assert.equal(Object.keys(model.vocab).length, 299);
  assert.deepEqual(
    Object.values(model.vocab).sort((a, b) => a - b),
    [...Array(299).keys()],
  );
  assert.deepEqual(frame.processors, [{ type: "BertProcessing", sep: ["[SEP]", sep], cls: ["[CLS]", 2] }]);
  assert.equal(padding.pad_id, 0);
  for (const { id, content } of added) assert.equal(id, model.vocab[content] ?? 299, content);
  const settings = json(out, "config.json");
  assert.deepEqual(
    [settings.vocab_size, settings.pad_token_id, settings.sep_token_id, settings.bos_token_id],
    [300, 0, sep, null],
  );
  assert.equal(settings.eos_token_id[0], sep);
  const named = Object.keys(JSON.parse(new TextDecoder().decode(files["tokenizer.json"])).model.vocab)[900];
  assert.equal(settings.eos_token_id[1], model.vocab[named], "a token that a file names stays");
  const decoder = json(out, "tokenizer_config.json").added_tokens_decoder;
  for (const { id, ...token } of added) assert.deepEqual(decoder[id], token);
  assert.equal(Object.keys(decoder).length, 6);
  assert.deepEqual(json(out, "special_tokens_map.json"), { sep_token: "[SEP]" });
  assert.ok(existsSync(join(out, "1_Pooling/config.json")));

  const texts = ["the of and", "the <extra> and [MASK] of"];
  assert.deepEqual(await scoresOf(t, out, texts), await scoresOf(t, whole, texts));
});

test("weights in any container are converted, too", async (t) => {
  const folder = scratch(t);
  const out = join(folder, "out");
  const texts = ["a first text", "and a second one, longer than the first"];
  pruned(TINY, out, 300);
  const plain = await scoresOf(t, out, texts);
  const near = async (tolerance, what) => {
    for (const [i, scores] of (await scoresOf(t, out, texts)).entries())
      for (const { label, score } of scores) {
        const other = plain[i].find((one) => one.label === label).score;
        assert.ok(Math.abs(other - score) <= tolerance, `${what}: ${label} ${score} for ${other}`);
      }
  };
  for (const [tolerance, ...more] of [
    [0.05, "int8"],
    [2e-3, "fp16"],
    [0.2, "int4", "--calibration", TEXTS],
  ]) {
    pruned(TINY, out, 300, "--force", "--dtype", ...more);
    await near(tolerance, more[0]);
  }
  pruned(written(join(folder, "sharded"), sharded(3)), out, 300, "--force");
  await near(0, "in shards");

  const torch = join(folder, "torch");
  const bf16 = join(ROOT, "test_data/models/tiny-bf16");
  mkdirSync(torch);
  for (const name of ["config.json", "tokenizer.json"]) cpSync(join(bf16, name), join(torch, name));
  cpSync(join(ROOT, "test_data/torch/views.bin"), join(torch, "pytorch_model.bin"));
  const weightsOf = (from) => {
    pruned(from, out, 300, "--force", "--dtype", "int8");
    return readFileSync(join(out, "model.safetensors"));
  };
  assert.equal(weightsOf(torch).length, weightsOf(bf16).length);
});

test("texts come as lines, CSV or JSON Lines", (t) => {
  const folder = scratch(t);
  const lines = readFileSync(TEXTS, "utf8").split("\n").filter(Boolean);
  written(folder, {
    "texts.csv": `id,body\n${lines.map((line, i) => `${i},"${line.replaceAll('"', '""')}"\n`).join("")}`,
    "texts.jsonl": lines.map((text) => `${JSON.stringify({ text })}\n`).join(""),
  });
  for (const [name, ...more] of [["texts.csv", "--column", "body"], ["texts.jsonl"]]) {
    const out = join(folder, "out");
    const args = ["--vocabulary", join(folder, name), "--keep", "300", "--force", ...more];
    const { status, stderr } = tabsense(["convert", TINY, out, ...args]);
    assert.equal(status, 0, stderr);
    assert.ok(
      readFileSync(join(out, "tokenizer.json")).equals(readFileSync(join(PRUNED, "tokenizer.json"))),
      name,
    );
  }
});

test("rejects what can't be pruned, and leaves no files", (t) => {
  const folder = scratch(t);
  const out = join(folder, "out");
  const refused = (result, status, message) => {
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("out")),
      [],
    );
  };
  refused(prune(TINY, out, 100), 1, /invalid_argument: 100 tokens are too few: 109 are required/);
  refused(prune(TINY, out, 998), 1, /invalid_argument: 998 tokens can't be kept of 997/);
  const args = ["convert", TINY, out];
  const empty = join(written(folder, { "empty.txt": "\n \n" }), "empty.txt");
  refused(tabsense([...args, "--vocabulary", empty, "--keep", "300"]), 1, /The texts have no tokens/);
  refused(
    tabsense([...args, "--vocabulary", join(folder, "none.txt"), "--keep", "300"]),
    1,
    /could not be read/,
  );
  const roberta = olderFolders().find(({ files }) => files["merges.txt"]);
  refused(
    prune(written(join(folder, "roberta"), roberta.files), out, 300),
    1,
    /tokenizer_unsupported: .*a BPE model, whose vocabulary can't be pruned/,
  );
  refused(
    tabsense([...args, "--vocabulary", TEXTS]),
    2,
    /--vocabulary TEXTS and --keep N must be passed together/,
  );
  refused(tabsense([...args, "--keep", "300", "--dtype", "int8"]), 2, /must be passed together/);
  refused(prune(TINY, out, "many"), 2, /--keep must be a whole number/);
  refused(tabsense([...args, "--dtype", "int8", "--column", "text"]), 2, /--column is for --vocabulary/);
  refused(prune(TINY, out, 300, "--dtype", "int2"), 2, /--dtype must be/);
});

test("an existing folder is overwritten only with --force, and only if it is a model's", (t) => {
  const folder = scratch(t);
  const out = join(folder, "out");
  mkdirSync(out);
  pruned(TINY, out, 300);
  const again = prune(TINY, out, 200);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /already exists/);
  assert.equal(json(out, "config.json").vocab_size, 300);
  pruned(TINY, out, 200, "--force");
  assert.equal(json(out, "config.json").vocab_size, 200);
  writeFileSync(join(out, "letter.txt"), "mine");
  const foreign = prune(TINY, out, 300, "--force");
  assert.match(foreign.stderr, /contains letter\.txt/);
  assert.equal(readFileSync(join(out, "letter.txt"), "utf8"), "mine");
  assert.match(prune(TINY, join(TINY, "config.json"), 300, "--force").stderr, /is a file/);

  const model = join(folder, "model");
  pruned(TINY, `${model}/`, 300);
  for (const [from, to] of [
    [model, `${model}/`],
    [join(model, "model.safetensors"), model],
  ])
    assert.match(prune(from, to, 200, "--force").stderr, /is the input itself/);
  assert.equal(json(model, "config.json").vocab_size, 300);
  assert.deepEqual(readdirSync(folder).sort(), ["model", "out"]);
});
