// The lexicon: alone as a device, and in the model's place until that is there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { CALIBRATION, weigh } from "../../dist/lexicon.js";
import { accuracyOf, fit, readSentences } from "../../scripts/bench-lexicon.mjs";
import { lexiconSize } from "../../scripts/sizes.mjs";
import { filesOf, rejects, ROOT, serveModel, signalled, tiny, TINY } from "./support.mjs";

const MODEL = join(ROOT, "models/sentiment-en");
/** The most bytes of lexicon.js, with brotli. */
const BUDGET = 20_000;

const DELIGHT = "A delight from start to finish.";
const AWFUL = "The worst and most horrible film of the year.";

/** The lexicon for one test; nothing answers at the hub that is named. */
async function lexicon(t) {
  const classifier = await Classifier.load("no/such-model", { device: "lexicon", hub: "http://127.0.0.1:1" });
  t.after(() => classifier.dispose());
  return classifier;
}

/**
 * A server of sentiment-en that sends the first half of the weights, and the rest when the test says
 * `release()`.
 */
async function heldModel(t) {
  const files = filesOf(MODEL);
  const weights = files["model.safetensors"];
  const { promise: released, resolve: release } = signalled();
  const { promise: wanted, resolve: want } = signalled();
  const { promise: closed, resolve: close } = signalled();
  const { url } = await serveModel(t, files, {
    async "model.safetensors"(_, response) {
      want();
      response.on("close", close);
      response.writeHead(200, { "content-length": weights.length });
      response.write(weights.subarray(0, weights.length >> 1));
      await released;
      response.end(weights.subarray(weights.length >> 1));
    },
  });
  return { url, release, wanted, closed };
}

/** A classifier that answers from the lexicon until `release()`. */
async function held(t, options) {
  const { url, ...server } = await heldModel(t);
  const classifier = await Classifier.load(url, { device: "cpu", threads: 1, ...options, instant: true });
  t.after(() => (server.release(), classifier.dispose()));
  return { classifier, ...server };
}

test("alone: no model, its labels, its name", async (t) => {
  const classifier = await lexicon(t);
  const results = await classifier.classify([DELIGHT, AWFUL], { topK: null });
  assert.deepEqual(
    results.map(([{ label }]) => label),
    ["POSITIVE", "NEGATIVE"],
  );
  for (const scores of results) {
    assert.deepEqual(scores.map(({ label }) => label).sort(), ["NEGATIVE", "POSITIVE"]);
    assert.ok(scores[0].score > 0.5 && Math.abs(scores[0].score + scores[1].score - 1) < 1e-12);
    assert.ok(scores.every(({ source }) => source === "lexicon"));
  }
  assert.deepEqual(await classifier.classify(DELIGHT), results[0].slice(0, 1));
  assert.deepEqual(await classifier.classify([]), []);
  await classifier.ready;
  const { device, dtype, build, lexicon: why, model, webgpu } = classifier.info;
  assert.deepEqual(
    [device, dtype, build, model.labels],
    ["lexicon", "none", "none", ["NEGATIVE", "POSITIVE"]],
  );
  assert.ok(model.vocabulary > 3000);
  assert.match(why, /asked for/);
  assert.match(webgpu.reason, /\S/);
});

test("alone: the details of a text", async (t) => {
  const { scores, tokens, truncated, device, timings } = await (await lexicon(t)).classify(DELIGHT, {
    details: true,
  });
  assert.deepEqual(
    [scores[0].label, tokens, truncated, device, timings.tokenize],
    ["POSITIVE", [], false, "lexicon", 0],
  );
  assert.ok(timings.forward >= 0 && timings.total >= timings.forward);
});

test("bad texts are told in the model's words", async (t) => {
  const classifier = await lexicon(t);
  const model = await tiny(t);
  for (const text of [
    "",
    " \n\t\u3000\u00a0",
    "\ud800",
    "\u200b\u0301",
    "word ".repeat(210_000),
    "\u{1d4b3}".repeat(262_145),
    7,
    null,
    ["fine", ""],
    ["a", 3],
  ]) {
    const said = await model.classify(text).then(assert.fail, (error) => error);
    const error = await rejects(said.kind, classifier.classify(text));
    assert.equal(error.message, said.message);
  }
  await rejects("invalid_argument", classifier.classify("text", { topk: 1 }), /topk/);
  assert.equal((await classifier.classify("fine")).length, 1);
});

test("texts of all sorts get a probability, in no time", async (t) => {
  const classifier = await lexicon(t);
  const texts = [
    "x",
    "!!!",
    "?",
    "1",
    "constructor __proto__ hasOwnProperty toString",
    "😀",
    "日本語",
    "a \udc00 b",
    `${"A".repeat(200_000)}a`,
    `${"A".repeat(200_000)} a`,
    "!".repeat(250_000),
    "good ".repeat(50_000),
    "' ".repeat(100_000),
    `${"!?".repeat(100_000)} good`,
  ];
  for (const text of texts) {
    const start = performance.now();
    const [{ score }] = await classifier.classify(text);
    assert.ok(score >= 0.5 && score <= 1, `${text.slice(0, 20)}: ${score}`);
    const ms = performance.now() - start;
    assert.ok(ms < 500, `${text.slice(0, 20)}: ${ms} ms`);
  }
});

test("a long text is cut, and says so", async (t) => {
  const classifier = await lexicon(t);
  const { maxTokens } = classifier.info.model;
  const [whole] = await classifier.classify(`${"word ".repeat(maxTokens - 1)}terrible`);
  const [cut] = await classifier.classify(`${"word ".repeat(maxTokens)}terrible`);
  assert.deepEqual([whole.label, whole.truncated, cut.truncated], ["NEGATIVE", undefined, true]);
  assert.notEqual(cut.score, whole.score);
});

test("many texts report their progress, and end with a signal, a dispose or a callback that throws", async (t) => {
  const classifier = await lexicon(t);
  const texts = Array.from(
    { length: 20_000 },
    (_, i) => `a fine text of number ${i}, and not a bad one at all`,
  );
  const seen = [];
  assert.equal(
    (await classifier.classify(texts, { onProgress: (progress) => seen.push(progress) })).length,
    texts.length,
  );
  assert.ok(
    seen.length > 1 && seen.every(({ total }) => total === texts.length) && seen.at(-1).done === texts.length,
  );
  const controller = new AbortController();
  await rejects(
    "aborted",
    classifier.classify(texts, { signal: controller.signal, onProgress: () => controller.abort() }),
  );
  await rejects("aborted", classifier.classify("never", { signal: controller.signal }));
  await rejects(
    "invalid_argument",
    classifier.classify(texts, {
      onProgress: () => {
        throw new Error("mine");
      },
    }),
    /mine/,
  );
  const waiting = rejects(
    "disposed",
    classifier.classify(texts, { onProgress: () => void classifier.dispose() }),
  );
  await waiting;
  await rejects("disposed", classifier.classify("after"));
  await classifier.dispose();
  assert.equal(classifier.info.device, "lexicon");
});

test("at once from the lexicon, and from the model as soon as it is there", async (t) => {
  const stages = new Set();
  const { classifier, release } = await held(t, { onProgress: ({ stage }) => stages.add(stage) });
  const [first] = await classifier.classify(DELIGHT);
  assert.deepEqual([first.label, first.source], ["POSITIVE", "lexicon"]);
  assert.equal(classifier.info.device, "lexicon");
  assert.equal(classifier.info.model.name, "model");
  assert.match(classifier.info.lexicon, /still loading/);
  release();
  await classifier.ready;
  const [second] = await classifier.classify(DELIGHT);
  assert.deepEqual([second.label, second.source], ["POSITIVE", "model"]);
  assert.equal((await classifier.classify([DELIGHT], { details: true }))[0].scores[0].source, "model");
  assert.notEqual(first.score, second.score);
  assert.deepEqual(
    [classifier.info.device, classifier.info.dtype, classifier.info.lexicon],
    ["cpu", "int8", undefined],
  );
  assert.deepEqual([...stages].sort(), ["config", "ready", "runtime", "tokenizer", "weights"]);
  const plain = await Classifier.load(MODEL, { device: "cpu", threads: 1 });
  t.after(() => plain.dispose());
  const { source, ...alone } = second;
  assert.deepEqual(await plain.classify(DELIGHT), [alone], "without `instant`, there is no source");
  await plain.ready;
});

for (const worker of [true, false]) {
  test(`a model that can't be had leaves the lexicon, worker: ${worker}`, async (t) => {
    const { url } = await serveModel(t, { ...filesOf(MODEL), "model.safetensors": undefined });
    const classifier = await Classifier.load(url, { instant: true, worker });
    t.after(() => classifier.dispose());
    await rejects("network", classifier.ready, /404/);
    await rejects("network", classifier.ready, /404/);
    const [{ label, source }] = await classifier.classify(AWFUL);
    assert.deepEqual([label, source], ["NEGATIVE", "lexicon"]);
    assert.match(classifier.info.lexicon, /could not be loaded.*404/);
  });
}

test("nobody has to hear that the model can't be had, and the process ends", () => {
  const script = `
    const { Classifier } = await import("tabsense");
    const classifier = await Classifier.load("http://127.0.0.1:1/", { instant: true });
    while (!/could not be loaded/.test(classifier.info.lexicon)) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100)); // time for a rejection that nobody handles
    console.log((await classifier.classify("Horrible."))[0].source);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual([status, stdout.trim(), stderr], [0, "lexicon", ""]);
});

test("a model with other labels is refused, and so are answers", async (t) => {
  const files = filesOf();
  const { promise: never } = signalled();
  const { url } = await serveModel(t, files, { "model.safetensors": () => never });
  for (const source of [url, TINY]) {
    const classifier = await Classifier.load(source, { instant: true });
    await rejects("invalid_argument", classifier.ready, /calm, glad, cross/);
    await rejects("invalid_argument", classifier.classify(DELIGHT), /instant/);
    await classifier.dispose();
    await rejects("disposed", classifier.classify(DELIGHT));
  }
});

test("a signal ends the loading of the model, not the lexicon", async (t) => {
  const controller = new AbortController();
  const { classifier, wanted, closed } = await held(t, { signal: controller.signal });
  await wanted;
  controller.abort();
  await rejects("aborted", classifier.ready);
  await closed;
  assert.equal((await classifier.classify(DELIGHT))[0].source, "lexicon");
  await rejects("aborted", Classifier.load(MODEL, { instant: true, signal: controller.signal }));
  await rejects("aborted", Classifier.load(MODEL, { device: "lexicon", signal: controller.signal }));
});

test("a signal that fires once the model is there changes nothing", async (t) => {
  const controller = new AbortController();
  const classifier = await Classifier.load(MODEL, {
    instant: true,
    device: "cpu",
    threads: 1,
    signal: controller.signal,
  });
  t.after(() => classifier.dispose());
  await classifier.ready;
  controller.abort();
  assert.equal((await classifier.classify(DELIGHT))[0].source, "model");
});

test("dispose ends both, and the download", async (t) => {
  const { classifier, wanted, closed } = await held(t);
  await wanted;
  await Promise.all([classifier.dispose(), classifier.dispose()]);
  await closed;
  await rejects("disposed", classifier.ready);
  await rejects("disposed", classifier.classify(DELIGHT));
  const loaded = await Classifier.load(MODEL, { instant: true, device: "cpu", threads: 1 });
  await loaded.ready;
  await loaded.dispose();
  await rejects("disposed", loaded.classify(DELIGHT));
  assert.equal(loaded.info.device, "cpu");
});

test("wrong options and sources are told at once", async () => {
  await rejects("invalid_argument", Classifier.load(MODEL, { instant: "yes" }), /instant/);
  await rejects("invalid_argument", Classifier.load("a b c", { instant: true }), /names no model/);
  await rejects(
    "invalid_argument",
    Classifier.load({ "config.json": new Uint8Array(1) }, { instant: true }),
    /lacks/,
  );
});

test("a callback that throws ends the loading alone", async (t) => {
  const { classifier } = await held(t, {
    onProgress: () => {
      throw new Error("mine");
    },
  });
  await rejects("invalid_argument", classifier.ready, /mine/);
  assert.equal((await classifier.classify(DELIGHT))[0].source, "lexicon");
});

test("its probabilities are fitted to the labelled sentences, and right more often than not", async (t) => {
  const rows = readSentences();
  const fitted = fit(
    rows.map(({ text, label }) => ({ x: weigh(text).intensity, positive: label === "POSITIVE" })),
  );
  for (const key of ["slope", "bias"])
    assert.ok(Math.abs(fitted[key] - CALIBRATION[key]) < 5e-4, `${key}: ${fitted[key]}`);
  const classifier = await lexicon(t);
  const accuracy = accuracyOf(rows, await classifier.classify(rows.map(({ text }) => text)));
  t.diagnostic(`accuracy ${(100 * accuracy).toFixed(1)} %`);
  assert.ok(accuracy > 0.6, `${accuracy}`);
});

test("its file is within the budget", (t) => {
  const { brotli } = lexiconSize();
  t.diagnostic(`${brotli} bytes with brotli`);
  assert.ok(brotli <= BUDGET, `${brotli} bytes`);
});
