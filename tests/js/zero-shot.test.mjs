// Labels that are given with each call: NLI models, compared with Python's pipeline, and an embedder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Embedder, pipeline, ZeroShot } from "tabsense";
import { rejects, rejectsAborted, ROOT, TINY } from "./support.mjs";

const FOLDER = join(ROOT, "test_data/zero_shot");
const GOLDENS = JSON.parse(readFileSync(join(FOLDER, "goldens.json"), "utf8"));
/** For scores: logits of up to 10 differ by at most 2e-4 (tests/models/pairs.rs). */
const TOLERANCE = 2e-4;
const LABELS = ["film", "food", "travel"];

/** A model's files, with other labels in their configuration. */
function filesOf(model, labels) {
  const file = (name) => readFileSync(join(FOLDER, model, name));
  const config = { ...JSON.parse(file("config.json")), id2label: Object.fromEntries(labels.entries()) };
  delete config.label2id;
  return {
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
    "tokenizer.json": file("tokenizer.json"),
    "tokenizer_config.json": file("tokenizer_config.json"),
    "model.safetensors": file("model.safetensors"),
  };
}

async function zeroShot(
  t,
  model = "bert-3",
  labels = GOLDENS.find((of) => of.model === model).labels,
  options,
) {
  const zero = await ZeroShot.load(filesOf(model, labels), { threads: 1, device: "cpu", ...options });
  t.after(() => zero.dispose());
  return zero;
}

function assertScores(got, { labels, scores }) {
  assert.deepEqual(
    got.map(({ label }) => label),
    labels,
  );
  got.forEach(({ score }, i) => {
    assert.ok(Math.abs(score - scores[i]) < TOLERANCE, `${score} for ${scores[i]}`);
  });
}

for (const { model, order, labels, cases } of GOLDENS) {
  test(`${model}, ${order}: labels and scores are Python's`, async (t) => {
    const zero = await zeroShot(t, model, labels);
    const { warnings } = zero.info;
    assert.deepEqual(
      warnings.map((warning) => /labels have no names .* last is used as entailment/.test(warning)),
      order === "no names" ? [true] : [],
    );
    for (const { text, labels: asked, template, multiLabel, results } of cases) {
      const got = await zero.classify(text, asked, { template, multiLabel });
      if (Array.isArray(text)) results.forEach((wanted, i) => assertScores(got[i], wanted));
      else assertScores(got, results[0]);
    }
  });
}

test("Python's template and single labels are the defaults; batching doesn't change scores", async (t) => {
  const zero = await zeroShot(t);
  const texts = ["one text", "and another, which is longer", "one text"];
  const all = await zero.classify(texts, LABELS);
  assert.deepEqual(all[0], all[2]);
  assert.deepEqual(
    await zero.classify(texts[1], LABELS, { template: "This example is {}.", multiLabel: false }),
    all[1],
  );
  const sum = all[1].reduce((total, { score }) => total + score, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`);
  assert.deepEqual(await zero.classify("one text", "film, food,travel"), all[0]);
  assert.deepEqual(await zero.classify([], LABELS), []);
});

test("reports progress in texts, not in texts × labels", async (t) => {
  const zero = await zeroShot(t);
  const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`);
  const labels = Array.from({ length: 40 }, (_, i) => `label ${i}`);
  const reported = [];
  const all = await zero.classify(texts, labels, { onProgress: (progress) => reported.push(progress) });
  assert.equal(all.length, 60);
  assert.deepEqual(reported.at(-1), { done: 60, total: 60 });
  assert.ok(reported.length > 10 && reported.every(({ done }, i) => done >= (reported[i - 1]?.done ?? 0)));
  assert.deepEqual(all[59], await zero.classify("text 59", labels));
});

test("bad input has a kind and a sentence, and the next call is answered", async (t) => {
  const zero = await zeroShot(t);
  const before = await zero.classify("a text", LABELS);
  const many = Array.from({ length: 5000 }, (_, i) => `label ${i}`);
  const bad = [
    ["a text", [], undefined, /There are no labels/],
    ["a text", many, undefined, /5000 labels/],
    ["a text", ["a", ""], undefined, /labels\[1\] is empty/],
    ["a text", undefined, undefined, /The labels must be/],
    ["", LABELS, undefined, /The text is empty/],
    [["a", ""], LABELS, undefined, /texts\[1\] is empty/],
    [7, LABELS, undefined, /not 7/],
    [{ text: "a", pair: "b" }, LABELS, undefined, /not object/],
    ["a text", LABELS, { template: "no place" }, /was not able to be formatted/],
    ["a text", LABELS, { template: 7 }, /template/],
    ["a text", LABELS, { multiLabel: "yes" }, /multiLabel/],
    ["a text", LABELS, { multi_label: true }, /multi_label/],
    ["a text", ["short", "a long label ".repeat(20)], undefined, /is too long: of 64 tokens, it leaves none/],
  ];
  for (const [text, labels, options, message] of bad) {
    await rejects("invalid_argument", zero.classify(text, labels, options), message);
    assert.deepEqual(await zero.classify("a text", LABELS), before);
  }
});

test("rejects a model that isn't for natural language inference, and ends its worker", async () => {
  for (const [model, labels, message] of [
    ["bert-2", ["NEGATIVE", "POSITIVE"], /labels are "NEGATIVE", "POSITIVE", and none is entailment/],
    ["bert-3", ["LABEL_0", "neutral", "LABEL_2"], /none is entailment/],
  ]) {
    const options = { threads: 1, device: "cpu" };
    await rejects("config_unsupported", ZeroShot.load(filesOf(model, labels), options), message);
    await rejects(
      "config_unsupported",
      pipeline("zero-shot-classification", filesOf(model, labels), options),
      message,
    );
  }
});

test("a call can be aborted, and one after dispose rejects", async (t) => {
  const zero = await zeroShot(t);
  const texts = Array.from({ length: 400 }, (_, i) => `text ${i}`);
  const reason = new Error("enough");
  const controller = new AbortController();
  const call = zero.classify(texts, LABELS, {
    signal: controller.signal,
    onProgress: () => controller.abort(reason),
  });
  await rejectsAborted(call, reason);
  await rejectsAborted(zero.classify("a", LABELS, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal((await zero.classify("a", LABELS)).length, 3);
  await zero.dispose();
  await rejects("disposed", zero.classify("a", LABELS));
});

async function embedder(t) {
  const loaded = await Embedder.load(TINY, { threads: 1, device: "cpu" });
  t.after(() => loaded.dispose());
  return loaded;
}

test("with an embedder, scores are similarities, and a label is embedded once", async (t) => {
  const encoder = await embedder(t);
  const asked = [];
  const { embed } = encoder;
  encoder.embed = (texts, ...rest) => {
    asked.push(texts);
    return embed.call(encoder, texts, ...rest);
  };
  const zero = await ZeroShot.load(encoder);
  const text = "the film was good";
  const cosines = {};
  for (const label of LABELS) {
    const [a, b] = [await embed.call(encoder, text), await embed.call(encoder, label)];
    cosines[label] = encoder.similarity(a, b);
  }
  const powers = LABELS.map((label) => Math.exp(20 * cosines[label]));
  const sum = powers.reduce((a, b) => a + b);
  const got = await zero.classify(text, LABELS);
  assert.ok(got.every(({ score }, i) => i === 0 || score <= got[i - 1].score));
  for (const { label, score } of got) {
    assert.ok(Math.abs(score - powers[LABELS.indexOf(label)] / sum) < 1e-5, `${label}: ${score}`);
  }
  for (const { label, score } of await zero.classify(text, LABELS, { multiLabel: true })) {
    assert.ok(Math.abs(score - Math.max(0, cosines[label])) < 1e-6, `${label}: ${score}`);
  }
  await zero.classify(["a", "b"], ["food", "new", "new"]);
  assert.deepEqual(asked, [LABELS, [text], [text], ["new"], ["a", "b"]]);
  const [first] = await zero.classify(text, ["x"], { template: "a film: {}" });
  assert.equal(first.score, 1, "one label alone");
  assert.deepEqual(asked.at(-2), ["a film: x"]);
});

test("a ZeroShot of an embedder leaves it loaded", async (t) => {
  const encoder = await embedder(t);
  const zero = await ZeroShot.load(encoder);
  assert.deepEqual(zero.info, encoder.info);
  const many = Array.from({ length: 5000 }, (_, i) => `label ${i}`);
  assert.equal((await zero.classify("a text", many)).length, 5000);
  await rejects("invalid_argument", zero.classify("", LABELS), /empty/);
  await rejects("invalid_argument", ZeroShot.load(encoder, { device: "cpu" }), /already loaded/);
  await zero.dispose();
  await rejects("disposed", zero.classify("a", LABELS), /Create a new one/);
  assert.equal((await encoder.embed("a")).length, encoder.info.model.width);
  const other = await ZeroShot.load(encoder);
  await encoder.dispose();
  await rejects("disposed", other.classify("a", LABELS));
});

test("pipeline: the outputs of transformers.js, from the same call", async (t) => {
  const golden = GOLDENS.find(({ order }) => order === "bart-large-mnli");
  const options = { threads: 1, device: "cpu" };
  const classify = await pipeline("zero-shot-classification", filesOf(golden.model, golden.labels), options);
  t.after(() => classify.dispose());
  assert.equal(classify.task, "zero-shot-classification");
  assert.deepEqual(classify.model.config.id2label, { 0: "contradiction", 1: "neutral", 2: "entailment" });
  for (const { text, labels, template, multiLabel, results } of golden.cases) {
    const got = await classify(text, labels, { hypothesis_template: template, multi_label: multiLabel });
    assert.equal(Array.isArray(got), Array.isArray(text));
    [got].flat().forEach(({ sequence, labels: names, scores, ...rest }, i) => {
      assert.deepEqual(rest, {});
      assert.equal(sequence, [text].flat()[i]);
      assertScores(
        names.map((label, j) => ({ label, score: scores[j] })),
        results[i],
      );
    });
  }
  const defaults = await classify("a text", ["a", "b"]);
  assert.deepEqual(await classify(["a text"], ["a", "b"], {}), [defaults]);
  await rejects("invalid_argument", classify("a", ["b"], { multiLabel: true }), /multiLabel/);
  await rejects("invalid_argument", classify("a", ["b"], { hypothesis_template: 7 }), /hypothesis_template/);
  await rejects("invalid_argument", pipeline("zero-shot-classification"), /no default model/);
});
