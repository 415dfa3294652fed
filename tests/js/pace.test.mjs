// How much text a time slice of the CPU gets, on simulated machines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startPace, unitsOf } from "../../dist/worker/pace.js";

/** The units of each of `count` time slices, on a machine that takes `ms` milliseconds per unit. */
function turns(count, ms, pace = startPace()) {
  return Array.from({ length: count }, () => {
    const units = pace.units();
    pace.took(units, units * ms);
    return units;
  });
}

test("time slices converge to a length that aborts can wait for, on slow and fast machines", () => {
  for (const ms of [0.05, 0.2, 1]) {
    const last = turns(12, ms).at(-1) * ms;
    assert.ok(last > 20 && last <= 25, `${last} ms at ${ms} ms a unit`);
  }
});

test("a disturbed time slice at most halves the next one, and the pace recovers", () => {
  const pace = startPace();
  const before = turns(12, 0.05, pace).at(-1);
  pace.took(before, 60_000);
  assert.equal(pace.units(), before / 2);
  assert.equal(turns(4, 0.05, pace).at(-1), before);
});

test("a time slice is bounded at any speed", () => {
  assert.ok(turns(40, 0).at(-1) <= 4096);
  assert.equal(turns(40, 1e6).at(-1), 1);
});

test("an empty text has a cost, too", () => {
  assert.ok(unitsOf([""]) > 0);
  assert.equal(unitsOf(["abc", "de"]) - unitsOf(["", ""]), 5);
});

test("a pair costs what both of its texts have", () => {
  assert.equal(unitsOf([{ text: "abc", pair: "de" }]), unitsOf(["abcde"]));
});
