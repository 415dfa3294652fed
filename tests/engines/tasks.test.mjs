// The other tasks of the installed package in three engines: tagging, vectors, teaching, zero-shot.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setUpModel } from "../../scripts/models.mjs";
import { ROOT } from "../package/support.mjs";
import { inEachEngine } from "./harness.mjs";
import { startEngineSite } from "./site.mjs";

/** How many sentences are tagged: all 200 take a minute and reveal no more about an engine. */
const SENTENCES = 40;

const EXAMPLES = {
  delighted: ["what a wonderful day", "I love it", "this made me so happy"],
  furious: ["how dare they", "I hate this", "this is an outrage"],
};

let site;

before(async () => {
  await setUpModel("pii-en");
  site = await startEngineSite();
});

after(() => site?.close());

inEachEngine(({ open }) => {
  test("a tagger finds onnxruntime's entities, masks them and puts them back", async (t) => {
    const page = await open(t, site.url);
    const { cases } = JSON.parse(readFileSync(join(ROOT, "test_data/pii/entities.json"), "utf8"));
    const some = cases.slice(0, SENTENCES);
    const seen = await page.run(
      async (texts) => {
        const tagger = await tabsense.Tagger.load("/models/pii-en/", { device: "cpu" });
        const found = await tagger.tag(texts);
        const { text, restore } = await tagger.redact("My name is Ana Ruiz, ana@example.com", {
          patterns: true,
        });
        await tagger.dispose();
        return { found, text, restored: restore("Dear [GIVEN_NAME_1]") };
      },
      some.map(({ text }) => text),
    );
    assert.deepEqual(
      seen.found.map((list) => list.map(({ label, start, end }) => [label, start, end])),
      some.map(({ first }) => first.map(([label, start, end]) => [label, start, end])),
    );
    assert.equal(seen.text, "My name is [GIVEN_NAME_1] [SURNAME_1], [EMAIL_1]");
    assert.equal(seen.restored, "Dear Ana");
  });

  test("an embedder makes vectors, teaches labels, and scores those that a call names", async (t) => {
    const page = await open(t, site.url);
    const seen = await page.run(async (examples) => {
      const { Embedder, TaughtClassifier, ZeroShot } = tabsense;
      const embedder = await Embedder.load("/models/sentiment-en/", { device: "cpu" });
      const [a, b, far] = await embedder.embed(["I love it", "it is wonderful", "the train is late"]);
      const mine = await embedder.teach(examples);
      const texts = ["a marvellous evening", "terrible service"];
      const answers = await mine.classify(texts, { topK: null });
      const again = await TaughtClassifier.from(JSON.stringify(mine), embedder);
      const refused = await failed(embedder.teach({ a: ["x"] }));
      const zero = await ZeroShot.load(embedder);
      const [{ label }] = await zero.classify("what a lovely evening", ["wonderful", "dreadful"]);
      const seen = {
        width: a.length,
        nearer: embedder.similarity(a, b) > embedder.similarity(a, far),
        labels: answers.map(([{ label }]) => label),
        same: JSON.stringify(await again.classify(texts, { topK: null })) === JSON.stringify(answers),
        refused: refused.kind,
        zero: label,
      };
      await embedder.dispose();
      return seen;
    }, EXAMPLES);
    assert.deepEqual(seen, {
      width: 384,
      nearer: true,
      labels: ["delighted", "furious"],
      same: true,
      refused: "invalid_argument",
      zero: "wonderful",
    });
  });
});
