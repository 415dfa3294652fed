// The cases of transformers.js's own tests of its text-classification pipeline: the same calls, the same
// nesting. The values are PyTorch's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, pipeline } from "tabsense";
import { filesOf, rejects, ROOT, rounded, softmax, TINY, rejectsAborted } from "./support.mjs";

/** Logits in fp32 may be 2e-5 off; a score changes by at most a quarter of that. */
const TOLERANCE = 1e-5;
/** By how much activations in int8 may change a score of sentiment-en, on these sentences. */
const ROUNDED_TOLERANCE = 0.02;

const TWO_LABELS = join(ROOT, "test_data/models/tiny-f16");
const MULTI_LABEL = join(ROOT, "test_data/models/tiny-bf16");

const sigmoid = (logits) => logits.map((x) => 1 / (1 + Math.exp(-x)));

/**
 * Texts of a tiny model's goldens with PyTorch's logits. The texts are made of the tokens' words, so the
 * model must get the same ids.
 */
function goldensOf(folder, name, places) {
  const { cases } = JSON.parse(readFileSync(join(ROOT, "test_data/goldens", `${name}.json`), "utf8"));
  const { vocab } = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")).model;
  const tokens = Object.fromEntries(Object.entries(vocab).map(([token, id]) => [id, token]));
  return places.map((place) => {
    const { ids, logits } = cases[place];
    return {
      ids,
      logits,
      text: ids
        .slice(1, -1)
        .map((id) => tokens[id])
        .join(" ")
        .replaceAll(" ##", ""),
    };
  });
}

/** All labels of `logits` with their scores, best first. */
function expected(labels, logits, scoring = softmax) {
  return scoring(logits)
    .map((score, i) => ({ label: labels[i], score }))
    .sort((a, b) => b.score - a.score);
}

/** Equal in nesting, keys and labels, and in scores to within `tolerance`. */
function close(actual, wanted, tolerance = TOLERANCE) {
  const shape = (value) => (Array.isArray(value) ? value.map(shape) : { ...value, score: "…" });
  assert.deepEqual(shape(actual), shape(wanted));
  const scores = (value) => (Array.isArray(value) ? value.flatMap(scores) : [value.score]);
  for (const [i, score] of scores(actual).entries())
    assert.ok(
      Math.abs(score - scores(wanted)[i]) <= tolerance,
      `score ${i}: ${score}, not ${scores(wanted)[i]}`,
    );
}

async function open(t, model, options, task = "text-classification") {
  const pipe = await pipeline(task, model, options);
  t.after(() => pipe.dispose());
  return pipe;
}

test("texts of the goldens", async (t) => {
  const labels = ["NEGATIVE", "POSITIVE"];
  const pipe = await open(t, TWO_LABELS, { device: "wasm", dtype: "fp32" });
  const [a, b] = goldensOf(TWO_LABELS, "tiny-f16", [2, 6]);
  const [wantedA, wantedB] = [a, b].map(({ logits }) => expected(labels, logits));
  assert.notEqual(
    wantedA[0].label,
    wantedB[0].label,
    "the texts tell the order of labels from the order of scores",
  );

  await t.test("have the goldens' tokens", async () => {
    const detailed = await pipe.classifier.classify([a.text, b.text], { details: true });
    assert.deepEqual(
      detailed.map(({ tokens }) => tokens.map(({ id }) => id)),
      [a.ids, b.ids],
    );
  });
  await t.test("batch_size=1, default (top_k=1)", async () => close(await pipe(a.text), wantedA.slice(0, 1)));
  await t.test("batch_size=1, custom (top_k=2)", async () =>
    close(await pipe(a.text, { top_k: 2 }), wantedA),
  );
  await t.test("batch_size>1, default (top_k=1)", async () =>
    close(await pipe([a.text, b.text]), [wantedA[0], wantedB[0]]),
  );
  await t.test("batch_size>1, custom (top_k=2)", async () =>
    close(await pipe([a.text, b.text], { top_k: 2 }), [wantedA, wantedB]),
  );
  await t.test("batch_size>1, all (top_k=null)", async () =>
    close(await pipe([a.text, b.text], { top_k: null }), [wantedA, wantedB]),
  );
  await t.test("batch_size=1, all (top_k=null)", async () =>
    close(await pipe(a.text, { top_k: null }), wantedA),
  );
  await t.test("an array of one text", async () => {
    close(await pipe([a.text]), wantedA.slice(0, 1));
    close(await pipe([a.text], { top_k: 2 }), [wantedA]);
  });
  await t.test("more labels than there are", async () => close(await pipe(a.text, { top_k: 7 }), wantedA));
  await t.test("options without top_k", async () => {
    close(await pipe(a.text, {}), wantedA.slice(0, 1));
    close(await pipe([a.text, b.text], { top_k: undefined }), [wantedA[0], wantedB[0]]);
  });
  await t.test("no texts", async () => {
    assert.deepEqual(await pipe([]), []);
    assert.deepEqual(await pipe([], { top_k: 2 }), []);
  });

  await t.test("multi_label_classification", async (t) => {
    // transformers.js's test changes the configuration of the loaded pipeline; this one changes the file.
    const files = filesOf(TWO_LABELS);
    const config = {
      ...JSON.parse(Buffer.from(files["config.json"])),
      problem_type: "multi_label_classification",
    };
    const multi = await open(
      t,
      { ...files, "config.json": new Blob([JSON.stringify(config)]) },
      { device: "wasm", dtype: "fp32" },
    );
    close(
      await multi([a.text, b.text], { top_k: 2 }),
      [a, b].map(({ logits }) => expected(labels, logits, sigmoid)),
    );
  });
});

test("a model of several labels at a time", async (t) => {
  const labels = ["news", "sport", "art", "food"];
  const pipe = await open(t, MULTI_LABEL, { device: "cpu", dtype: "fp32" });
  const texts = goldensOf(MULTI_LABEL, "tiny-bf16", [5, 7]);
  const wanted = texts.map(({ logits }) => expected(labels, logits, sigmoid));
  close(
    await pipe(
      texts.map(({ text }) => text),
      { top_k: null },
    ),
    wanted,
  );
  close(
    await pipe(
      texts.map(({ text }) => text),
      { top_k: 3 },
    ),
    wanted.map((scores) => scores.slice(0, 3)),
  );
  close(
    await pipe(texts.map(({ text }) => text)),
    wanted.map(([best]) => best),
  );
});

test("sentiment-analysis, with the model of this project", async (t) => {
  const rows = readFileSync(join(ROOT, "test_data/sentiment_goldens.jsonl"), "utf8")
    .trim()
    .split("\n")
    .slice(0, 3)
    .map((line) => JSON.parse(line));
  const wanted = rows.map(({ logits }) => expected(["NEGATIVE", "NEUTRAL", "POSITIVE"], logits));
  for (const model of ["sentiment-en", undefined]) {
    const classify = await open(t, model, undefined, "sentiment-analysis");
    close(await classify(rows[0].text), wanted[0].slice(0, 1), ROUNDED_TOLERANCE);
    close(
      await classify(rows.map(({ text }) => text)),
      wanted.map(([best]) => best),
      ROUNDED_TOLERANCE,
    );
    close(
      await classify(
        rows.map(({ text }) => text),
        { top_k: null },
      ),
      wanted,
      ROUNDED_TOLERANCE,
    );
  }
});

test("a pipeline's properties", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" }, "sentiment-analysis");
  assert.equal(typeof pipe, "function");
  assert.equal(pipe.task, "text-classification");
  assert.deepEqual(pipe.model.config, {
    id2label: { 0: "calm", 1: "glad", 2: "cross" },
    label2id: { calm: 0, glad: 1, cross: 2 },
  });
  assert.throws(
    () => (pipe.model.config.problem_type = "multi_label_classification"),
    TypeError,
    "a change that does nothing is told",
  );
  assert.ok(pipe.classifier instanceof Classifier);
  assert.equal(pipe.classifier.info.model.name, "tiny-f32");
});

test("a text that is cut has label and score alone", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  const long = "live rest ".repeat(600);
  assert.equal((await pipe.classifier.classify(long))[0].truncated, true);
  assert.deepEqual(Object.keys((await pipe(long))[0]), ["label", "score"]);
});

test("calls at the same time, and one that is aborted", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  const one = await pipe("live rest", { top_k: 3 });
  const controller = new AbortController();
  const long = pipe(Array(2000).fill("live rest"));
  const aborted = rejectsAborted(pipe("live rest", { signal: controller.signal }));
  const next = pipe("live rest", { top_k: 3 });
  controller.abort();
  await aborted;
  assert.equal((await long).length, 2000);
  assert.deepEqual(rounded(await next), rounded(one));
});

test("dispose ends it, once and for all", async () => {
  const pipe = await pipeline("text-classification", TINY, { device: "wasm" });
  const waiting = rejects("disposed", pipe("live rest"));
  await pipe.dispose();
  await waiting;
  await rejects("disposed", pipe("live rest"));
  await pipe.dispose();
});

test("an empty text has a label, as in transformers.js, and texts keep their places", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  const [one] = await pipe("live rest");
  const [none] = await pipe("");
  assert.ok(pipe.classifier.info.model.labels.includes(none.label) && none.score > 0);
  const all = await pipe(["live rest", " ", "live rest", ""]);
  assert.deepEqual(rounded(all), rounded([one, none, one, none]));
  assert.equal((await pipe("", { top_k: null })).length, pipe.classifier.info.model.labels.length);
  assert.deepEqual(await pipe.classifier.classify(""), []);
});

test("rejects what isn't text, and says what to pass instead", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  await rejects("invalid_argument", pipe([["live", "rest"]]), /texts\[0\]/);
  for (const wrong of [undefined, null, 7, ["live", 7]]) await rejects("invalid_argument", pipe(wrong));
  assert.equal((await pipe("live rest")).length, 1);
});

test("pairs of text and text_pair", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  const [text, text_pair] = ["live", "rest"];
  const expected = await pipe.classifier.classify({ text, pair: text_pair }, { topK: null });
  assert.deepEqual(await pipe({ text, text_pair }, { top_k: null }), expected);
  assert.notDeepEqual(await pipe(text, { top_k: null }), expected);
  assert.deepEqual(await pipe([{ text, text_pair }]), expected.slice(0, 1));
  const lists = await pipe([text, { text, text_pair }, text_pair], { top_k: null });
  assert.deepEqual(
    lists[1].map(({ label }) => label),
    expected.map(({ label }) => label),
  );
  assert.deepEqual(rounded(lists[1]), rounded(expected));
  // Like transformers.js, it classifies the special tokens if there is no text; a pair has more of them.
  const empty = await pipe({ text: " ", text_pair: "\t" }, { top_k: null });
  assert.equal(empty.length, 3);
  assert.notDeepEqual(empty, await pipe(" ", { top_k: null }));
  const wrong = [
    [{ text, pair: text_pair }, /^The pair: text_pair is not a string but undefined.*\{ text, text_pair \}/],
    [[text, { text, text_pair: 7 }], /^texts\[1\]: text_pair is not a string but 7/],
    [[{ text_pair }], /^texts\[0\]: text is not a string but undefined/],
  ];
  for (const [given, says] of wrong) await rejects("invalid_argument", pipe(given), says);
});

test("worker: false, as with Classifier.load", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm", worker: false });
  const classifier = await Classifier.load(TINY, { device: "cpu" });
  t.after(() => classifier.dispose());
  assert.deepEqual(
    await pipe("live rest", { top_k: null }),
    await classifier.classify("live rest", { topK: null }),
  );
});
