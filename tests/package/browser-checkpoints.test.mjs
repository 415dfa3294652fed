// PyTorch checkpoints in headless Chromium: the module that reads them is fetched only for them, and once.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, startBrowser, startSite } from "./support.mjs";

const read = (...path) => readFileSync(join(ROOT, "test_data", ...path));
const model = (name) => read("models/tiny-bf16", name);
const SMALL = Object.fromEntries(["config.json", "tokenizer.json"].map((name) => [name, model(name)]));
const PARTS = ["pytorch_model.bin.index.json", ...[1, 2].map((i) => `pytorch_model-0000${i}-of-00002.bin`)];
const FILES = {
  "safetensors/": { ...SMALL, "model.safetensors": model("model.safetensors") },
  "torch/": { ...SMALL, "pytorch_model.bin": read("torch/plain.bin") },
  "parts/": { ...SMALL, ...Object.fromEntries(PARTS.map((name) => [name, read("torch", name)])) },
};

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Serves the models from another origin, with ETags so that they can be cached. */
async function serveModels(t) {
  const state = { down: false };
  const server = createServer((request, response) => {
    if (state.down) return response.destroy();
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-expose-headers", "etag");
    const [, folder, name] = /^\/(\w+\/)(.*)$/.exec(request.url) ?? [];
    const bytes = FILES[folder]?.[name];
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, { "content-length": bytes.length, etag: '"one"' }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return Object.assign(state, { url: `http://localhost:${server.address().port}/` });
}

/** Opens a page with the package; `fetched` lists the folders of the .wasm files that it fetched. */
async function open(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const fetched = [];
  context.on("request", (request) => {
    const [, name] = /\/wasm\/([\w-]+)\/tabsense_bg\.wasm$/.exec(request.url()) ?? [];
    if (name) fetched.push(name);
  });
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  /** The answer of the model at `url`, and the bytes in the last event of each weights file; or the error. */
  const load = (url, options = {}) =>
    page.evaluate(
      async ([url, options]) => {
        const weights = {};
        const onProgress = ({ stage, file, bytes }) => stage === "weights" && (weights[file] = bytes);
        try {
          const classifier = await tabsense.Classifier.load(url, { device: "cpu", ...options, onProgress });
          const scores = await classifier.classify("a small test", { topK: null });
          await classifier.dispose();
          return { scores: scores.map(({ label, score }) => `${label} ${score.toFixed(5)}`), weights };
        } catch ({ kind, message }) {
          return { kind, message };
        }
      },
      [url, options],
    );
  return { context, page, fetched, load };
}

for (const worker of [true, false]) {
  test(`the module that reads checkpoints is fetched only for checkpoints, worker: ${worker}`, async (t) => {
    const [{ url }, { fetched, load }] = await Promise.all([serveModels(t), open(t)]);
    const truth = await load(`${url}safetensors/`, { worker });
    assert.ok(truth.scores?.length > 1, truth.message);
    assert.equal(fetched.length, 1, fetched.join(" "));
    const whole = await load(`${url}torch/`, { worker });
    assert.deepEqual(whole.scores, truth.scores, whole.message);
    assert.equal(whole.weights["pytorch_model.bin"], FILES["torch/"]["pytorch_model.bin"].length);
    const rewriters = () => fetched.filter((name) => name === "rewriter").length;
    assert.equal(rewriters(), 1, fetched.join(" "));
    const parts = await load(`${url}parts/`, { worker });
    assert.deepEqual(parts.scores, truth.scores, parts.message);
    assert.equal(
      Object.values(parts.weights)[0],
      PARTS.slice(1).reduce((sum, name) => sum + FILES["parts/"][name].length, 0),
    );
    assert.ok(
      fetched.every((name) => name === "rewriter" || name === fetched[0]),
      fetched.join(" "),
    );
  });
}

test("says that the module is missing, and keeps the copies of the weights", async (t) => {
  const [models, { context, page, load }] = await Promise.all([serveModels(t), open(t)]);
  const url = `${models.url}torch/`;
  const { scores } = await load(url);
  assert.ok(scores);
  await page.waitForFunction(async () => (await tabsense.listCachedFiles()).length >= 3);
  models.down = true;
  await context.route("**/wasm/rewriter/*.wasm", (route) => route.fulfill({ status: 404 }));
  const { kind, message } = await load(url);
  assert.deepEqual(
    [kind, /wasm\/rewriter.*npx tabsense convert/.test(message)],
    ["environment", true],
    message,
  );
  await context.unroute("**/wasm/rewriter/*.wasm");
  assert.deepEqual((await load(url)).scores, scores);
});
