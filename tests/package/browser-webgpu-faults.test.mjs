// A graphics card that fails without being lost: no call returns an earlier text's scores, and nothing is
// left behind.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startSite } from "./support.mjs";
import { assertNothingHeld, assertSame, cpuScores, openPage, TEXTS, watch } from "./webgpu.mjs";

/** Longer than the text before it, so that it needs new buffers. */
const LONG = "I want those two hours of my life back. ".repeat(8);

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser({ webgpu: true });
});

after(async () => {
  await browser?.close();
  await site?.close();
});

test("never returns earlier scores if the device can't allocate a buffer", async (t) => {
  const page = await openPage(t, site, browser);
  await watch(page);
  const [short, long] = await cpuScores(page, [TEXTS[0], LONG]);
  const { before, refused, then } = await page.evaluate(
    async ([short, long]) => {
      const { createBuffer } = GPUDevice.prototype;
      let refuses = false;
      GPUDevice.prototype.createBuffer = function (descriptor) {
        // A size that no device supports gives an invalid buffer, as a lack of memory does.
        const refused = refuses && descriptor.usage & GPUBufferUsage.STORAGE;
        return createBuffer.call(this, refused ? { ...descriptor, size: 2 ** 50 } : descriptor);
      };
      const classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu", worker: false });
      const ask = (text) => classifier.classify(text, { topK: null });
      const before = await ask(short);
      refuses = true;
      const refused = await ask(long).then(
        (scores) => ({ scores }),
        ({ kind, message }) => ({ kind, message }),
      );
      refuses = false;
      const then = await ask(long).catch(({ kind, message }) => ({ kind, message }));
      await classifier.dispose();
      GPUDevice.prototype.createBuffer = createBuffer;
      return { before, refused, then };
    },
    [TEXTS[0], LONG],
  );
  t.diagnostic(JSON.stringify(refused));
  assertSame([before], [short]);
  if (refused.scores) assertSame([refused.scores], [long]);
  else assert.ok(["webgpu_unusable", "out_of_memory"].includes(refused.kind), JSON.stringify(refused));
  assertSame([then], [long]);
  await assertNothingHeld(page);
});

test("a call with details leaves no query set", async (t) => {
  const page = await openPage(t, site, browser);
  const { made, destroyed, timestamps } = await page.evaluate(async (texts) => {
    const seen = { made: 0, destroyed: 0 };
    const { createQuerySet } = GPUDevice.prototype;
    const { destroy } = GPUQuerySet.prototype;
    GPUDevice.prototype.createQuerySet = function (...args) {
      seen.made++;
      return createQuerySet.apply(this, args);
    };
    GPUQuerySet.prototype.destroy = function () {
      seen.destroyed++;
      return destroy.call(this);
    };
    const classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu", worker: false });
    for (const text of texts) await classifier.classify(text, { details: true });
    const { timestamps } = classifier.info.webgpu;
    await classifier.dispose();
    return { ...seen, timestamps };
  }, TEXTS);
  t.diagnostic(JSON.stringify({ made, destroyed, timestamps }));
  if (timestamps) assert.equal(made, TEXTS.length);
  assert.equal(destroyed, made);
});
