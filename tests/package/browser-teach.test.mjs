// Teaching in a plain page, in headless Chromium: only then is the training module fetched, by the worker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPage, startBrowser, startSite } from "./support.mjs";

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

const EXAMPLES = {
  delighted: ["what a wonderful day", "I love it", "this made me so happy"],
  furious: ["how dare they", "I hate this", "this is an outrage"],
};

test("vectors, a taught classifier, its file, and both read again", async (t) => {
  const { page, paths } = await openPage(t, browser, site);
  const ofTeacher = () => paths.filter((path) => path.includes("/wasm/teacher/"));
  const seen = await page.evaluate(async (examples) => {
    const { Embedder } = tabsense;
    globalThis.embedder = await Embedder.load("/models/sentiment-en/", { device: "cpu" });
    const [a, b] = await embedder.embed(["I love it", "it is wonderful"]);
    return { width: a.length, alike: embedder.similarity(a, b), labels: Object.keys(examples) };
  }, EXAMPLES);
  assert.equal(seen.width, 384);
  assert.ok(seen.alike > 0.3, seen.alike);
  assert.deepEqual(ofTeacher(), [], "only those who teach load what teaches");
  const taught = await page.evaluate(async (examples) => {
    const { TaughtClassifier } = tabsense;
    const progress = [];
    const mine = await embedder.teach(examples, { onProgress: ({ stage }) => progress.push(stage) });
    const texts = ["a marvellous evening", "terrible service"];
    const answers = await mine.classify(texts, { topK: null });
    const again = await TaughtClassifier.from(JSON.stringify(mine), embedder);
    const same = JSON.stringify(await again.classify(texts, { topK: null })) === JSON.stringify(answers);
    mine.add("so lovely", "delighted");
    await mine.retrain();
    const { accuracy, examples: count } = await mine.evaluate();
    const refused = await failed(embedder.teach({ a: ["x"] }));
    const teaching = failed(mine.retrain());
    await embedder.dispose();
    return {
      labels: answers.map(([{ label }]) => label),
      stages: [...new Set(progress)],
      same,
      accuracy,
      count,
      refused: refused.kind,
      ended: (await teaching).kind,
    };
  }, EXAMPLES);
  assert.deepEqual(taught.labels, ["delighted", "furious"]);
  assert.deepEqual(taught.stages, ["embed", "train"]);
  assert.equal(taught.same, true);
  assert.ok(taught.accuracy > 0.5, taught.accuracy);
  assert.equal(taught.count, 7);
  assert.equal(taught.refused, "invalid_argument");
  assert.equal(taught.ended, "disposed");
  assert.equal(new Set(ofTeacher()).size, 2, "its JavaScript and its wasm");
});

test("zero-shot by an embedder, and feature-extraction, in a page", async (t) => {
  const { page } = await openPage(t, browser, site);
  const seen = await page.evaluate(async () => {
    const { Embedder, pipeline, ZeroShot } = tabsense;
    const embedder = await Embedder.load("/models/sentiment-en/", { device: "cpu" });
    const zero = await ZeroShot.load(embedder);
    const [{ label }] = await zero.classify("what a lovely evening", ["wonderful", "dreadful"]);
    await embedder.dispose();
    const extract = await pipeline("feature-extraction", "sentiment-en", { device: "wasm" });
    const { dims } = await extract(["one", "two words"], { pooling: "mean", normalize: true });
    await extract.dispose();
    return { label, dims };
  });
  assert.deepEqual(seen, { label: "wonderful", dims: [2, 384] });
});
