// The check of the tests that repeat one action: it distinguishes growth from variation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "../../bench/random.mjs";
import { assertFlat } from "../soak.mjs";

const SAMPLES = 50;
const samples = (at) => Array.from({ length: SAMPLES }, (_, i) => at(i));

for (const [what, at] of [
  ["what is constant", () => 100],
  ["what grows at the start alone", (i) => (i < 10 ? 10 * i : 100)],
  [
    "what varies within the slack",
    (
      (random) => () =>
        100 + 10 * random()
    )(seeded(1)),
  ],
  ["what has a peak at its end", (i) => (i === SAMPLES - 1 ? 1000 : 100)],
  ["what shrinks", (i) => 1000 - i],
])
  test(`${what} is flat`, (t) => assertFlat(t, what, samples(at), 10, ""));

for (const [what, at] of [
  ["what grows by a little each time", (i) => 100 + i],
  ["what grows in steps", (i) => 100 * Math.floor(i / 20)],
  [
    "what grows and varies",
    (
      (random) => (i) =>
        2 * i + 10 * random()
    )(seeded(1)),
  ],
])
  test(`${what} is not`, (t) => assert.throws(() => assertFlat(t, what, samples(at), 10, ""), /grew by/));

test("too few samples say nothing", (t) => assert.throws(() => assertFlat(t, "x", [1, 2, 3], 10), /too few/));
