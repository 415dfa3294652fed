// Texts longer than the model reads, with a model that is made up: nothing of them is missed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readWhole } from "../../dist/tag/long-texts.js";

/**
 * Reads `room` tokens, which `pattern` tells apart. A row of scores is the token's distance from the window's
 * cuts, and the window's number.
 */
function reader(room, pattern = /\w+|[^\w\s]/gu) {
  const calls = [];
  const special = { text: "[CLS]", id: 0, start: 0, end: 0, special: true };
  const read = async (texts) => {
    calls.push(texts);
    return texts.map((text) => {
      const all = [...text.matchAll(pattern)].map(({ 0: text, index }) => {
        return { text, id: 1, start: index, end: index + text.length, special: false };
      });
      const tokens = [special, ...all.slice(0, room), special];
      const scores = new Float32Array(
        tokens.flatMap((_, i) => [Math.min(i, tokens.length - 1 - i), calls.length]),
      );
      return { text, tokens, scores, truncated: all.length > room };
    });
  };
  return { read, calls };
}

const words = (count) => Array.from({ length: count }, (_, i) => `w${i}${"xyz".slice(i % 4)}`).join(" ");

/** Each token once, in order, where it is in the text. */
function assertWhole({ text, tokens, scores }, pattern = /\w+|[^\w\s]/gu) {
  assert.deepEqual(
    tokens.map(({ text, start, end }) => [text, start, end]),
    [...text.matchAll(pattern)].map(({ 0: part, index }) => [part, index, index + part.length]),
  );
  assert.equal(scores.length, 2 * tokens.length);
}

for (const [room, count] of [
  [510, 1],
  [510, 510],
  [510, 511],
  [510, 5000],
  [30, 1000],
  [8, 100],
  [3, 20],
  [1, 5],
])
  test(`${count} words are labelled once each by a model that reads ${room}`, async () => {
    const text = words(count);
    const { read, calls } = reader(room);
    const [whole] = await readWhole([text], 2, read);
    assertWhole(whole);
    assert.ok(calls.length <= Math.ceil(count / Math.max(1, Math.floor(room / 2))), `${calls.length} calls`);
    // Inside the text every token is an eighth of a window from a cut, but for what cuts between words take.
    const least = Math.floor(room / 8) - Math.floor(room / 16);
    const inner = whole.tokens.length > room ? whole.tokens.slice(room, -room) : [];
    for (let i = room; i < room + inner.length; i++)
      assert.ok(whole.scores[2 * i] > least, `token ${i}: ${whole.scores[2 * i]} from a cut`);
  });

test("texts take their windows side by side, and a short one takes one alone", async () => {
  const { read, calls } = reader(30);
  const texts = [words(100), "short", "", words(40)];
  for (const whole of await readWhole(texts, 2, read)) assertWhole(whole);
  assert.deepEqual(
    calls.map((texts) => texts.length),
    [4, 2, 1, 1, 1],
  );
});

test("a text without spaces, of long words, of characters of two units, or of spaces is read to its end", async () => {
  for (const [text, pattern] of [
    ["中文".repeat(3000), /./gu],
    ["😀".repeat(3000), /./gu],
    [`${"x".repeat(9000)} end`, /\w{1,100}/gu],
    [`${" ".repeat(9000)}end`, /\w+/gu],
    [`start${" ".repeat(9000)}`, /\w+/gu],
    [words(30).replaceAll(" ", "\n"), /\s?\w+/gu],
  ]) {
    const { read } = reader(20, pattern);
    const [whole] = await readWhole([text], 2, read);
    const ends = whole.tokens.map(({ start, end }) => [start, end]);
    let at = 0;
    for (const [start, end] of ends) {
      assert.ok(start >= at, `${start} after ${at}`);
      assert.equal(text.slice(at, start).trim(), "", "nothing is left out");
      at = end;
    }
    assert.equal(text.slice(at).trim(), "");
  }
});

test("tokens that stand for the same character, and a model that reads none, end nevertheless", async () => {
  const token = (start, end) => ({ text: "x", id: 1, start, end, special: false });
  const stuck = async (texts) =>
    texts.map((text) => ({
      text,
      tokens: [0, 1, 2, 3, 4, 5, 6, 7].map(() => token(0, 1)),
      scores: new Float32Array(16),
      truncated: text.length > 1,
    }));
  assert.equal((await readWhole(["abc"], 2, stuck))[0].tokens.length, 24);
  const none = async (texts) =>
    texts.map((text) => ({ text, tokens: [], scores: new Float32Array(0), truncated: true }));
  assert.deepEqual((await readWhole(["abc"], 2, none))[0].tokens, []);
});
