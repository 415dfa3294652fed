// Calls with many texts: the order of the results, and the progress events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rejects, rounded, tiny, rejectsAborted } from "./support.mjs";

/** Texts of 1 to 60 words, long and short ones mixed. */
const TEXTS = Array.from({ length: 120 }, (_, i) =>
  Array.from({ length: 1 + ((i * 37) % 60) }, (_, j) => `word${(i + j) % 7}`).join(" "),
);

for (const worker of [true, false]) {
  test(`each text gets its own answer, as alone, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const together = await classifier.classify(TEXTS, { topK: null });
    assert.equal(together.length, TEXTS.length);
    for (const [i, text] of TEXTS.entries()) {
      const alone = await classifier.classify(text, { topK: null });
      assert.deepEqual(rounded(together[i]), rounded(alone), `text ${i}`);
    }
  });

  test(`an empty text has no labels, and the others theirs, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const all = await classifier.classify(TEXTS, { topK: null });
    for (const place of [0, 40, 119]) {
      const answers = await classifier.classify(TEXTS.with(place, " "), { topK: null });
      assert.deepEqual(answers.map(rounded), all.with(place, []).map(rounded), `place ${place}`);
    }
  });

  test(`progress counts up to the end, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const events = [];
    await classifier.classify(TEXTS, { onProgress: (event) => events.push(event) });
    assert.ok(events.length > 5, `only ${events.length} events`);
    assert.ok(
      events.every(({ done, total }, i) => total === TEXTS.length && done > (events[i - 1]?.done ?? 0)),
    );
    assert.deepEqual(events.at(-1), { done: TEXTS.length, total: TEXTS.length });
    await classifier.classify("without");
    assert.equal(events.at(-1).total, TEXTS.length, "another call's progress came");
  });

  test(`a callback that throws ends its call, not the classifier, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    let calls = 0;
    const throwing = () => {
      calls++;
      throw new Error("mine");
    };
    await rejects("invalid_argument", classifier.classify(TEXTS, { onProgress: throwing }), /mine/);
    assert.equal((await classifier.classify(["a", "b"])).length, 2);
    assert.equal(calls, 1);
  });

  test(`no progress is reported after an abort in the callback, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const controller = new AbortController();
    let calls = 0;
    const call = classifier.classify(TEXTS, {
      signal: controller.signal,
      onProgress() {
        calls++;
        controller.abort();
      },
    });
    await rejectsAborted(call);
    assert.equal((await classifier.classify("on")).length, 1);
    assert.equal(calls, 1);
  });
}
