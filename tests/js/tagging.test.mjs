// The windows in which a tagger reads long texts, and how their results are merged.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tag, windowsOf } from "../../dist/worker/tagging.js";

test("a text that fits is one window, and one without tokens none", () => {
  assert.deepEqual(windowsOf(5, 8), [{ start: 0, end: 5, from: 0, to: 5 }]);
  assert.deepEqual(windowsOf(8, 8), [{ start: 0, end: 8, from: 0, to: 8 }]);
  assert.deepEqual(windowsOf(0, 8), []);
});

test("windows overlap by a quarter, and the last one reaches back", () => {
  assert.deepEqual(windowsOf(17, 8), [
    { start: 0, end: 8, from: 0, to: 7 },
    { start: 6, end: 14, from: 7, to: 12 },
    { start: 9, end: 17, from: 12, to: 17 },
  ]);
});

test("each token is answered once, by the window in which it lies farthest from an edge", () => {
  for (const size of [1, 2, 3, 4, 7, 30])
    for (let tokens = 1; tokens < 100; tokens++) {
      const windows = windowsOf(tokens, size);
      const edge = ({ start, end }, token) =>
        Math.min(start === 0 ? Infinity : token - start, end === tokens ? Infinity : end - 1 - token);
      const answered = windows.flatMap((window) => {
        assert.ok(window.end - window.start <= size);
        return Array.from({ length: window.to - window.from }, (_, i) => [window.from + i, window]);
      });
      assert.deepEqual(
        answered.map(([token]) => token),
        Array.from({ length: tokens }, (_, i) => i),
        `${tokens} tokens, windows of ${size}`,
      );
      for (const [token, window] of answered)
        for (const other of windows)
          if (other.start <= token && token < other.end)
            assert.ok(
              edge(window, token) >= edge(other, token),
              `token ${token} of ${tokens}, windows of ${size}`,
            );
    }
});

test("texts are computed in windows of their own, many at once, with pauses in between", async () => {
  const calls = [];
  let pauses = 0;
  const engine = {
    info: () => ({ maxTokens: 6, specialTokens: [1, 1], labels: ["O", "X"] }),
    tokenize: (text) => text.split(" ").map((word) => ({ text: word, id: Number(word) })),
    async rows(windows) {
      calls.push(windows.map(({ length }) => length));
      const row = (ids) => Float32Array.from([0, 0, ...[...ids].flatMap((id) => [id, -id]), 0, 0]);
      return windows.map(row);
    },
  };
  const texts = ["1 2 3", "4 5 6 7 8 9", "10"];
  const tagged = await tag(engine, texts, 7, async () => void pauses++);
  assert.deepEqual(calls, [
    [3, 4],
    [4, 1],
  ]);
  assert.equal(pauses, 1);
  assert.deepEqual([...tagged[1].logits], [4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 9, -9]);
  assert.deepEqual([...tagged[2].logits], [10, -10]);
});
