// The tagger of the installed package in a plain page, in headless Chromium: its code is a separate bundle.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setUpModel } from "../../scripts/models.mjs";
import { openPage, ROOT, startBrowser, startSite } from "./support.mjs";

let site, browser;

before(async () => {
  await setUpModel("pii-en");
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

test("personal data is found, masked and restored in a page, with onnxruntime's entities", async (t) => {
  const { page, paths } = await openPage(t, browser, site);
  assert.ok(!paths.some((path) => path.endsWith("/tasks.js")), "only those who tag load what tags");
  const { cases } = JSON.parse(readFileSync(join(ROOT, "test_data/pii/entities.json"), "utf8"));
  const seen = await page.evaluate(
    async (texts) => {
      const { Tagger, TabsenseError } = tabsense;
      const tagger = await Tagger.load("/models/pii-en/", { device: "cpu" });
      const found = await tagger.tag(texts);
      const { text, restore } = await tagger.redact("My name is Ana Ruiz, ana@example.com", {
        patterns: true,
      });
      const { restore: lost } = await tagger.redact("Ana met Peter.", { replace: () => "[x]" });
      const thrown = (action) => {
        try {
          return action();
        } catch (error) {
          return [error instanceof TabsenseError, error.kind];
        }
      };
      const refused = await tagger.tag(1).catch((error) => error instanceof TabsenseError);
      await tagger.dispose();
      const after = (await failed(tagger.tag("a"))).kind;
      return {
        found,
        text,
        restored: restore("Dear [GIVEN_NAME_1]"),
        lost: thrown(() => lost("[x]")),
        refused,
        after,
      };
    },
    cases.map(({ text }) => text),
  );
  assert.deepEqual(
    seen.found.map((list) => list.map(({ label, start, end }) => [label, start, end])),
    cases.map(({ first }) => first.map(([label, start, end]) => [label, start, end])),
  );
  assert.equal(seen.text, "My name is [GIVEN_NAME_1] [SURNAME_1], [EMAIL_1]");
  assert.equal(seen.restored, "Dear Ana");
  assert.deepEqual(seen.lost, [true, "invalid_argument"]);
  assert.equal(seen.refused, true);
  assert.equal(seen.after, "disposed");
});

test('pipeline("ner") in a page, with what env says and isn\'t followed', async (t) => {
  const { page } = await openPage(t, browser, site);
  const seen = await page.evaluate(async () => {
    const { env, pipeline } = tabsense;
    env.backends.onnx.wasm.numThreads = 1;
    const ner = await pipeline("ner", "pii-en", { device: "wasm" });
    const entities = await ner("My name is Ana Ruiz", { aggregation_strategy: "simple" });
    const { warnings } = ner.tagger.info;
    await ner.dispose();
    return { entities, warnings };
  });
  assert.deepEqual(
    seen.entities.map(({ entity_group, word, start, end }) => [entity_group, word, start, end]),
    [
      ["GIVEN_NAME", "ana", 11, 14],
      ["SURNAME", "ruiz", 15, 19],
    ],
  );
  assert.match(seen.warnings.join(), /numThreads/);
});
