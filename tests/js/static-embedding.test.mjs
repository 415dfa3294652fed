// Static embeddings with an Embedder: files in, vectors out, as in model2vec and sentence-transformers.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, Embedder, pipeline } from "tabsense";
import { rejects, ROOT } from "./support.mjs";

const FOLDER = join(ROOT, "test_data/static");
const { texts, models } = JSON.parse(readFileSync(join(ROOT, "test_data/goldens/static.json"), "utf8"));
const TEXTS = texts.map(([part, times]) => part.repeat(times));
const OPTIONS = { threads: 1, device: "cpu" };
/** Python adds up to 2,250 rows in single precision (tests/models/static_embedding.rs). */
const TOLERANCE = 1e-5;

/** A model's files; without its own tokenizer it gets that of `plain`. */
function filesOf(name) {
  const read = (file, folder = name) => readFileSync(join(FOLDER, folder, file));
  const has = (file) => existsSync(join(FOLDER, name, file));
  return {
    "config.json": has("config.json")
      ? read("config.json")
      : new TextEncoder().encode('{"model_type": "static-embedding"}'),
    "tokenizer.json": read("tokenizer.json", has("tokenizer.json") ? name : "plain"),
    "modules.json": read("modules.json"),
    "model.safetensors": read("model.safetensors"),
  };
}

for (const { name, cases } of models) {
  test(`${name}: vectors are Python's`, async (t) => {
    const embedder = await Embedder.load(filesOf(name), OPTIONS);
    t.after(() => embedder.dispose());
    assert.equal(embedder.info.model.width, cases[0].vector.length);
    const vectors = await embedder.embed(TEXTS, { normalize: false });
    const normalized = await embedder.embed(TEXTS);
    cases.forEach(({ vector }, i) => {
      assert.equal(vectors[i].length, vector.length);
      const largest = Math.max(1, ...vector.map(Math.abs));
      vector.forEach((x, j) => {
        assert.ok(Math.abs(x - vectors[i][j]) <= TOLERANCE * largest, `text ${i}: ${vectors[i][j]} for ${x}`);
      });
      // Only `plain` normalizes its vectors; a text without tokens has a zero vector anyway.
      const length = Math.hypot(...normalized[i]);
      const wanted = name === "plain" ? Math.sign(Math.hypot(...vector)) : Math.hypot(...vectors[i]);
      assert.ok(Math.abs(length - wanted) < 1e-5, `text ${i}: ${length}`);
    });
  });
}

test("a static embedding is an embedder alone", async () => {
  const files = filesOf("plain");
  await rejects("config_unsupported", Classifier.load(files, OPTIONS), /Load it as an embedder/);
  await rejects("config_unsupported", Embedder.load(files, { ...OPTIONS, pooling: "cls" }), /pooling "mean"/);
  await rejects(
    "config_unsupported",
    pipeline("feature-extraction", files, OPTIONS),
    /Load it as an embedder/,
  );
});
