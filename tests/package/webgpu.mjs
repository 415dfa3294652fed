// Helpers for the package's WebGPU tests: watching a page, a server that stops on demand, and comparisons
// with the CPU.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { ROOT } from "./support.mjs";

/** A software adapter takes seconds to compile the pipelines of each device, and more on a busy machine. */
export const TIMEOUT_MS = 180_000;

/** Texts for tests in which any text will do. */
export const TEXTS = ["A delight from start to finish.", "I want those two hours of my life back."];

/** Opens a page for one test, which fails if the page throws or logs an error other than a failed request. */
export async function openPage(t, site, browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on(
    "console",
    (message) =>
      message.type() === "error" &&
      !message.text().startsWith("Failed to load resource") &&
      faults.push(message.text()),
  );
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return page;
}

/** Watches the module of a `worker: false` page: its devices, its engines, its ledger of buffers. */
export async function watch(page) {
  await page.evaluate(async () => {
    const { requestDevice } = GPUAdapter.prototype;
    const module = await import(
      `/node_modules/tabsense/dist/wasm/${(await import("/node_modules/tabsense/dist/builds.js")).fastestBuild()}/tabsense.js`
    );
    const { finish } = module.Loader.prototype;
    const watched = (globalThis.watched = {
      module,
      engines: [],
      devices: 0,
      lost: 0,
      ledger: () => module.gpuBuffers(),
    });
    GPUAdapter.prototype.requestDevice = async function (...args) {
      const device = await requestDevice.apply(this, args);
      watched.devices++;
      void device.lost.then(() => watched.lost++);
      return device;
    };
    module.Loader.prototype.finish = async function () {
      const engine = await finish.call(this);
      watched.engines.push(engine);
      return engine;
    };
  });
}

/** Asserts that all buffers and devices of the graphics card are freed. */
export async function assertNothingHeld(page) {
  await page.waitForFunction(() => watched.lost === watched.devices);
  assert.deepEqual(await page.evaluate(() => watched.ledger()), { buffers: 0, bytes: 0 });
}

/**
 * The tiny model on a server that stops in the middle of its weights, at each request until it is released.
 */
export async function heldModel(t) {
  const folder = join(ROOT, "test_data/models/tiny-f32");
  const waiting = [];
  const server = createServer((request, response) => {
    const name = request.url.split("/").at(-1);
    const there = existsSync(join(folder, name));
    const bytes = there ? readFileSync(join(folder, name)) : Buffer.alloc(0);
    response.writeHead(there ? 200 : 404, {
      "access-control-allow-origin": "*",
      "content-length": bytes.length,
      "cache-control": "no-store",
    });
    if (name !== "model.safetensors") return response.end(bytes);
    response.write(bytes.subarray(0, bytes.length >> 1), () =>
      waiting.push(() => response.end(bytes.subarray(bytes.length >> 1))),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.close(), server.closeAllConnections()));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Waits until a download has stopped in the middle, then lets it continue. */
    async release(before = async () => {}) {
      for (const start = Date.now(); waiting.length === 0; ) {
        if (Date.now() - start > TIMEOUT_MS) throw new Error("nobody asked for the weights");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await before();
      waiting.shift()();
    },
  };
}

/** The tiny model's scores of the texts on the CPU. */
export function cpuScores(page, texts = TEXTS) {
  return page.evaluate(async (texts) => {
    const classifier = await tabsense.Classifier.load("/tiny/", { device: "cpu" });
    const scores = await classifier.classify(texts, { topK: null });
    await classifier.dispose();
    return scores;
  }, texts);
}

/** Asserts the same labels in the same order, and the same scores except for rounding. */
export function assertSame(actual, expected) {
  assert.deepEqual(
    actual.map((scores) => scores.map(({ label }) => label)),
    expected.map((scores) => scores.map(({ label }) => label)),
  );
  for (const [i, scores] of actual.entries()) {
    for (const [j, { score }] of scores.entries())
      assert.ok(Math.abs(score - expected[i][j].score) < 1e-4, `${score} for ${expected[i][j].score}`);
  }
}
