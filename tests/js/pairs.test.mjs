// Texts and pairs of texts together, compared with PyTorch's scores (test_data/make_pairs.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { filesOf, rejects, ROOT, tiny } from "./support.mjs";

/** For scores whose logits are 2e-5 off. */
const TOLERANCE = 1e-5;

const GOLDENS = JSON.parse(readFileSync(join(ROOT, "test_data/goldens/pairs.json"), "utf8")).models;
const BERT = GOLDENS.find(({ name }) => name === "tiny-bert").cases;

async function load(t, name = "tiny-bert", options = {}) {
  const classifier = await Classifier.load(join(ROOT, "test_data/models", name), options);
  t.after(() => classifier.dispose());
  return classifier;
}

/** The cases that get labels: with more than white space. */
const worded = (cases) => cases.filter(({ text, pair }) => `${text}${pair ?? ""}`.trim() !== "");

const given = ({ text, pair }) => (pair === null ? text : { text, pair });

function assertScores(classifier, scores, wanted) {
  const { labels } = classifier.info.model;
  assert.equal(scores.length, labels.length);
  for (const { label, score } of scores) {
    const difference = Math.abs(score - wanted[labels.indexOf(label)]);
    assert.ok(difference <= TOLERANCE, `${label}: ${difference}`);
  }
}

for (const { name, cases } of GOLDENS) {
  test(`texts and pairs in one call, and each alone, are PyTorch's: ${name}`, async (t) => {
    const classifier = await load(t, name);
    const mixed = worded(cases);
    const together = await classifier.classify(mixed.map(given), { topK: null });
    for (const [i, one] of mixed.entries()) {
      assertScores(classifier, together[i], one.scores);
      assert.deepEqual(await classifier.classify(given(one), { topK: null }), together[i], one.text);
      assert.equal(together[i][0].truncated ?? false, one.truncated);
    }
  });
}

for (const worker of [true, false]) {
  test(`stream and latest take pairs, worker: ${worker}`, async (t) => {
    const classifier = await load(t, "tiny-bert", { worker });
    const cases = worded(BERT).slice(0, 5);
    const verdicts = [];
    for await (const verdict of classifier.stream(cases.map(given), { topK: null })) verdicts.push(verdict);
    for (const [i, { text, pair, scores }] of cases.entries()) {
      const { scores: own, ...placed } = verdicts[i];
      assert.deepEqual(placed, { index: i, text, ...(pair !== null && { pair }) });
      assertScores(classifier, own, scores);
    }
    for await (const verdict of classifier.stream([given(cases[1])], { details: true })) {
      assert.deepEqual([verdict.text, verdict.pair], [cases[1].text, cases[1].pair]);
      assert.equal(verdict.tokens.length, cases[1].ids.length);
    }
    const latest = classifier.latest();
    const calls = cases.map((one) => latest(given(one), { topK: null }));
    assert.deepEqual((await Promise.all(calls.slice(0, -1))).filter(Boolean), []);
    assertScores(classifier, await calls.at(-1), cases.at(-1).scores);
  });
}

test("details: the text that a token is from, and its position there", async (t) => {
  const classifier = await load(t);
  const cases = worded(BERT);
  const results = await classifier.classify(cases.map(given), { details: true });
  for (const [i, { text, pair, ids, sides, offsets, truncated }] of cases.entries()) {
    const { tokens } = results[i];
    assert.equal(results[i].truncated, truncated);
    assert.deepEqual(
      tokens.map(({ id }) => id),
      ids,
    );
    const side = (token) => (token.special ? "-" : token.pair ? "1" : "0");
    assert.equal(tokens.map(side).join(""), sides, text);
    assert.deepEqual(
      tokens.map(({ start, end }) => [start, end]),
      offsets,
      text,
    );
    for (const { text: token, start, end, special, ...more } of tokens) {
      if (special) assert.ok(!("pair" in more));
      const part = ("pair" in more ? pair : text).slice(start, end).toLowerCase();
      const plain = part.normalize("NFD").replace(/\p{Mn}/gu, "");
      if (!special && !token.startsWith("[")) assert.equal(token.replace(/^##/, ""), plain);
    }
  }
});

test("an empty second text makes no pair, and an empty text has no labels", async (t) => {
  const classifier = await load(t);
  const scores = await classifier.classify(["one", { text: "one", pair: "" }, { text: "one", pair: " " }], {
    topK: null,
  });
  assert.deepEqual(scores[0], scores[1]);
  assert.notDeepEqual(scores[1], scores[2]);
  for (const pair of ["", " ", "\n"]) {
    const { scores, tokens } = await classifier.classify({ text: " ", pair }, { details: true });
    assert.deepEqual([scores, tokens], [[], []]);
  }
  assert.equal((await classifier.classify({ text: "", pair: "second" })).length, 1);
});

test("ignores other properties of a pair, and reads its two once", async (t) => {
  const classifier = await load(t);
  let reads = 0;
  const row = {
    id: () => 7,
    pair: "b",
    get text() {
      return `${reads++}`;
    },
  };
  const call = classifier.classify(row, { topK: null });
  row.pair = "changed";
  assert.deepEqual(await call, await classifier.classify({ text: "0", pair: "b" }, { topK: null }));
  assert.equal(reads, 1);
});

test("rejects what is neither a text nor a pair, and says what to pass", async (t) => {
  const classifier = await load(t);
  const cases = [
    [{ text: "a" }, /^The pair: pair is not a string but undefined\. Pass \{ text, pair \}/],
    [{ pair: "a" }, /^The pair: text is not a string but undefined/],
    [{ text: "a", text_pair: "b" }, /pair is not a string but undefined.*\{ text, pair \}/],
    [["a", { text: "a", pair: null }], /^texts\[1\]: pair is not a string but null/],
    [[{ text: ["a"], pair: "b" }], /^texts\[0\]: text is not a string but an array/],
    [[["a", "b"]], /^texts\[0\] is not a string but an array\. Pass strings, or pairs \{ text, pair \}/],
    [["a", {}], /^texts\[1\] is not a string but object/],
    [[, "a"], /^texts\[0\] is not a string but undefined/],
    [{}, /^classify needs a string, a pair \{ text, pair \}, or an array of these, not object/],
    [7, /^classify needs a string, .* not 7/],
  ];
  for (const [wrong, says] of cases) {
    await rejects("invalid_argument", classifier.classify(wrong), says);
    await rejects("invalid_argument", classifier.latest()(wrong), says);
  }
  const drained = (texts) => classifier.stream(texts).next();
  await rejects("invalid_argument", drained([{ text: "a" }]), /^Text 0 of the stream: pair is not/);
  await rejects(
    "invalid_argument",
    drained([["a", "b"]]),
    /^Text 0 of the stream is not a string but an array/,
  );
  assert.equal((await classifier.classify("a")).length, 1);
});

test("a pair for a model whose tokenizer has no frame for pairs", async (t) => {
  const files = filesOf();
  const tokenizer = JSON.parse(new TextDecoder().decode(files["tokenizer.json"]));
  delete tokenizer.post_processor.pair;
  const classifier = await Classifier.load({
    ...files,
    "tokenizer.json": new TextEncoder().encode(JSON.stringify(tokenizer)),
  });
  t.after(() => classifier.dispose());
  const says = /no frame for pairs of texts: pass single texts/;
  for (const texts of [{ text: "a", pair: "b" }, ["a", { text: "a", pair: "b" }]])
    await rejects("tokenizer_unsupported", classifier.classify(texts), says);
  assert.deepEqual(await classifier.classify("a"), await (await tiny(t)).classify("a"));
});
