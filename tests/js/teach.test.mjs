// Teaching on a real encoder, in Node: learning, saving, restoring, and refusals.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Embedder, TaughtClassifier } from "tabsense";
import { rejects, rejectsAborted, ROOT, TINY } from "./support.mjs";

/** The project's own sentiment model, whose encoder distinguishes feelings best. */
const MODEL = `${ROOT}/models/sentiment-en`;
const FEELINGS = {
  delighted: ["what a wonderful day", "I love it", "this made me so happy"],
  furious: ["how dare they", "I hate this", "this is an outrage"],
};

const open = async (t, options) => {
  const embedder = await Embedder.load(MODEL, { device: "cpu", ...options });
  t.after(() => embedder.dispose());
  return embedder;
};

test("a classifier is taught, answers, and is the same each time", async (t) => {
  const embedder = await open(t);
  const progress = [];
  const mine = await embedder.teach(FEELINGS, { onProgress: (one) => progress.push(one) });
  assert.deepEqual(mine.labels, ["delighted", "furious"]);
  assert.equal(mine.examples.length, 6);
  const [best] = await mine.classify("a marvellous, lovely evening");
  assert.equal(best.label, "delighted");
  assert.ok(best.score > 0.5 && best.score < 1, best.score);
  const all = await mine.classify(["a marvellous evening", "terrible service"], { topK: null });
  assert.deepEqual(
    all.map(([{ label }]) => label),
    ["delighted", "furious"],
  );
  for (const scores of all) assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-6);
  for (const stage of ["embed", "train"]) {
    const of = progress.filter((one) => one.stage === stage);
    assert.ok(of.length > 0 && of.at(-1).done === of.at(-1).total, stage);
  }
  const again = await embedder.teach(FEELINGS);
  assert.deepEqual(again.toJSON(), mine.toJSON());
});

test("unsure answers have no label, and the threshold can be set", async (t) => {
  const mine = await (await open(t)).teach(FEELINGS);
  const text = "the invoice is in the second drawer";
  const [{ score }] = await mine.classify(text, { topK: null });
  assert.deepEqual(await mine.classify(text, { threshold: 1 }), [{ label: null, score }]);
  assert.equal((await mine.classify(text, { threshold: 0 }))[0].score, score);
  assert.deepEqual(await mine.classify([]), []);
  for (const options of [{ threshold: 2 }, { threshold: "0.5" }, { topK: 0 }, { topk: 1 }])
    await rejects("invalid_argument", mine.classify(text, options));
  await rejects("invalid_argument", mine.classify([text, 1]));
});

test("recognizes labels without examples by their names and descriptions", async (t) => {
  const embedder = await open(t);
  const mine = await embedder.teach(
    { good: [], awful: [] },
    { descriptions: { good: "pleasant, wonderful, delightful", awful: "bad, disgusting, boring" } },
  );
  const answers = await mine.classify(["a wonderful film", "a disgusting meal"], { threshold: 0 });
  assert.deepEqual(
    answers.map(([{ label }]) => label),
    ["good", "awful"],
  );
  assert.equal((await mine.evaluate()).accuracy, null);
  await rejects(
    "invalid_argument",
    embedder.teach({ a: [], b: [] }, { descriptions: { c: "other" } }),
    /"c"/,
  );
  await rejects("invalid_argument", embedder.teach({ a: [], b: [] }, { descriptions: { a: 1 } }));
});

test("examples can be added and removed, and count from the next training", async (t) => {
  const mine = await (await open(t)).teach(FEELINGS);
  const before = await mine.classify("boring", { topK: null });
  const id = mine.add("yawn, so dull", "bored");
  assert.equal(mine.add("yawn, so dull", "bored"), id, "a second time is no second example");
  assert.throws(() => mine.add("yawn, so dull", "furious"), {
    kind: "invalid_argument",
    message: /"bored" and of/,
  });
  assert.throws(() => mine.add(" ", "bored"), { kind: "invalid_argument" });
  assert.throws(() => mine.add("text", ["a", "b"]), { kind: "invalid_argument" });
  assert.deepEqual(await mine.classify("boring", { topK: null }), before);
  await mine.retrain();
  assert.deepEqual(mine.labels, ["delighted", "furious", "bored"]);
  assert.equal((await mine.classify("such a dull, boring talk", { threshold: 0 }))[0].label, "bored");
  assert.equal(mine.remove(id), true);
  assert.equal(mine.remove(id), false);
  assert.equal(mine.examples.length, 6);
});

test("a small change keeps the settings, and a report searches them again", async (t) => {
  const mine = await (await open(t)).teach(FEELINGS);
  const { strength, temperature } = mine.toJSON();
  mine.add("an absolute joy", "delighted");
  await mine.retrain();
  const kept = mine.toJSON();
  assert.deepEqual([kept.strength, kept.temperature], [strength, temperature]);
  const report = await mine.evaluate();
  assert.equal(report.examples, 7);
  assert.ok(report.accuracy >= 5 / 7, report.accuracy);
  assert.deepEqual(
    report.labels.map(({ label, examples }) => [label, examples]),
    [
      ["delighted", 4],
      ["furious", 3],
    ],
  );
});

test("an example under the wrong label is doubtful", async (t) => {
  const texts = ["I love it", "so happy", "wonderful", "a great joy", "delightful"];
  const mine = await (await open(t)).teach({
    delighted: texts,
    furious: ["I hate this", "so angry", "an outrage", "disgusting", "how wonderful and lovely"],
  });
  const { doubtful, confusions } = await mine.evaluate();
  assert.equal(doubtful[0].text, "how wonderful and lovely");
  assert.equal(doubtful[0].predicted, "delighted");
  assert.ok(confusions.some(({ label, predicted }) => label === "furious" && predicted === "delighted"));
});

test("a text may have several labels, or none", async (t) => {
  const mine = await (await open(t)).teach([
    { text: "great food", labels: ["praise", "food"] },
    { text: "awful food", labels: ["food"] },
    { text: "tasty soup, lovely", labels: ["praise", "food"] },
    { text: "the soup was cold", labels: ["food"] },
    { text: "friendly staff", labels: ["praise"] },
    { text: "wonderful room", labels: ["praise"] },
    { text: "we came at noon", labels: [] },
    { text: "it was a Tuesday", labels: [] },
  ]);
  const all = await mine.classify("delicious food", { topK: null });
  assert.deepEqual(all.map(({ label }) => label).sort(), ["food", "praise"]);
  const likely = await mine.classify("delicious food", { threshold: 0 });
  assert.equal(likely.length, 2);
  assert.deepEqual(await mine.classify("delicious food", { threshold: 1 }), []);
  const report = await mine.evaluate();
  assert.deepEqual([report.examples, report.labels.length], [8, 2]);
  mine.add("rude staff", []);
  await mine.retrain();
  assert.equal(mine.examples.length, 9);
});

test("a saved classifier answers as before, also with an encoder in another dtype", async (t) => {
  const embedder = await open(t);
  const mine = await embedder.teach(FEELINGS, { descriptions: { furious: "very angry" } });
  const texts = ["a marvellous evening", "terrible service"];
  const wanted = await mine.classify(texts, { topK: null });
  const json = JSON.stringify(mine);
  const turned = Object.fromEntries(Object.entries(JSON.parse(json)).reverse());
  for (const saved of [json, JSON.parse(json), turned, new TextEncoder().encode(json), new Blob([json])]) {
    const again = await TaughtClassifier.from(saved, embedder);
    assert.deepEqual(await again.classify(texts, { topK: null }), wanted);
    assert.deepEqual(again.examples, mine.examples);
  }
  const again = await TaughtClassifier.from(json, embedder);
  assert.equal(JSON.stringify(again), json);
  again.add("splendid", "delighted");
  await again.retrain();
  assert.equal((await again.evaluate()).examples, 7);
  const without = await TaughtClassifier.from(mine.toJSON({ examples: false }), embedder);
  assert.deepEqual(await without.classify(texts, { topK: null }), wanted);
  assert.deepEqual(without.examples, []);
  const leftOut = /saved without its examples.*can't be taught further/;
  assert.throws(() => without.add("splendid", "delighted"), { kind: "invalid_argument", message: leftOut });
  await rejects("invalid_argument", without.retrain(), leftOut);
  await rejects("invalid_argument", without.evaluate(), leftOut);
  assert.equal(JSON.stringify(without), JSON.stringify(mine.toJSON({ examples: false })));
  // A label that hasn't been learnt yet is saved, too.
  mine.add("yawn", "bored");
  const untrained = await TaughtClassifier.from(JSON.stringify(mine), embedder);
  assert.deepEqual([untrained.labels, untrained.examples.length], [["delighted", "furious", "bored"], 7]);
  assert.deepEqual(await untrained.classify(texts, { topK: null }), wanted);
  await untrained.retrain();
  assert.equal((await untrained.classify("yawn", { topK: null })).length, 3);
  const full = await open(t, { dtype: "fp32" });
  const other = await (await TaughtClassifier.from(json, full)).classify(texts, { topK: null });
  other.forEach((scores, i) =>
    scores.forEach(({ label, score }, j) => {
      assert.equal(label, wanted[i][j].label);
      assert.ok(Math.abs(score - wanted[i][j].score) < 0.02);
    }),
  );
});

test("rejects what isn't a saved classifier, and other encoders", async (t) => {
  const embedder = await open(t);
  const mine = await embedder.teach(FEELINGS);
  const saved = JSON.parse(JSON.stringify(mine));
  const from = (given, on = embedder) => TaughtClassifier.from(given, on);
  const changed = (part, value) => ({ ...saved, [part]: value });
  await rejects("not_a_model", from(JSON.stringify(saved).slice(0, 1000)), /not JSON.*cut/);
  await rejects("not_a_model", from("{}"), /not a taught classifier/);
  await rejects("not_a_model", from({ labels: [] }), /not a taught classifier/);
  await rejects("invalid_argument", from(7));
  await rejects("config_unsupported", from(changed("version", 2)), /version 2.*reads 1: update tabsense/);
  await rejects("not_a_model", from(changed("threshold", saved.threshold + 0.25)), /changed or damaged/);
  await rejects("not_a_model", from(changed("labels", saved.labels.slice(1))), /damaged: its/);
  await rejects("not_a_model", from(changed("bias", [null, 0])), /its bias is wrong/);
  await rejects("not_a_model", from(changed("weights", "AAAA")), /its weights is wrong/);
  const weights = Buffer.from(saved.weights, "base64");
  weights.writeFloatLE(Number.NaN, 8);
  await rejects(
    "weights_not_finite",
    from(changed("weights", weights.toString("base64"))),
    /something other than numbers/,
  );
  const narrow = await Embedder.load(TINY, { device: "cpu" });
  t.after(() => narrow.dispose());
  await rejects("weights_mismatch", from(saved, narrow), /384 numbers; those of tiny-f32 have/);
  const first = await Embedder.load(MODEL, { device: "cpu", pooling: "cls" });
  t.after(() => first.dispose());
  await rejects("weights_mismatch", from(saved, first), /differ from those of .*same pooling/);
  await rejects("invalid_argument", from(saved, mine), /needs the embedder/);
});

test("teaching can be aborted and disposed of, and keeps the earlier state", async (t) => {
  const embedder = await open(t);
  const mine = await embedder.teach(FEELINGS);
  const before = await mine.classify("lovely", { topK: null });
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, label) => [
      `label ${label}`,
      Array.from({ length: 20 }, (_, i) => `text ${i} of ${label}`),
    ]),
  );
  for (const stage of ["embed", "train"]) {
    const controller = new AbortController();
    const onProgress = (progress) => progress.stage === stage && controller.abort();
    await rejectsAborted(embedder.teach(many, { signal: controller.signal, onProgress }));
  }
  mine.add("gorgeous", "delighted");
  await rejectsAborted(mine.retrain({ signal: AbortSignal.abort() }));
  assert.deepEqual(await mine.classify("lovely", { topK: null }), before);
  await mine.retrain();
  const teaching = rejects("disposed", embedder.teach(many));
  await embedder.dispose();
  await teaching;
  await rejects("disposed", mine.classify("lovely"));
  await rejects("disposed", mine.retrain());
});

test("a trap while it learns is a crash: the embedder doesn't compute with what is left", async (t) => {
  const embedder = await Embedder.load(MODEL, { device: "cpu", worker: false });
  t.after(() => embedder.dispose());
  const { Teacher } = await import("../../dist/wasm/teacher/tabsense.js");
  const trap = t.mock.method(Teacher.prototype, "step", () => {
    throw new WebAssembly.RuntimeError("unreachable");
  });
  const examples = { yes: ["of course", "certainly"], no: ["not at all", "never"] };
  await rejects("internal", embedder.teach(examples), /The engine crashed \(RuntimeError: unreachable\)/);
  trap.mock.restore();
  await rejects("internal", embedder.embed("a text"), /The engine crashed/);
});
