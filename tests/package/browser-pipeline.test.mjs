// `pipeline` of the installed package in a plain page, in headless Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startSite } from "./support.mjs";

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

test("a page that was written for transformers.js", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const seen = await page.evaluate(async () => {
    const { pipeline } = tabsense;
    const events = [];
    const classify = await pipeline("sentiment-analysis", "sentiment-en", {
      device: "wasm",
      dtype: "q8",
      progress_callback: (event) => events.push(event),
    });
    const texts = ["A delight from start to finish.", "A waste of two hours."];
    const answers = {
      one: await classify(texts[0]),
      many: await classify(texts),
      two: await classify(texts, { top_k: 2 }),
      all: await classify(texts[1], { top_k: null }),
    };
    const { device } = classify.classifier.info;
    await classify.dispose();
    const after = await failed(classify(texts[0]));
    return {
      events,
      answers,
      device,
      after: after.kind,
      wrong: await failed(
        pipeline("sentiment-analysis", "sentiment-en", { session_options: { executionProviders: ["wasm"] } }),
      ),
      local: await failed(pipeline("text-classification", "org/name", { local_files_only: true })),
    };
  });

  const { one, many, two, all } = seen.answers;
  const labels = (scores) => scores.map(({ label, score }) => (assert.ok(score >= 0 && score <= 1), label));
  assert.deepEqual(labels(one), ["POSITIVE"]);
  assert.deepEqual(labels(many), ["POSITIVE", "NEGATIVE"]);
  assert.deepEqual(two.map(labels), [
    ["POSITIVE", "NEUTRAL"],
    ["NEGATIVE", "NEUTRAL"],
  ]);
  assert.deepEqual(labels(all), ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
  assert.deepEqual(Object.keys(one[0]), ["label", "score"]);
  assert.equal(seen.device, "cpu");
  assert.equal(seen.after, "disposed");
  assert.match(seen.wrong.message, /session_options/);
  assert.match(
    seen.local.message,
    /\/models\/org\/name\/\S+ answered 404/,
    "a hub's name below models/ beside the page",
  );

  const statuses = (file) =>
    seen.events
      .filter((event) => event.file === file)
      .map(({ status }) => status)
      .join(" ");
  for (const file of ["config.json", "tokenizer.json", "model.safetensors"])
    assert.match(statuses(file), /^initiate download( progress)+ done$/, file);
  assert.equal(seen.events.filter(({ status }) => status === "progress_total").at(-1).progress, 100);
  assert.deepEqual(seen.events.at(-1), {
    status: "ready",
    task: "text-classification",
    model: "sentiment-en",
  });
  assert.deepEqual(faults, []);
});

test("env in a page: caching, and local models only", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const paths = [];
  context.on("request", (request) => paths.push(new URL(request.url()).pathname));
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const seen = await page.evaluate(async () => {
    const { env, listCachedFiles, pipeline } = tabsense;
    const load = async (model) => (await pipeline("text-classification", model)).dispose();
    const before = { ...env, fetch: typeof env.fetch, backends: null };
    env.allowLocalModels = true;
    env.allowRemoteModels = false;
    env.localModelPath = "/";
    env.useBrowserCache = false;
    await load("tiny");
    const without = (await listCachedFiles()).length;
    env.useBrowserCache = true;
    await load("tiny");
    const { length } = await listCachedFiles();
    return { before, without, kept: length, absent: await failed(load("org/name")) };
  });
  assert.equal(seen.before.allowLocalModels, false);
  assert.equal(seen.before.localModelPath, "/models/");
  assert.equal(seen.without, 0);
  assert.ok(seen.kept >= 3, `${seen.kept} files`);
  assert.match(seen.absent.message, /\/org\/name\/\S+ answered 404/);
  assert.ok(paths.includes("/tiny/config.json"));
});
