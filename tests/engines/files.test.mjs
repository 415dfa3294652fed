// A model's files in three engines: cached copies, a lost network, and streams from a page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inEachEngine } from "./harness.mjs";
import { FILES, serveModel, startEngineSite } from "./site.mjs";

/** The engines' messages for a server that is gone, which these tests expect. */
const UNREACHABLE = /ERR_CONNECTION_REFUSED|Could not connect|due to access control|Connection refused/i;

let site;

before(async () => {
  site = await startEngineSite();
});

after(() => site?.close());

/** Runs in the page: loads, classifies once and disposes; resolves to the best label's score. */
async function score(source, options) {
  const classifier = await tabsense.Classifier.load(source, options);
  const [{ score }] = await classifier.classify("once stored, always there");
  await classifier.dispose();
  return score;
}

/** Runs in the page: keeps the cache open, because WebKit drops the copies of a private session otherwise. */
async function holdCopies() {
  globalThis.held = await caches.open("tabsense-models");
}

/** Runs in the page: whether data that a worker stored still exists after the worker has ended. */
async function keepsCaches() {
  const address = "https://probe.invalid/";
  const source = `caches.open("probe")
    .then((cache) => cache.put("${address}", new Response("kept")))
    .then(() => postMessage("stored"));`;
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  await new Promise((resolve) => (worker.onmessage = resolve));
  worker.terminate();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return Boolean(await caches.match(address));
}

/** Runs in the page: the names of the cached files. */
async function keptFiles() {
  return (await tabsense.listCachedFiles()).map(({ url }) => url.split("/").at(-1)).sort();
}

inEachEngine(({ name, version, open, supports }) => {
  test("what was loaded once is loaded again without its server", async (t) => {
    const model = await serveModel(t);
    const page = await open(t, site.url, UNREACHABLE);
    if (!(await supports(t, page, "copies"))) return;
    await page.run(holdCopies);
    const first = await page.run(score, model.url);
    assert.deepEqual(await page.run(keptFiles), [...FILES].sort());
    model.requests.length = 0;
    assert.equal(await page.run(score, model.url), first);
    assert.equal(
      model.requests.filter(({ name }) => name === "model.safetensors").length,
      1,
      "the server is asked once whether the weights are others",
    );
    await model.close();
    assert.equal(await page.run(score, model.url), first);
    await page.run(() => tabsense.clearCachedFiles());
    assert.deepEqual(await page.run(keptFiles), []);
  });

  test("stores copies if the browser doesn't report its quota", async (t) => {
    const model = await serveModel(t);
    const page = await open(t, site.url, UNREACHABLE);
    if (!(await supports(t, page, "copies"))) return;
    await page.run(holdCopies);
    // As in Safari before version 17.
    await page.run(() => typeof StorageManager === "function" && delete StorageManager.prototype.estimate);
    const first = await page.run(score, model.url, { worker: false });
    await model.close();
    assert.equal(await page.run(score, model.url), first);
  });

  test("copies survive a page reload", async (t) => {
    const model = await serveModel(t);
    const page = await open(t, site.url, UNREACHABLE);
    if (!(await page.run(keepsCaches)))
      return t.skip(
        `${name} ${version()} is in a private session here, which drops a cache that no page holds`,
      );
    const first = await page.run(score, model.url);
    await model.close();
    await page.goto(site.url);
    assert.equal(await page.run(score, model.url), first);
  });

  test("with `cache: false` no copy is made", async (t) => {
    const model = await serveModel(t);
    const page = await open(t, site.url);
    await page.run(score, model.url, { cache: false });
    assert.deepEqual(await page.run(keptFiles), []);
  });

  test("a loaded classifier works with the server gone", async (t) => {
    const own = await startEngineSite();
    t.after(own.close);
    const page = await open(t, own.url, UNREACHABLE);
    const texts = ["a text", "another one"];
    const first = await page.run(async (texts) => {
      globalThis.classifier = await tabsense.Classifier.load("/tiny/");
      return classifier.classify(texts, { topK: null });
    }, texts);
    await own.close();
    const again = await page.run((texts) => classifier.classify(texts, { topK: null }), texts);
    assert.deepEqual(again, first);
    await page.run(() => classifier.dispose());
  });

  for (const worker of [true, false]) {
    test(`Blobs, bytes, streams and responses are loaded alike, worker: ${worker}`, async (t) => {
      const page = await open(t, site.url);
      const scores = await page.run(
        async (names, worker) => {
          const scores = [];
          for (const part of [
            async (response) => new File([await response.blob()], "any"),
            async (response) => response.arrayBuffer(),
            async (response) => response.body,
            async (response) => response,
          ]) {
            const files = {};
            for (const name of names) files[name] = await part(await fetch(`/tiny/${name}`));
            const classifier = await tabsense.Classifier.load(files, { worker });
            scores.push((await classifier.classify("a text"))[0].score);
            await classifier.dispose();
          }
          const classifier = await tabsense.Classifier.load("/tiny/");
          return [...scores, (await classifier.classify("a text"))[0].score];
        },
        FILES,
        worker,
      );
      assert.deepEqual(new Set(scores).size, 1, `${scores}`);
    });
  }

  test("a stream that fails or is aborted ends the load", async (t) => {
    const page = await open(t, site.url);
    const seen = await page.run(async (names) => {
      const files = {};
      for (const name of names) files[name] = await (await fetch(`/tiny/${name}`)).blob();
      const bytes = new Uint8Array(await files["model.safetensors"].slice(0, 1000).arrayBuffer());
      const load = (stream, options) =>
        failed(tabsense.Classifier.load({ ...files, "model.safetensors": stream }, options));
      const broken = await load(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(bytes.slice());
            controller.error(new Error("the reader's own"));
          },
        }),
      );
      const cancellations = [];
      for (const worker of [true, false])
        for (const atOnce of [true, false]) {
          let cancelled = false;
          const controller = new AbortController();
          const endless = new ReadableStream({
            start: (stream) => stream.enqueue(bytes.slice()),
            pull: () => new Promise(() => {}),
            cancel: () => void (cancelled = true),
          });
          const onProgress = ({ stage, bytes }) => stage === "weights" && bytes > 0 && controller.abort();
          // A stream that can't move to a worker is read before there is any progress.
          if (worker || atOnce) setTimeout(() => controller.abort(), atOnce ? 0 : 300);
          const { name } = await load(endless, { signal: controller.signal, worker, onProgress });
          for (let i = 0; i < 100 && !cancelled; i++) await new Promise((resolve) => setTimeout(resolve, 20));
          cancellations.push(
            cancelled ? name : `${name}, worker: ${worker}, at once: ${atOnce}: not cancelled`,
          );
        }
      return { broken: broken.kind, cancellations };
    }, FILES);
    assert.deepEqual(seen, { broken: "network", cancellations: Array(4).fill("AbortError") });
  });
});
