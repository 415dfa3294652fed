// The newest call wins: earlier calls resolve to null at once, and break nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rejects, tiny, rejectsAborted } from "./support.mjs";

const LONG = Array.from({ length: 5000 }, (_, i) => `many words are in text ${i} of this call`);

for (const worker of [true, false]) {
  test(`a superseded call yields null, the newest its scores, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const expected = await classifier.classify("a text");
    const latest = classifier.latest();
    const order = [];
    const calls = ["a", "a t", "a te", "a tex", "a text"].map((text) =>
      latest(text).then((scores) => (order.push(text), scores)),
    );
    assert.deepEqual(await Promise.all(calls), [null, null, null, null, expected]);
    assert.equal(order.at(-1), "a text");
  });

  test(`a long call is aborted, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const latest = classifier.latest();
    let done = 0;
    const long = latest(LONG, { onProgress: (progress) => (done = progress.done) });
    while (done === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const short = latest("newer");
    assert.equal(await long, null);
    assert.equal((await short).length, 1);
    assert.ok(done < LONG.length, `all ${done} texts were computed`);
  });
}

test("calls that wait for each other are all answered", async (t) => {
  const latest = (await tiny(t)).latest();
  for (const text of ["one", "two", "three"]) assert.equal((await latest(text)).length, 1);
});

test("options are those of classify, and so are inputs", async (t) => {
  const classifier = await tiny(t);
  const latest = classifier.latest();
  assert.deepEqual(
    await latest(["one", "two"], { topK: null }),
    await classifier.classify(["one", "two"], { topK: null }),
  );
  const { tokens, scores } = await latest("one", { details: true });
  assert.ok(tokens.length >= 3);
  assert.equal(scores.length, 1);
});

test("the newest has no labels if it is empty, and one that was overtaken yields null", async (t) => {
  const latest = (await tiny(t)).latest();
  const [older, newest] = [latest(" "), latest("")];
  assert.equal(await older, null);
  assert.deepEqual(await newest, []);
  assert.equal((await latest("fine")).length, 1);
});

test("rejects if the newest call fails, not if a superseded one does", async (t) => {
  const latest = (await tiny(t)).latest();
  const onProgress = () => {
    throw new Error("mine");
  };
  const [older, newest] = [latest("one", { onProgress }), latest("two", { onProgress })];
  assert.equal(await older, null);
  await rejects("invalid_argument", newest, /mine/);
  assert.equal((await latest("fine")).length, 1);
});

test("an invalid call supersedes none", async (t) => {
  const latest = (await tiny(t)).latest();
  const first = latest("a text");
  await rejects("invalid_argument", latest("another", { topk: 1 }), /topk/);
  assert.equal((await first).length, 1);
});

test("its own signal rejects a call instead of yielding null", async (t) => {
  const latest = (await tiny(t)).latest();
  const controller = new AbortController();
  const call = latest(LONG, { signal: controller.signal });
  controller.abort();
  await rejectsAborted(call);
  await rejectsAborted(latest("never", { signal: controller.signal }));
  const overtaken = new AbortController();
  const [older, newer] = [latest(LONG, { signal: overtaken.signal }), latest("newer")];
  overtaken.abort();
  assert.equal(await older, null);
  assert.equal((await newer).length, 1);
});

test("each latest() is independent of others and of classify", async (t) => {
  const classifier = await tiny(t);
  const [left, right] = [classifier.latest(), classifier.latest()];
  const answers = await Promise.all([left("one"), right("two"), classifier.classify("three")]);
  assert.ok(answers.every((scores) => scores.length === 1));
});

test("after dispose the newest is refused", async (t) => {
  const classifier = await tiny(t);
  const latest = classifier.latest();
  const calls = [latest(LONG), rejects("disposed", latest("waits"))];
  await classifier.dispose();
  assert.equal((await Promise.all(calls))[0], null);
  await rejects("disposed", latest("after"));
});
