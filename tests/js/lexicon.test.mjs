// The lexicon: its own function, and as the model's substitute until the model is loaded.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, pipeline } from "tabsense";
import { score, weigh } from "tabsense/lexicon";
import { accuracyOf, fit, readSentences, sidedAccuracyOf } from "../../scripts/bench-lexicon.mjs";
import { lexiconSize } from "../../scripts/sizes.mjs";
import { filesOf, rejects, ROOT, serveModel, signalled, TINY, rejectsAborted } from "./support.mjs";

const MODEL = join(ROOT, "models/sentiment-en");
/** The maximum size of lexicon.js with brotli, in bytes. */
const BUDGET = 20_000;

const DELIGHT = "A delight from start to finish.";
const AWFUL = "The worst and most horrible film of the year.";

/** A server of sentiment-en that sends half of the weights, and the rest when the test calls `release()`. */
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

test("the lexicon rejects pairs; the model accepts them", async (t) => {
  const { classifier, release } = await held(t);
  const pair = { text: DELIGHT, pair: AWFUL };
  for (const texts of [pair, [DELIGHT, pair]])
    await rejects("invalid_argument", classifier.classify(texts), /lexicon.*single texts only.*ready/);
  assert.equal((await classifier.classify(DELIGHT))[0].source, "lexicon");
  release();
  await classifier.ready;
  assert.equal((await classifier.classify(pair))[0].source, "model");
});

test("score: all labels with their probabilities, best first", () => {
  for (const [text, label] of [
    [DELIGHT, "POSITIVE"],
    [AWFUL, "NEGATIVE"],
    ["The meeting is at noon.", "NEUTRAL"],
  ]) {
    const scores = score(text);
    assert.equal(scores[0].label, label);
    assert.deepEqual(scores.map(({ label }) => label).sort(), ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
    assert.ok(scores[0].score > 0.4);
    assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-12);
    for (const one of scores) assert.deepEqual(Object.keys(one), ["label", "score", "source"]);
  }
});

test("score: an empty text has no labels, and anything but a string is an error", () => {
  for (const text of ["", " \n\t\u3000\u00a0", "\ud800", "\u200b\u0301"]) assert.deepEqual(score(text), []);
  for (const wrong of [7, null, undefined, ["a"]])
    assert.throws(() => score(wrong), {
      name: "TabsenseError",
      kind: "invalid_argument",
      message: /needs a string, not/,
    });
});

test("rejects the lexicon as a device", async () => {
  await rejects(
    "invalid_argument",
    Classifier.load(MODEL, { device: "lexicon" }),
    /one of "auto", "webgpu", "cpu"/,
  );
});

test("texts of all sorts get a probability, in no time", () => {
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
    const [best] = score(text);
    assert.ok(best.score > 1 / 3 && best.score <= 1, `${text.slice(0, 20)}: ${best.score}`);
    const ms = performance.now() - start;
    assert.ok(ms < 500, `${text.slice(0, 20)}: ${ms} ms`);
  }
});

test("a long text is cut, and says so", async (t) => {
  const { classifier } = await held(t);
  const { maxTokens } = classifier.info.model;
  const long = `${"word ".repeat(maxTokens)}terrible`;
  const [whole] = score(`${"word ".repeat(maxTokens - 1)}terrible`);
  const [cut] = score(long);
  assert.deepEqual([whole.label, whole.truncated, cut.truncated], ["NEGATIVE", undefined, true]);
  assert.notEqual(cut.score, whole.score);
  assert.deepEqual(await classifier.classify(long), [cut]);
});

test("answers as score does until the model is loaded, and rejects bad calls", async (t) => {
  const { classifier } = await held(t);
  const texts = [DELIGHT, "", AWFUL];
  assert.deepEqual(await classifier.classify(texts, { topK: null }), texts.map(score));
  assert.deepEqual(await classifier.classify(DELIGHT), score(DELIGHT).slice(0, 1));
  assert.deepEqual(await classifier.classify([]), []);
  const { scores, tokens, truncated, device, timings } = await classifier.classify(DELIGHT, {
    details: true,
  });
  assert.deepEqual(
    [scores[0].label, tokens, truncated, device, timings.tokenize],
    ["POSITIVE", [], false, "cpu", 0],
  );
  assert.ok(timings.forward >= 0 && timings.total >= timings.forward);
  const { info } = classifier;
  assert.deepEqual(
    [info.device, info.dtype, info.build, info.warnings, info.model.labels],
    ["cpu", "none", "none", [], ["NEGATIVE", "NEUTRAL", "POSITIVE"]],
  );
  assert.ok(info.model.vocabulary > 3000);
  assert.match(info.webgpu.reason, /\S/);
  for (const wrong of [7, null, ["a", 3]]) await rejects("invalid_argument", classifier.classify(wrong));
  await rejects("invalid_argument", classifier.classify("text", { topk: 1 }), /topk/);
});

test("a pipeline has a label for an empty text, from the lexicon, too", async (t) => {
  const { url, release } = await heldModel(t);
  const pipe = await pipeline("sentiment-analysis", url, { instant: true, device: "cpu" });
  t.after(() => (release(), pipe.dispose()));
  const [first, none, last] = await pipe([DELIGHT, "", AWFUL]);
  assert.deepEqual([first.label, last.label], ["POSITIVE", "NEGATIVE"]);
  assert.ok(none.label === "NEUTRAL" && none.score < 0.5, `${none.label} ${none.score}`);
});

test("many texts report their progress, and end with a signal, a dispose or a callback that throws", async (t) => {
  const { classifier } = await held(t);
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
  await rejectsAborted(
    classifier.classify(texts, { signal: controller.signal, onProgress: () => controller.abort() }),
  );
  await rejectsAborted(classifier.classify("never", { signal: controller.signal }));
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
  assert.match(classifier.info.lexicon, /\S/);
});

test("answers from the lexicon at once, and from the model once it is loaded", async (t) => {
  const stages = new Set();
  const { classifier, release } = await held(t, { onProgress: ({ stage }) => stages.add(stage) });
  const [first] = await classifier.classify(DELIGHT);
  assert.deepEqual([first.label, first.source], ["POSITIVE", "lexicon"]);
  assert.equal(classifier.info.dtype, "none");
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
  test(`the lexicon keeps answering if the model can't be loaded, worker: ${worker}`, async (t) => {
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

test("an unhandled failure to load the model doesn't keep or crash the process", () => {
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

test("rejects a model with other labels, and its calls", async (t) => {
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
  await rejectsAborted(classifier.ready);
  await closed;
  assert.equal((await classifier.classify(DELIGHT))[0].source, "lexicon");
  await rejectsAborted(Classifier.load(MODEL, { instant: true, signal: controller.signal }));
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

test("rejects wrong options and sources at once", async () => {
  await rejects("invalid_argument", Classifier.load(MODEL, { instant: "yes" }), /instant/);
  await rejects("invalid_argument", Classifier.load("a b c", { instant: true }), /is not a model name/);
  await rejects(
    "invalid_argument",
    Classifier.load({ "config.json": new Uint8Array(1) }, { instant: true }),
    /lacks/,
  );
});

test("a callback that throws only ends the loading", async (t) => {
  const { classifier } = await held(t, {
    onProgress: () => {
      throw new Error("mine");
    },
  });
  await rejects("invalid_argument", classifier.ready, /mine/);
  assert.equal((await classifier.classify(DELIGHT))[0].source, "lexicon");
});

test("its probabilities are fitted to the labelled sentences, and right more often than not", (t) => {
  const rows = readSentences();
  const answers = rows.map(({ text }) => score(text));
  // Fitting the sentences again gives the same scores.
  const points = rows.map(({ text, label }) => ({ x: weigh(text).intensity, label }));
  const { slope, bias, neutral, fall } = fit(points);
  for (const x of [-3, -1, 0, 1, 3]) {
    const { text } = rows.find((_, i) => Math.abs(points[i].x - x) < 0.5);
    const at = weigh(text).intensity;
    const logits = {
      NEGATIVE: bias - slope * at,
      NEUTRAL: neutral - fall * Math.abs(at),
      POSITIVE: slope * at,
    };
    const all = Object.values(logits).reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (const { label, score: found } of score(text))
      assert.ok(Math.abs(Math.exp(logits[label]) / all - found) < 1e-3, `${text}: ${label} ${found}`);
  }
  const [accuracy, sided] = [accuracyOf(rows, answers), sidedAccuracyOf(rows, answers)];
  t.diagnostic(
    `accuracy ${(100 * accuracy).toFixed(1)} %, positive against negative ${(100 * sided).toFixed(1)} %`,
  );
  assert.ok(accuracy > 0.5 && sided > 0.6, `${accuracy} ${sided}`);
});

test("its file is within the budget", (t) => {
  const { brotli } = lexiconSize();
  t.diagnostic(`${brotli} bytes with brotli`);
  assert.ok(brotli <= BUDGET, `${brotli} bytes`);
});
