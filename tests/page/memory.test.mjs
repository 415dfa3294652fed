// Memory in the browser: flat over thousands of classifications, and little more than the model's size during
// the load.

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { readManifest } from "../../scripts/manifest.mjs";
import { times } from "../soak.mjs";
import { blank, open, quiet, ROOT, site } from "./harness.mjs";

const CALLS = times(2000, 10_000);
const SETTLED = 500; // texts, some in batches of the longest ones, after which the memory must not grow

test(`${CALLS} classifications leave the memory as it is`, async (t) => {
  const server = await site(t, { "/package/": join(ROOT, "dist"), "/blank/": blank(t) });
  const { page, problems } = await open(t, `${server.url}blank/`);
  const { settled, end, sizes, spread } = await page.evaluate(
    async ({ calls, settledAfter, base }) => {
      const { Classifier } = await import(`${base}package/index.js`);
      const classifier = await Classifier.load(`${base}fixtures/tiny-f32/`);
      const words = ["a", "fine", "day", "unbelievably", "grey", "😀", "naïve", "never", "again", "12,5"];
      let seed = 1;
      const random = (below) => (seed = (seed * 48_271) % 2_147_483_647) % below;
      const textOf = (length) => Array.from({ length }, () => words[random(words.length)]).join(" ");
      let memory = 0;
      let done = 0;
      const seen = new Set();
      let spread = 0;
      const first = await classifier.classify("the same text", { topK: null });
      while (done < calls) {
        // 700 words are more than the model's 512 tokens, and 8 such texts are more than one forward pass.
        const lengthOf = done < settledAfter && done % 50 === 0 ? () => 700 : () => 1 + random(80);
        const batch = Array.from({ length: done % 10 === 0 ? 8 : 1 }, () => textOf(lengthOf()));
        const results = await classifier.classify(batch, { details: true });
        for (const { tokens } of results) seen.add(tokens.length);
        done += batch.length;
        if (done >= settledAfter && memory === 0) memory = classifier.info.bytes.memory;
      }
      const last = await classifier.classify("the same text", { topK: null });
      first.forEach(({ score }, at) => (spread = Math.max(spread, Math.abs(score - last[at].score))));
      const end = classifier.info.bytes.memory;
      await classifier.dispose();
      return { settled: memory, end, sizes: seen.size, spread };
    },
    { calls: CALLS, settledAfter: SETTLED, base: server.url },
  );
  t.diagnostic(
    `wasm memory after ${SETTLED} calls ${settled} bytes, after ${CALLS} ${end} bytes; ${sizes} different lengths`,
  );
  assert.equal(end, settled);
  assert.equal(spread, 0, "the same text scores the same at both ends");
  assert.ok(sizes > 50);
  quiet(problems);
});

test("loading sentiment-en stays within its budget of memory", async (t) => {
  const budget = readManifest().budgets["peak-memory"];
  const server = await site(t, { "/package/": join(ROOT, "dist"), "/blank/": blank(t) });
  const { page, problems } = await open(t, `${server.url}blank/`);
  const memory = await page.evaluate(async (base) => {
    const { Classifier } = await import(`${base}package/index.js`);
    const classifier = await Classifier.load("sentiment-en", { models: `${base}models/` });
    const { bytes } = classifier.info;
    await classifier.dispose();
    return bytes.memory;
  }, server.url);
  t.diagnostic(`peak wasm memory while loading: ${memory} bytes (at most ${budget})`);
  assert.ok(memory <= budget, `${memory} bytes are more than ${budget}`);
  quiet(problems);
});

test("the page stays responsive while a model loads", async (t) => {
  const server = await site(t);
  const { page, status, problems } = await open(t, server.url);
  const frames = page.evaluate(async () => {
    let count = 0;
    const state = document.querySelector('[data-testid="status"]').dataset;
    while (state.state === "loading") {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      count += 1;
    }
    return count;
  });
  await status("ready");
  t.diagnostic(`frames drawn while loading: ${await frames}`);
  quiet(problems);
});
