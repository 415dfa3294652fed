// A graphics card that goes away: crashed, lost, and lost again, while the model loads, between calls and
// during them. Every call is answered.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, startBrowser, startSite } from "./support.mjs";
import { assertNothingHeld, assertSame, cpuScores, heldModel, openPage, TEXTS, watch } from "./webgpu.mjs";

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser({ webgpu: true });
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Starts a separate browser for a test that crashes its graphics process; returns a page and `crash`. */
async function fragile(t) {
  const own = await startBrowser({ webgpu: true });
  t.after(() => own.close());
  const session = await own.newBrowserCDPSession();
  return { page: await openPage(t, site, own), crash: () => session.send("Browser.crashGpuProcess") };
}

test("a graphics process that crashes between two calls, and again after them", async (t) => {
  const { page, crash } = await fragile(t);
  const expected = await cpuScores(page);
  await page.evaluate(
    async () => void (globalThis.classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu" })),
  );
  const ask = () =>
    page.evaluate(
      async (texts) => [await classifier.classify(texts, { topK: null }), classifier.info],
      TEXTS,
    );
  const seen = [];
  for (let losses = 0; losses <= 2; losses++) {
    if (losses > 0) await crash();
    const [scores, info] = await ask();
    assertSame(scores, expected);
    seen.push([info.device, info.webgpu.reason]);
  }
  assert.deepEqual(seen.slice(0, 2), [
    ["webgpu", undefined],
    ["webgpu", undefined],
  ]);
  assert.equal(seen[2][0], "cpu");
  assert.match(seen[2][1], /lost/);
  await page.evaluate(() => classifier.dispose());
});

test("a graphics process that crashes under a call", async (t) => {
  const { page, crash } = await fragile(t);
  const texts = Array.from(
    { length: 4 },
    (_, i) => `${TEXTS[i % 2]} ${"And so it goes on. ".repeat(20)}${i}`,
  );
  const expected = await page.evaluate(async (texts) => {
    const cpu = await tabsense.Classifier.load("sentiment-en", { device: "cpu", dtype: "fp32" });
    const scores = await cpu.classify(texts);
    await cpu.dispose();
    globalThis.classifier = await tabsense.Classifier.load("sentiment-en", {
      device: "webgpu",
      dtype: "fp32",
    });
    return scores;
  }, texts);
  await page.evaluate(
    (texts) =>
      void (globalThis.call = classifier
        .classify(texts, { details: true })
        .then((results) => (globalThis.done = results))),
    texts,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(
    await page.evaluate(() => globalThis.done ?? null),
    null,
    "the call was over before the crash",
  );
  await crash();
  const results = await page.evaluate(() => call);
  assert.deepEqual(
    results.map(({ scores: [{ label }] }) => label),
    expected.map(([{ label }]) => label),
  );
  t.diagnostic(`after the crash: ${await page.evaluate(() => JSON.stringify(classifier.info.webgpu))}`);
});

for (const worker of [true, false]) {
  test(`a graphics process that crashes while the model loads, worker: ${worker}`, async (t) => {
    const { page, crash } = await fragile(t);
    const { url, release } = await heldModel(t);
    const expected = await cpuScores(page);
    for (const device of ["webgpu", "cpu"]) {
      await page.evaluate(
        ([url, worker]) => {
          globalThis.reading = false;
          const onProgress = ({ stage }) => void (globalThis.reading ||= stage === "weights");
          globalThis.loading = tabsense.Classifier.load(url, {
            device: "webgpu",
            worker,
            cache: false, // each load is to wait for the server
            onProgress,
          });
        },
        [url, worker],
      );
      await page.waitForFunction(() => reading); // the weights are read once the device is ready
      await release(crash);
      await release();
      const [scores, info] = await page.evaluate(async (texts) => {
        const classifier = await loading;
        const scores = await classifier.classify(texts, { topK: null });
        await classifier.dispose();
        return [scores, classifier.info];
      }, TEXTS);
      assertSame(scores, expected);
      // After the second crash, Chromium provides no adapter.
      assert.equal(info.device, device);
      if (device === "cpu") assert.match(info.webgpu.reason, /lost/);
    }
  });
}

test("auto with a card that is faster: it is used, and the CPU answers where the device is lost", async (t) => {
  const page = await openPage(t, site, browser);
  await watch(page);
  const expected = await cpuScores(page);
  const seen = await page.evaluate(async (texts) => {
    const { Gpu } = watched.module;
    const { request } = Gpu;
    Gpu.request = () => request.call(Gpu, true); // software passes for a card …
    let turn = 0;
    const turns = setInterval(() => turn++);
    let now = 0;
    let then = 0;
    const { performance } = globalThis;
    performance.now = () => {
      now += then === turn ? 10 : 1; // … and by this clock, async work is faster than sync work
      then = turn;
      return now;
    };
    const classifier = await tabsense.Classifier.load("/tiny/", { worker: false });
    delete performance.now;
    clearInterval(turns);
    const seen = [];
    for (const lose of [false, true, true]) {
      if (lose) watched.engines.at(-1).loseDevice();
      seen.push({
        results: await classifier.classify(texts, { topK: null, details: true }),
        info: classifier.info,
      });
    }
    await classifier.dispose();
    return seen;
  }, TEXTS);
  for (const { results } of seen)
    assertSame(
      results.map(({ scores }) => scores),
      expected,
    );
  const [
    {
      results,
      info: { device, webgpu },
    },
    ...lost
  ] = seen;
  t.diagnostic(JSON.stringify(webgpu));
  assert.deepEqual(
    [device, webgpu.fromTokens, ...results.map(({ device }) => device)],
    ["auto", 1, "webgpu", "webgpu"],
  );
  assert.ok(
    webgpu.calibration.length >= 2 &&
      webgpu.calibration.every(({ tokens, cpu, webgpu }) => tokens > 0 && cpu > webgpu),
  );
  for (const { results, info } of lost) {
    assert.deepEqual(
      results.map(({ device }) => device),
      ["cpu", "cpu"],
    );
    assert.equal(info.device, "cpu");
    assert.match(info.webgpu.reason, /lost/);
  }
  await assertNothingHeld(page);
});

test("a device lost in flight, twice in a row, and while the model is loaded again", async (t) => {
  const page = await openPage(t, site, browser);
  await watch(page);
  const expected = await cpuScores(page);
  const { url, release } = await heldModel(t);
  await page.evaluate(
    async (url) =>
      void (globalThis.loading = tabsense.Classifier.load(url, {
        device: "webgpu",
        worker: false,
        cache: false, // each load is to wait for the server
      })),
    url,
  );
  await release();
  await page.evaluate(async (texts) => {
    globalThis.classifier = await loading;
    globalThis.call = classifier.classify(texts, { topK: null, details: true });
    await new Promise((resolve) => setTimeout(resolve, 0));
    watched.engines.at(-1).loseDevice();
  }, TEXTS);
  await release(() => page.evaluate(() => watched.devices)); // the model loads again for the second device …
  await page.waitForFunction(() => watched.engines.length === 2);
  const results = await page.evaluate(async () => call);
  assertSame(
    results.map(({ scores }) => scores),
    expected,
  );
  const again = page.evaluate(async (texts) => {
    const call = classifier.classify(texts, { topK: null, details: true });
    watched.engines.at(-1).loseDevice();
    return call;
  }, TEXTS);
  await release(); // … and for the CPU
  const last = await again;
  assertSame(
    last.map(({ scores }) => scores),
    expected,
  );
  assert.deepEqual(
    last.map(({ device }) => device),
    ["cpu", "cpu"],
  );
  const info = await page.evaluate(() => classifier.info);
  assert.equal(info.device, "cpu");
  assert.match(info.webgpu.reason, /twice within a minute/);
  await page.evaluate(() => classifier.dispose());
  await assertNothingHeld(page);
});

test("a model that is lost without a connection comes back from the browser's cache", async (t) => {
  const page = await openPage(t, site, browser);
  await watch(page);
  const expected = await cpuScores(page);
  const server = createServer((request, response) => {
    const path = join(ROOT, "test_data/models/tiny-f32", request.url.split("/").at(-1));
    const there = existsSync(path);
    response.writeHead(there ? 200 : 404, {
      "access-control-allow-origin": "*",
      "cache-control": "no-cache",
      "last-modified": new Date(0).toUTCString(),
    });
    response.end(there ? readFileSync(path) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = () => (server.close(), server.closeAllConnections());
  t.after(end);
  await page.evaluate(
    async (url) =>
      void (globalThis.classifier = await tabsense.Classifier.load(url, { device: "webgpu", worker: false })),
    `http://127.0.0.1:${server.address().port}/`,
  );
  end();
  const [scores, info] = await page.evaluate(async (texts) => {
    watched.engines.at(-1).loseDevice();
    const scores = await classifier.classify(texts, { topK: null });
    return [scores, classifier.info];
  }, TEXTS);
  assertSame(scores, expected);
  assert.equal(info.device, "webgpu");
});
