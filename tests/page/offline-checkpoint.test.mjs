// Modules that few visitors need, without a network: the modules that read PyTorch checkpoints and that teach
// are stored at their first use.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { open, ROOT, scratch, site, TINY } from "./harness.mjs";

/** How many .wasm files the page's service worker has stored. */
const stored = (page) =>
  page.evaluate(async () => {
    const requests = await Promise.all(
      (await caches.keys())
        .filter((name) => name.startsWith("tabsense-page-"))
        .map(async (name) => (await caches.open(name)).keys()),
    );
    return requests.flat().filter(({ url }) => url.endsWith(".wasm")).length;
  });

/** Waits until the files of the loaded model are cached, which happens after the first answer. */
const kept = async (page) => {
  const notes = () =>
    page.evaluate(async () => {
      const requests = await (await caches.open("tabsense-models")).keys();
      return requests.filter(({ url }) => url.includes("/notes/")).length;
    });
  while ((await notes()) === 0) await page.waitForTimeout(50);
};

test("after one checkpoint, others can be read without a server", async (t) => {
  const folder = scratch(t);
  const model = join(ROOT, "test_data/models/tiny-bf16");
  const files = ["config.json", "tokenizer.json", "pytorch_model.bin"].map((name) => join(folder, name));
  copyFileSync(join(model, "config.json"), files[0]);
  copyFileSync(join(model, "tokenizer.json"), files[1]);
  copyFileSync(join(ROOT, "test_data/torch/plain.bin"), files[2]);
  const server = await site(t);
  const { context, page, part, status, verdict } = await open(t, server.url, { offline: true });
  await page.waitForSelector('[data-testid="offline"][data-state="ready"]');
  assert.equal(await stored(page), 1, "few visitors need it");
  const read = async () => {
    await status("ready");
    await part("files").setInputFiles(files);
    await page.waitForFunction(
      () => document.querySelector('[data-testid="model-name"]').textContent === "files",
    );
    await status("ready");
    return verdict("a small test");
  };
  const online = await read();
  while ((await stored(page)) !== 2) await page.waitForTimeout(50);
  await context.setOffline(true);
  await server.close();
  await page.reload();
  assert.deepEqual(await read(), online);
});

test("after one training, teaching works without a server", async (t) => {
  const server = await site(t, { "/models/minilm-en/": TINY });
  const { context, page, part } = await open(t, `${server.url}#teach`, { offline: true });
  await page.waitForSelector('[data-testid="offline"][data-state="ready"]');
  assert.equal(await stored(page), 1);
  const learn = async () => {
    await part("teach-gate-load").click();
    await page.waitForSelector('[data-testid="teach-status"][data-state="ready"]');
    return part("teach-bars").locator(".share").allTextContents();
  };
  const online = await learn();
  while ((await stored(page)) !== 2) await page.waitForTimeout(50);
  await kept(page);
  await context.setOffline(true);
  await server.close();
  await page.reload();
  assert.deepEqual(await learn(), online);
});
