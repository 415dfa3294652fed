// The module that teaches a classifier: started as a worker starts it, given examples, run in time slices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeHost } from "../../dist/platform/node.js";
import { startTeacher } from "../../dist/teacher.js";
import { rejects } from "./support.mjs";

const { signal } = new AbortController();

/** Vectors of 16 numbers, each near the axis of its label. */
function near(labels) {
  return Float32Array.from({ length: labels.length * 16 }, (_, i) => {
    const [example, d] = [Math.floor(i / 16), i % 16];
    return (d === labels[example] ? 1 : 0) + 0.3 * Math.sin(7 * i + 3 * example);
  });
}

function finished(teacher) {
  let before = 0;
  for (;;) {
    const done = teacher.step();
    assert.ok(done >= before && done <= 1, `${before}, then ${done}`);
    before = done;
    if (done === 1) return teacher.finish();
  }
}

const LABELS = Uint32Array.from({ length: 24 }, (_, i) => i % 3);
const THREE = Uint32Array.of(0, 1, 2);

test("teaches from examples and names, and continues from an earlier state", async () => {
  const { Teacher } = await startTeacher(nodeHost, signal);
  const begin = () => {
    const teacher = new Teacher(16, 3, false);
    teacher.examples(near(LABELS), LABELS);
    teacher.names(near(THREE), THREE);
    return teacher;
  };
  const taught = finished(begin());
  assert.deepEqual([taught.labels, taught.weights.length, taught.bias.length], [3, 48, 3]);
  assert.deepEqual(taught.predicted, LABELS);
  assert.equal(taught.probability.length, 24);
  assert.ok(taught.own.every((p) => p > 0.4 && p <= 1));
  const { strength, nameWeight, temperature, threshold } = taught;
  const again = begin();
  again.start(taught.weights, taught.bias);
  again.keep(strength, nameWeight, temperature, threshold);
  const kept = finished(again);
  assert.deepEqual([kept.strength, kept.nameWeight], [strength, nameWeight]);
  assert.deepEqual([kept.temperature, kept.threshold], [temperature, threshold]);
  assert.equal(kept.predicted.length, 0);
  for (const [i, weight] of kept.weights.entries()) assert.ok(Math.abs(weight - taught.weights[i]) < 1e-2);
});

test("teaches several labels an example, and none", async () => {
  const { Teacher } = await startTeacher(nodeHost, signal);
  const teacher = new Teacher(16, 3, true);
  const counts = Uint32Array.from(LABELS, (label) => [0, 1, 2][label]);
  const labels = Uint32Array.from([...LABELS].flatMap((label) => [[], [1], [0, 2]][label]));
  teacher.examples(near(LABELS), labels, counts);
  const { own, threshold } = finished(teacher);
  assert.equal(own.length, 72);
  assert.ok(threshold > 0 && threshold < 1);
  LABELS.forEach((label, i) => {
    const given = [0, 1, 2].filter((l) => own[3 * i + l] >= threshold);
    assert.deepEqual(given, [[], [1], [0, 2]][label]);
  });
});

test("refuses what can't be learned from, with kind and sentence", async () => {
  const { Teacher } = await startTeacher(nodeHost, signal);
  const refused = (run, message) => assert.throws(run, { kind: "invalid_argument", message });
  refused(() => new Teacher(16, 1, false), /at least two labels/);
  refused(() => new Teacher(16, 5001, false), /5001 labels/);
  const teacher = new Teacher(16, 3, false);
  refused(() => teacher.examples(new Float32Array(15), Uint32Array.of(0)), /15 numbers and 1 labels/);
  refused(() => teacher.examples(new Float32Array(16).fill(Number.NaN), Uint32Array.of(0)), /NaN/);
  refused(() => teacher.names(new Float32Array(16), Uint32Array.of(3)), /label 3/);
  teacher.examples(near(Uint32Array.of(0, 1)), Uint32Array.of(0, 1));
  refused(() => teacher.step(), /Label 2 has neither an example nor a name/);
  refused(() => teacher.step(), /failed/);
  teacher.free();
});

test("says what the module is for if it can't be loaded", async () => {
  const offline = { compileWasm: async () => Promise.reject(new Error("gone")) };
  await rejects(
    "environment",
    startTeacher(offline, signal),
    /teaches a classifier \(wasm\/teacher\/\).*gone/,
  );
  const reason = new Error("enough");
  await assert.rejects(startTeacher(offline, AbortSignal.abort(reason)), reason);
});
