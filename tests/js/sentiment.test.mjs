// Both generations of the embedded model in the WebAssembly build, compared with the fp32 logits of Hugging
// Face's PyTorch models.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { readManifest } from "../../scripts/manifest.mjs";
import { ROOT, softmax } from "./support.mjs";

const GOLDENS = join(ROOT, "test_data/sentiment_goldens.jsonl");
const FIRST_GOLDENS = join(ROOT, "test_data/sentiment_1_goldens.jsonl");
const SHARED = join(ROOT, "../shared/models/sentiment-en");
const skipShared = existsSync(join(SHARED, "golden.jsonl"))
  ? false
  : "the original model and its goldens (../shared/models/sentiment-en) are not on this machine";

/** If the original's two best logits are closer to each other than this, rounding decides the label. */
const TIE = 0.05;

/** Each logit may be 1e-4 off; scores only give the difference of two: ln(p / q). */
const FP32_TOLERANCE = 2e-4;

function read(path) {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Classifies the goldens' texts, and compares the labels, the probabilities and the logits. */
async function compare(t, source, rows, options) {
  const classifier = await Classifier.load(source, options);
  t.after(() => classifier.dispose());
  const results = await classifier.classify(
    rows.map(({ text }) => text),
    { topK: null, details: true },
  );
  const { labels } = classifier.info.model;
  const differences = [];
  let logitDifference = 0;
  const disagreeing = [];
  for (const [i, { text, ids, logits }] of rows.entries()) {
    if (ids)
      assert.deepEqual(
        results[i].tokens.map(({ id }) => id),
        ids,
        text,
      );
    const wanted = softmax(logits);
    const mine = labels.map((name) => results[i].scores.find(({ label }) => label === name).score);
    differences.push(Math.max(...mine.map((p, at) => Math.abs(p - wanted[at]))));
    for (const at of labels.keys())
      logitDifference = Math.max(
        logitDifference,
        Math.abs(Math.log(mine[at] / mine.at(-1)) - (logits[at] - logits.at(-1))),
      );
    const [best, second] = logits.toSorted((a, b) => b - a);
    if (results[i].scores[0].label !== labels[logits.indexOf(best)])
      disagreeing.push({ text, margin: best - second });
  }
  const mean = differences.reduce((sum, d) => sum + d, 0) / rows.length;
  const worst = Math.max(...differences);
  t.diagnostic(
    `${classifier.info.dtype}: ${rows.length - disagreeing.length} of ${rows.length} labels agree, mean |Δp| ${mean.toExponential(2)}, largest ${worst.toExponential(2)}, largest |Δ(logit difference)| ${logitDifference.toExponential(2)}`,
  );
  return { disagreeing, logitDifference, info: classifier.info };
}

for (const [model, goldens] of [
  ["sentiment-en", GOLDENS],
  ["sentiment-en@1", FIRST_GOLDENS],
])
  test(`${model} agrees with the committed goldens`, async (t) => {
    const { disagreeing, info } = await compare(t, model, read(goldens));
    assert.equal(
      info.dtype,
      "int8",
      "int4, too: Node runs the build without relaxed SIMD, whose kernels want int8",
    );
    assert.deepEqual(
      disagreeing.filter(({ margin }) => margin > TIE),
      [],
    );
  });

test("its texts of the README", async (t) => {
  const classifier = await Classifier.load("sentiment-en");
  t.after(() => classifier.dispose());
  const results = await classifier.classify([
    "A delight from start to finish.",
    "A waste of two hours.",
    "It is a film.",
    "The meeting is at noon.",
  ]);
  assert.deepEqual(
    results.map(([best]) => best.label),
    ["POSITIVE", "NEGATIVE", "NEUTRAL", "NEUTRAL"],
  );
});

test("the memory after its loading is within the budget", async (t) => {
  const classifier = await Classifier.load("sentiment-en");
  t.after(() => classifier.dispose());
  const { memory, weights } = classifier.info.bytes;
  t.diagnostic(`${memory} bytes, for a file of ${weights}`);
  assert.ok(memory <= readManifest().budgets["peak-memory"], `${memory} bytes`);
});

test("the first generation in int8 agrees with the original on SST-2's validation set", {
  skip: skipShared,
}, async (t) => {
  const rows = read(join(SHARED, "golden.jsonl"));
  const { disagreeing } = await compare(t, "sentiment-en@1", rows);
  const agreement = 1 - disagreeing.length / rows.length;
  assert.ok(agreement >= 0.995, `only ${(100 * agreement).toFixed(2)} % agree`);
});

test("the original in fp32 gives PyTorch's logits", { skip: skipShared }, async (t) => {
  const { disagreeing, logitDifference } = await compare(t, SHARED, read(join(SHARED, "golden.jsonl")));
  assert.deepEqual(disagreeing, []);
  assert.ok(logitDifference <= FP32_TOLERANCE, `off by ${logitDifference}`);
});
