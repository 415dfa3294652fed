// Threads in headless Chromium: used if the page is cross-origin isolated, otherwise one thread; either way,
// one .wasm file is fetched.

import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser, startSite } from "./support.mjs";

let isolated, plain, browser;

before(async () => {
  [isolated, plain] = [await startSite({ isolated: true }), await startSite()];
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await isolated?.close();
  await plain?.close();
});

/** Opens a page of `site`; also returns all paths that it and its workers request. */
async function open(t, site) {
  const context = await browser.newContext();
  const requests = [];
  const faults = [];
  context.on("request", (request) => requests.push(new URL(request.url()).pathname));
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return { page, requests, fetched: (end) => requests.filter((path) => path.endsWith(end)) };
}

/** Loads the tiny model in the page with `options`, classifies once, and disposes of it. */
function ask(page, options) {
  return page.evaluate(async (options) => {
    const classifier = await tabsense.Classifier.load("/tiny/", options);
    const scores = await classifier.classify("A delight from start to finish. ".repeat(20), { topK: null });
    const { build, threads } = classifier.info;
    await classifier.dispose();
    return { build, threads, scores };
  }, options);
}

async function noWorkers(page) {
  for (let i = 0; page.workers().length > 0; i++) {
    if (i === 100) throw new Error(`${page.workers().length} workers are left`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("an isolated page computes on threads, with the same answer", async (t) => {
  const { page, fetched } = await open(t, isolated);
  const processors = await page.evaluate(() => navigator.hardwareConcurrency);
  const byDefault = await ask(page, {});
  assert.equal(byDefault.threads, Math.min(4, processors));
  const [path, ...more] = fetched(".wasm");
  assert.deepEqual(more, [], "one file is fetched");
  assert.ok(path.endsWith(`/wasm/${byDefault.build}/tabsense_bg.wasm`), path);
  const three = await ask(page, { threads: 3 });
  assert.deepEqual([three.build, three.threads], ["relaxed-threads", 3]);
  const alone = await ask(page, { threads: 1 });
  assert.deepEqual([alone.build, alone.threads], ["relaxed", 1]);
  for (const { scores } of [byDefault, three]) assert.deepEqual(scores, alone.scores);
  const inPlace = await ask(page, { worker: false, threads: 3 });
  assert.deepEqual(inPlace, alone);
  await noWorkers(page);
});

test("a page that is not isolated computes on one thread, and info says so", async (t) => {
  const { page, fetched } = await open(t, plain);
  const { build, threads } = await ask(page, { threads: 2 });
  assert.deepEqual([build, threads], ["relaxed", 1]);
  assert.equal(fetched(".wasm").length, 1);
  assert.deepEqual(fetched("/thread.js"), []);
});

test("an isolated page whose helpers don't start computes on one thread", async (t) => {
  const { page } = await open(t, isolated);
  const script = join(isolated.project, "node_modules/tabsense/dist/thread.js");
  renameSync(script, `${script}.away`);
  t.after(() => renameSync(`${script}.away`, script));
  const { build, threads } = await ask(page, { threads: 2 });
  assert.deepEqual([build, threads], ["relaxed-threads", 1]);
});

test("loading and disposing twenty times leaks no workers and no memory", async (t) => {
  const { page } = await open(t, isolated);
  for (let i = 0; i < 20; i++) assert.equal((await ask(page, { threads: 2 })).threads, 2);
  await noWorkers(page);
});

test("many classifiers with threads at once", async (t) => {
  const { page } = await open(t, isolated);
  const all = await Promise.all(Array.from({ length: 6 }, () => ask(page, { threads: 2 })));
  for (const one of all) assert.deepEqual(one, all[0]);
  assert.equal(all[0].threads, 2);
});
