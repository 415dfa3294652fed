// Texts of every kind, valid and invalid; after an invalid one the classifier still works.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rejects, rounded, tiny } from "./support.mjs";

/** Texts without a character that a tokenizer keeps. */
const EMPTY = {
  empty: "",
  "white space": " \n\t\u3000\u00a0",
  "control characters": "\u0000\u0007\u200b",
  "a lone surrogate, which stands for no character": "\ud800",
};

const BAD = {
  "a number": [7, "invalid_argument", /not 7/],
  null: [null, "invalid_argument", /not null/],
  undefined: [undefined, "invalid_argument", /undefined/],
  "an object": [{}, "invalid_argument", /object/],
  "a String object": [new String("text"), "invalid_argument", /object/],
  "an array with a hole": [["a", , "b"], "invalid_argument", /texts\[1\]/],
  "an array with a number": [["a", "b", 3], "invalid_argument", /texts\[2\]/],
  "an array in an array": [[["a"]], "invalid_argument", /texts\[0\].*an array/],
};

for (const worker of [true, false]) {
  test(`rejects bad texts, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const before = await classifier.classify("a fine text", { topK: null });
    for (const [name, [text, kind, message]] of Object.entries(BAD)) {
      await t.test(name, async () => {
        await rejects(kind, classifier.classify(text), message);
        assert.deepEqual(await classifier.classify("a fine text", { topK: null }), before);
      });
    }
  });
}

for (const worker of [true, false]) {
  test(`empty texts have no labels, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    for (const [name, text] of Object.entries(EMPTY)) {
      assert.deepEqual(await classifier.classify(text), [], name);
      const { scores, tokens, truncated } = await classifier.classify(text, { details: true });
      assert.deepEqual([scores, tokens, truncated], [[], [], false], name);
    }
    assert.deepEqual(await classifier.classify(Object.values(EMPTY)), [[], [], [], []]);
    const [first, none, last] = await classifier.classify(["good", "", "bad"], { topK: null });
    assert.deepEqual(none, []);
    assert.deepEqual(rounded(first), rounded(await classifier.classify("good", { topK: null })));
    assert.deepEqual(rounded(last), rounded(await classifier.classify("bad", { topK: null })));
  });
}

test("cuts a text of any length, and reports it", async (t) => {
  const classifier = await tiny(t);
  const [cut] = await classifier.classify("word ".repeat(1000));
  const [megabytes] = await classifier.classify("word ".repeat(1_000_000));
  assert.equal(megabytes.truncated, true);
  assert.deepEqual(megabytes, cut);
});

test("no texts", async (t) => {
  const classifier = await tiny(t);
  assert.deepEqual(await classifier.classify([]), []);
  assert.deepEqual(await classifier.classify([], { details: true }), []);
});

test("a thousand texts give what each gives alone", async (t) => {
  const classifier = await tiny(t);
  const texts = Array.from({ length: 1000 }, (_, i) => `text ${i} ${"and more of it ".repeat(i % 9)}`);
  const together = await classifier.classify(texts, { topK: null });
  assert.equal(together.length, 1000);
  for (const i of [0, 1, 15, 16, 17, 500, 998, 999]) {
    assert.deepEqual(
      rounded(together[i]),
      rounded(await classifier.classify(texts[i], { topK: null })),
      `text ${i}`,
    );
  }
});

test("the caller may change its array while it is classified", async (t) => {
  const classifier = await tiny(t);
  const texts = ["one", "two"];
  const answer = classifier.classify(texts);
  texts.length = 0;
  assert.equal((await answer).length, 2);
});

test("topK", async (t) => {
  const classifier = await tiny(t);
  const { labels } = classifier.info.model;
  const all = await classifier.classify("how many", { topK: null });
  assert.deepEqual(all.map(({ label }) => label).sort(), [...labels].sort());
  assert.ok(
    all.every(({ score }, i) => i === 0 || score <= all[i - 1].score),
    "best first",
  );
  assert.deepEqual(await classifier.classify("how many"), all.slice(0, 1));
  assert.deepEqual(await classifier.classify("how many", { topK: 2 }), all.slice(0, 2));
  assert.deepEqual(await classifier.classify("how many", { topK: 1000 }), all);
});

test("lone surrogates, emoji and text of all planes", async (t) => {
  const classifier = await tiny(t);
  for (const text of ["\ud800 b", "a \udc00 b", "😀👩‍👩‍👧 ok", "日本語", "\u0000 x", "𝒳 ".repeat(300)]) {
    assert.equal((await classifier.classify(text)).length, 1, JSON.stringify(text));
  }
});
