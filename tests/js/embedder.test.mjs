// Vectors of texts, in Node: compared with PyTorch's, with every option, and as a pipeline.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Embedder, pipeline } from "tabsense";
import { rejects, rejectsAborted, ROOT, TINY } from "./support.mjs";

const { texts, models } = JSON.parse(readFileSync(join(ROOT, "test_data/goldens/embedding.json"), "utf8"));
/** Sums of 32 to 40 numbers in a different order, through two layers; tests/common/goldens.rs allows 2e-5. */
const TOLERANCE = 1e-5;

const folderOf = (name) => join(ROOT, "test_data/models", name);

/** The model with further files, in a temporary folder. */
function withFiles(t, name, files) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-embedder-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(folderOf(name), folder, { recursive: true });
  mkdirSync(join(folder, "1_Pooling"));
  for (const [file, content] of Object.entries(files))
    writeFileSync(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
  return folder;
}

async function open(t, source, options) {
  const embedder = await Embedder.load(source, { device: "cpu", threads: 1, ...options });
  t.after(() => embedder.dispose());
  return embedder;
}

function near(got, wanted, what) {
  assert.equal(got.length, wanted.length, what);
  const worst = Math.max(...Array.from(got, (x, i) => Math.abs(x - wanted[i])));
  assert.ok(worst <= TOLERANCE, `${what}: ${worst}`);
}

const unit = (vector) => {
  const length = Math.hypot(...vector);
  return Array.from(vector, (x) => x / length);
};

for (const [name, goldens] of Object.entries(models))
  for (const pooling of ["mean", "cls"])
    test(`${name}, ${pooling}: vectors are PyTorch's, alone and together, and normalized`, async (t) => {
      // Texts are cut at 64 tokens, as they were for PyTorch.
      const folder = withFiles(t, name, { "sentence_bert_config.json": { max_seq_length: 64 } });
      const embedder = await open(t, folder, { pooling });
      assert.equal(embedder.info.model.maxTokens, 64);
      const together = await embedder.embed(texts);
      for (const [i, text] of texts.entries()) {
        near(together[i], goldens[pooling][i], text.slice(0, 20));
        near(await embedder.embed(text), goldens[pooling][i], text.slice(0, 20));
      }
      const normalized = await embedder.embed(texts, { normalize: true });
      normalized.forEach((vector, i) => near(vector, unit(goldens[pooling][i]), "normalized"));
    });

test("pooling, normalization and prompts are the files', and options go before them", async (t) => {
  const folder = withFiles(t, "tiny-bert", {
    "modules.json": ["Transformer", "Pooling", "Normalize"].map((type, idx) => ({
      idx,
      path: ["", "1_Pooling", "2_Normalize"][idx],
      type: `sentence_transformers.models.${type}`,
    })),
    "1_Pooling/config.json": { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
    "config_sentence_transformers.json": {
      prompts: { query: "query: ", none: "" },
      default_prompt_name: null,
    },
    "sentence_bert_config.json": { max_seq_length: 64 },
  });
  const { mean, cls } = models["tiny-bert"];
  const asked = texts.indexOf("query: how do I reset my password?");
  const embedder = await open(t, folder);
  near(await embedder.embed(texts[0]), unit(cls[0]), "cls, normalized");
  near(await embedder.embed(texts[0], { normalize: false }), cls[0], "cls");
  for (const options of [{ promptName: "query" }, { prompt: "query: " }])
    near(await embedder.embed("how do I reset my password?", options), unit(cls[asked]), "a prompt");
  near(await embedder.embed(texts[asked], { promptName: "none" }), unit(cls[asked]), "no prompt");
  await rejects(
    "invalid_argument",
    embedder.embed("a", { promptName: "passage" }),
    /no prompt "passage".*"query"/,
  );
  await rejects("invalid_argument", embedder.embed("a", { promptName: "query", prompt: "b" }), /not both/);
  const other = await open(t, folder, { pooling: "mean" });
  near(await other.embed(texts[0]), unit(mean[0]), "the option's mean");
});

test("rejects unsupported settings, and says what to do", async (t) => {
  const refused = (files) => Embedder.load(withFiles(t, "tiny-bert", files), { device: "cpu", threads: 1 });
  await rejects(
    "config_unsupported",
    refused({ "1_Pooling/config.json": { pooling_mode_max_tokens: true } }),
    /max/,
  );
  await rejects("config_invalid", refused({ "modules.json": "{" }), /modules\.json/);
  await rejects("invalid_argument", Embedder.load(TINY, { pooling: "max" }), /"mean", "cls"/);
  await rejects("invalid_argument", Embedder.load(TINY, { instant: true }), /Unknown option "instant"/);
});

test("a classifier's own model makes vectors, too, and has no labels then", async (t) => {
  const embedder = await open(t, `${ROOT}/models/sentiment-en`);
  assert.deepEqual(embedder.info.model.labels, []);
  const [a, b, c] = await embedder.embed(["I love it", "it is wonderful", "a dreadful bore"]);
  assert.ok(embedder.similarity(a, b) > embedder.similarity(a, c));
});

test("similarity is the cosine, and rejects anything but two vectors", async (t) => {
  const embedder = await open(t, TINY);
  assert.equal(embedder.similarity([3, 4], [3, 4]), 1);
  assert.equal(embedder.similarity([1, 0], [0, 2]), 0);
  assert.equal(embedder.similarity([0, 0], [1, 2]), 0);
  assert.equal(embedder.similarity(Float32Array.of(1, 2), [-1, -2]), -1);
  for (const [a, b] of [
    [[1], [1, 2]],
    [[], []],
    [null, [1]],
    ["ab", "cd"],
  ])
    assert.throws(() => embedder.similarity(a, b), { kind: "invalid_argument" });
});

test("failed calls reject and don't affect others", async (t) => {
  const embedder = await open(t, TINY);
  const wanted = await embedder.embed("a text");
  assert.deepEqual(await embedder.embed([]), []);
  await rejects("invalid_argument", embedder.embed(7), /string or an array of strings, not 7/);
  await rejects(
    "invalid_argument",
    embedder.embed(["a", { text: "b", pair: "c" }]),
    /texts\[1\] is not a string/,
  );
  await rejects("invalid_argument", embedder.embed("a", { normalise: true }), /Unknown option "normalise"/);
  await rejectsAborted(embedder.embed("a", { signal: AbortSignal.abort() }));
  const progress = [];
  await embedder.embed(Array(50).fill("some words"), { onProgress: (one) => progress.push(one.done) });
  assert.equal(progress.at(-1), 50);
  assert.deepEqual(await embedder.embed("a text"), wanted);
  await embedder.dispose();
  await rejects("disposed", embedder.embed("a"));
});

test("the same on two threads, in int8, and without a worker", async (t) => {
  const [text] = texts;
  const vectors = [];
  for (const options of [{ threads: 2 }, { worker: false }])
    vectors.push(await (await open(t, TINY, options)).embed(text));
  assert.deepEqual(vectors[0], vectors[1]);
  const embedder = await open(t, TINY, { dtype: "int8" });
  assert.ok(embedder.similarity(await embedder.embed(text), vectors[0]) > 0.98);
});

test("feature-extraction has the tensors of transformers.js", async (t) => {
  const extract = await pipeline("feature-extraction", folderOf("tiny-bert"), { device: "wasm", threads: 1 });
  t.after(() => extract.dispose());
  assert.equal(extract.task, "feature-extraction");
  const { mean, cls } = models["tiny-bert"];
  const two = texts.slice(0, 2);
  const pooled = await extract(two, { pooling: "mean" });
  assert.deepEqual([pooled.type, [...pooled.dims], pooled.size], ["float32", [2, 32], 64]);
  pooled.tolist().forEach((row, i) => near(row, mean[i], "mean"));
  const normalized = await extract(two[0], { pooling: "mean", normalize: true });
  assert.deepEqual([...normalized.dims], [1, 32]);
  near(normalized.data, unit(mean[0]), "normalized");
  for (const pooling of ["cls", "first_token"])
    near((await extract(two[0], { pooling })).data, cls[0], pooling);
  const all = await extract(two);
  const [count, tokens, width] = all.dims;
  assert.deepEqual([count, width], [2, 32]);
  const rows = all.tolist();
  near(rows[0][0], cls[0], "the first token");
  assert.deepEqual([rows.length, rows[1].length], [2, tokens]);
  assert.ok(
    rows[0].at(-1).every((x) => x === 0),
    "zeros behind the shorter text",
  );
  near(
    rows[1][0].map((_, i) => rows[1].reduce((sum, row) => sum + row[i], 0) / tokens),
    mean[1],
    "the mean of all",
  );
  assert.deepEqual([...(await extract([])).dims].slice(0, 1), [0]);
  await rejects("invalid_argument", extract("a", { pooling: "max" }), /one of none, mean, cls, first_token/);
  await rejects("invalid_argument", extract(7));
});
