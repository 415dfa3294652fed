// Where a model goes next: which failures of a graphics card lead to another one, which to the CPU, and what
// is said of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TabsenseError } from "tabsense";
import { startPlacement } from "../../dist/worker/placement.js";

const LOST = new TabsenseError("device_lost", "The driver went.");

/** A module whose requests are answered by `answers`, in order; the last one again and again. */
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

test("software is asked for where WebGPU was, and nowhere else", async () => {
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

test("where the CPU was asked for, or there can be no card, none is asked for", async () => {
  for (const [device, none, reason] of [
    ["cpu", null, /CPU was asked for/],
    ["cpu", "Node.", /CPU was asked for/],
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

test("a refusal is for good, and its sentence is the reason", async () => {
  const module = cards(refused, works);
  const placement = startPlacement("webgpu", null);
  assert.equal(await placement.request(module), null);
  assert.equal(await placement.request(module), null);
  assert.deepEqual([module.asked.length, placement.reason], [1, "There is no adapter."]);
});

test("a trap is no refusal", async () => {
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

test("a browser that never answers is not waited for, and a device that comes late is given back", async (t) => {
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

test("a device that is lost is followed by another; one lost soon after by the CPU", async () => {
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

test("where the new device is refused, the reason tells of both", async () => {
  const module = cards(works, refused);
  const placement = startPlacement("webgpu", null);
  await placement.request(module);
  placement.recovers(LOST);
  assert.equal(await placement.request(module), null);
  assert.match(placement.reason, /lost.*There is no adapter\./);
});

test("a card that computes wrongly or is full gives way to the CPU; other faults are not the card's", () => {
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
