// Where a model runs next: which failures of a graphics card lead to another one, which to the CPU, and the
// reason that is reported.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TabsenseError } from "tabsense";
import { startPlacement } from "../../dist/worker/placement.js";

const LOST = new TabsenseError("device_lost", "The driver went.");

/** A module that answers its requests with `answers`, in order, and then repeats the last one. */
function cards(...answers) {
  const asked = [];
  return {
    asked,
    Gpu: {
      async request(software) {
        asked.push(software);
        return answers[Math.min(asked.length, answers.length) - 1]();
      },
    },
  };
}

const card = {};
const works = () => card;
const refused = () => {
  throw Object.assign(new Error("There is no adapter."), { kind: "environment" });
};

test("requests a software adapter only for device webgpu", async () => {
  for (const [device, software] of [
    ["webgpu", true],
    ["auto", false],
  ]) {
    const module = cards(works);
    const placement = startPlacement(device, null);
    assert.equal(await placement.request(module), card);
    assert.deepEqual([module.asked, placement.reason, placement.both], [[software], null, device === "auto"]);
  }
});

test("requests no adapter for device cpu or without WebGPU", async () => {
  for (const [device, none, reason] of [
    ["cpu", null, /CPU was requested/],
    ["cpu", "Node.", /CPU was requested/],
    ["webgpu", "Node.", /^Node\.$/],
    ["auto", "Node.", /^Node\.$/],
  ]) {
    const module = cards(works);
    const placement = startPlacement(device, none);
    assert.equal(await placement.request(module), null);
    assert.deepEqual(module.asked, []);
    assert.match(placement.reason, reason);
    assert.equal(placement.recovers(LOST), false);
  }
});

test("a failed request is not repeated, and its message is the reason", async () => {
  const module = cards(refused, works);
  const placement = startPlacement("webgpu", null);
  assert.equal(await placement.request(module), null);
  assert.equal(await placement.request(module), null);
  assert.deepEqual([module.asked.length, placement.reason], [1, "There is no adapter."]);
});

test("a trap is not a failed request", async () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  await assert.rejects(
    startPlacement("webgpu", null).request(
      cards(() => {
        throw trap;
      }),
    ),
    (thrown) => thrown === trap,
  );
});

test("stops waiting for a browser that never answers, and releases a late device", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let freed = 0;
  let answer;
  const module = cards(() => new Promise((resolve) => (answer = resolve)));
  const placement = startPlacement("auto", null);
  const request = placement.request(module);
  t.mock.timers.tick(10_000);
  assert.equal(await request, null);
  assert.match(placement.reason, /within 10 seconds/);
  answer({ free: () => freed++ });
  await new Promise(setImmediate);
  assert.equal(freed, 1);
});

test("replaces a lost device; falls back to the CPU if that is lost soon after", async () => {
  let now = 0;
  const placement = startPlacement("webgpu", null, () => now);
  for (now of [1000, 61_000, 121_000]) {
    assert.equal(placement.recovers(LOST), true);
    assert.equal(placement.reason, null, `lost at ${now}`);
  }
  now = 180_999;
  assert.equal(placement.recovers(LOST), true);
  assert.match(placement.reason, /twice within a minute.*The driver went\./);
  assert.equal(placement.recovers(LOST), false);
});

test("the reason names both failures if the new device is refused", async () => {
  const module = cards(works, refused);
  const placement = startPlacement("webgpu", null);
  await placement.request(module);
  placement.recovers(LOST);
  assert.equal(await placement.request(module), null);
  assert.match(placement.reason, /lost.*There is no adapter\./);
});

test("falls back to the CPU if a card computes wrong results or is full, not for other errors", () => {
  for (const kind of ["webgpu_unusable", "out_of_memory"]) {
    const placement = startPlacement("webgpu", null);
    assert.equal(placement.recovers(new TabsenseError(kind, "It can't.")), true);
    assert.equal(placement.reason, "It can't.");
  }
  for (const kind of ["invalid_argument", "network", "weights_length", "internal"]) {
    const placement = startPlacement("webgpu", null);
    assert.equal(placement.recovers(new TabsenseError(kind, "No.")), false);
    assert.equal(placement.reason, null);
  }
});
