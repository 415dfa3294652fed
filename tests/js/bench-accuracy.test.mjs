// `npm run bench:accuracy -- --model`: reads data sets, computes the right figures, measures a tiny model.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { answersTo, figuresOf, measureSets, readSet, setsText } from "../../bench/accuracy/sets.mjs";
import { setUpPackages } from "../../bench/setup.mjs";
import { Classifier } from "../../dist/node.js";
import { ROOT, TINY } from "./support.mjs";

before(() => setUpPackages({ peers: false }));

function folderFor(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-accuracy-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("reads three kinds of files, and rejects others", (t) => {
  const folder = folderFor(t);
  const write = (name, content) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const three = [
    { text: "Fine.", label: "positive", domain: "a" },
    { text: "It is 9.", label: "neutral", domain: "b" },
  ];
  const lines = "positive\ta\tFine.\nneutral\tb\tIt is 9.\n";
  assert.deepEqual(readSet(write("x.tsv", lines)), three);
  assert.deepEqual(readSet(write("x.tsv.gz", gzipSync(lines))), three);
  assert.deepEqual(readSet(write("sst2_dev.tsv", "sentence\tlabel\ngood \t1\nbad\t0\n")), [
    { text: "good", label: "positive", domain: "sst2_dev" },
    { text: "bad", label: "negative", domain: "sst2_dev" },
  ]);
  assert.deepEqual(readSet(write("v.jsonl", '{"text":"Fine.","label":"POSITIVE","domain":"shops"}\n')), [
    { text: "Fine.", label: "positive", domain: "shops" },
  ]);
  assert.throws(() => readSet(write("bad.tsv", `${lines}great\ta\tGreat.\n`)), /row 3: the label is "great"/);
  assert.throws(() => readSet(write("short.tsv", "positive\n")), /row 1/);
  assert.throws(() => readSet(join(folder, "absent.tsv")), /There is no file/);
  assert.equal(readSet(join(ROOT, "test_data/sentiment_validation.jsonl")).length, 360);
});

const rowsOf = (...labels) => labels.map((label) => ({ text: label, label, domain: "d" }));
const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, not ${expected}`);

test("figures of three labels", () => {
  const rows = rowsOf("positive", "negative", "neutral", "neutral");
  const answers = [
    { negative: 0.1, neutral: 0.1, positive: 0.8 },
    { negative: 0.3, neutral: 0.6, positive: 0.1 },
    { negative: 0.1, neutral: 0.8, positive: 0.1 },
    { negative: 0.02, neutral: 0.03, positive: 0.95 },
  ];
  const { texts, accuracy, macroF1, calibration, polar, curve } = figuresOf(rows, answers);
  assert.deepEqual([texts, accuracy, polar], [4, 0.5, 1]);
  // As sklearn.metrics.f1_score(average="macro"): positive 2/3, negative 0, neutral 1/2.
  near(macroF1, (2 / 3 + 0 + 1 / 2) / 3);
  // Bins of 1/15: 0.6 (wrong), 0.8 and 0.8 (right), 0.95 (wrong).
  near(calibration, (0.6 + 2 * 0.2 + 0.95) / 4);
  assert.deepEqual(
    curve.map(({ from, texts: count, right }) => [from, count, right]),
    [
      [0.6, 1, 0],
      [0.8, 2, 1],
      [0.9, 1, 0],
    ],
  );
});

test("figures of two labels on texts of three, and on texts without a polar one", () => {
  const rows = rowsOf("positive", "neutral");
  const answers = [
    { negative: 0, positive: 1 },
    { negative: 0.6, positive: 0.4 },
  ];
  const { accuracy, macroF1, polar } = figuresOf(rows, answers);
  assert.deepEqual([accuracy, macroF1, polar], [0.5, 0.5, 1]);
  assert.equal(figuresOf(rowsOf("neutral"), [answers[1]]).polar, null);
});

/** The tiny model, with its labels replaced by those of a sentiment model. */
function tinyWith(t, labels) {
  const folder = folderFor(t);
  for (const name of ["tokenizer.json", "model.safetensors"])
    copyFileSync(join(TINY, name), join(folder, name));
  const config = JSON.parse(readFileSync(join(TINY, "config.json"), "utf8"));
  config.id2label = Object.fromEntries(labels.map((label, i) => [i, label]));
  config.label2id = Object.fromEntries(labels.map((label, i) => [label, i]));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

test("a model of three labels is measured by domain", async (t) => {
  const folder = tinyWith(t, ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
  const file = join(folder, "set.tsv");
  writeFileSync(file, "positive\ta\tfine\nneutral\tb\ta table\nnegative\tb\tawful\n");
  const classifier = await Classifier.load(folder, { device: "cpu" });
  t.after(() => classifier.dispose());
  const answers = await answersTo(classifier, readSet(file));
  for (const scores of answers) {
    assert.deepEqual(Object.keys(scores).sort(), ["negative", "neutral", "positive"]);
    assert.ok(Math.abs(Object.values(scores).reduce((sum, score) => sum + score) - 1) < 1e-5);
  }
  const sets = await measureSets(classifier, [file]);
  assert.deepEqual(
    sets[0].rows.map(({ domain, texts }) => [domain, texts]),
    [
      [null, 3],
      ["a", 1],
      ["b", 2],
    ],
  );
  assert.equal(sets[0].rows[0].accuracy, figuresOf(readSet(file), answers).accuracy);
  const about = { labels: ["A"], dtype: "int4", bytes: { weights: 10e6 } };
  const text = setsText(sets, about, true);
  assert.match(text, /^Labels A; int4, weights of 10\.0 MB\.\n\n\| set +\| domain \| texts \|/);
  assert.match(text, /\| set\.tsv \| all +\| +3 \| .+ %/);
  assert.match(text, /## Calibration, set\.tsv/);
  assert.doesNotMatch(setsText(sets, about), /## Calibration/);
});

test("rejects a model with other labels", async (t) => {
  const classifier = await Classifier.load(TINY, { device: "cpu" });
  t.after(() => classifier.dispose());
  await assert.rejects(answersTo(classifier, []), /labels are calm, glad, cross: negative is not among them/);
});

test("the command prints the table", (t) => {
  const folder = tinyWith(t, ["negative", "neutral", "positive"]);
  writeFileSync(join(folder, "set.tsv"), "positive\ta\tfine\n");
  const run = (...args) =>
    spawnSync(process.execPath, [join(ROOT, "scripts/bench-accuracy.mjs"), "--model", ".", ...args], {
      cwd: folder,
      env: { ...process.env, INIT_CWD: folder },
      encoding: "utf8",
    });
  const { status, stdout, stderr } = run("set.tsv");
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /\| set\.tsv \| all +\| +1 \|/);
  const without = run();
  assert.equal(without.status, 1);
  assert.match(without.stderr, /Name files of labelled texts/);
});
