// The results of `details: true`: tokens with their positions in the text, truncation, timings.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { fastestBuild } from "../../dist/builds.js";
import { filesOf, tiny } from "./support.mjs";

test("tokens match the parts of the text at their offsets", async (t) => {
  const classifier = await tiny(t);
  const text = "A 😀 delight, from Start to finish! 日本";
  const { tokens, scores, truncated } = await classifier.classify(text, { details: true });
  assert.equal(truncated, false);
  assert.equal(scores.length, 1);
  assert.deepEqual(
    [tokens[0], tokens.at(-1)].map(({ text: name, start, end, special }) => ({ name, start, end, special })),
    [
      { name: "[CLS]", start: 0, end: 0, special: true },
      { name: "[SEP]", start: 0, end: 0, special: true },
    ],
  );
  const own = tokens.slice(1, -1);
  assert.ok(own.length > 0 && own.every(({ special }) => !special));
  assert.ok(
    own.every(({ start, end }, i) => start < end && (i === 0 || start >= own[i - 1].end)),
    "in order",
  );
  for (const { text: name, start, end } of own) {
    if (name === "[UNK]") continue;
    assert.equal(text.slice(start, end).toLowerCase(), name.replace(/^##/, ""));
  }
  const covered = new Set(
    own.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
  );
  assert.ok(
    [...text].length > 0 && covered.size === text.replace(/ /g, "").length,
    "everything but white space is covered",
  );
  assert.ok(
    tokens.every(({ id }) => Number.isInteger(id) && id >= 0 && id < classifier.info.model.vocabulary),
  );
});

test("timings", async (t) => {
  const classifier = await tiny(t);
  const results = await classifier.classify(["one", "and two"], { details: true });
  for (const { timings } of results) {
    assert.deepEqual(Object.keys(timings).sort(), ["forward", "tokenize", "total"]);
    assert.ok(Object.values(timings).every((ms) => Number.isFinite(ms) && ms >= 0));
    assert.ok(timings.total >= timings.forward);
  }
});

test("a text that is too long for the model is cut, and says so", async (t) => {
  const classifier = await tiny(t);
  const { maxTokens } = classifier.info.model;
  const long = "a ".repeat(maxTokens + 50);
  const detailed = await classifier.classify(long, { details: true });
  assert.equal(detailed.truncated, true);
  assert.equal(detailed.tokens.length, maxTokens);
  assert.equal(detailed.tokens.at(-1).text, "[SEP]");
  assert.equal((await classifier.classify(long))[0].truncated, true);
  assert.equal("truncated" in (await classifier.classify("short"))[0], false);
  const exact = await classifier.classify("a ".repeat(maxTokens - 2), { details: true });
  assert.deepEqual([exact.truncated, exact.tokens.length], [false, maxTokens]);
});

test("info", async (t) => {
  const { device, dtype, build, threads, model, bytes, ...others } = (await tiny(t, { threads: 1 })).info;
  assert.deepEqual(
    { device, dtype, build, threads },
    { device: "cpu", dtype: "fp32", build: fastestBuild(), threads: 1 },
  );
  assert.deepEqual(others, {
    webgpu: { reason: "Node has no WebGPU." },
    file: "model.safetensors",
    warnings: [],
  });
  assert.deepEqual(Object.keys(model).sort(), [
    "architecture",
    "heads",
    "labels",
    "layers",
    "maxTokens",
    "name",
    "parameters",
    "vocabulary",
    "width",
  ]);
  assert.equal(model.name, "tiny-f32");
  assert.equal(model.architecture, "distilbert");
  assert.ok(model.labels.length >= 2 && model.layers > 0 && model.width > 0 && model.parameters > 0);
  assert.ok(bytes.memory > bytes.weights && bytes.weights > 0);
});

/** The weights with one more tensor, of one number. */
function withTensor(weights, name) {
  const end = 8 + Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, end)));
  const length = weights.length - end;
  header[name] = { dtype: "F32", shape: [1], data_offsets: [length, length + 4] };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(Buffer.concat([size, text, weights.subarray(end), Buffer.alloc(4)]));
}

test("warns about ignored settings of a model's files", async (t) => {
  const files = filesOf();
  const weights = withTensor(files["model.safetensors"], "vocab_projector.bias");
  const classifier = await Classifier.load({ ...files, "model.safetensors": weights });
  t.after(() => classifier.dispose());
  const { warnings } = classifier.info;
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0], /vocab_projector\.bias.*\.$/);
});

for (const worker of [true, false]) {
  test(`Node uses the CPU for any device, and says why, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker, device: "cpu" });
    assert.match(classifier.info.webgpu.reason, /CPU was requested/);
    const expected = await classifier.classify("a text", { topK: null });
    for (const device of ["webgpu", "auto"]) {
      for (const dtype of ["auto", "fp16"]) {
        const other = await tiny(t, { worker, device, dtype });
        const { scores, device: where } = await other.classify("a text", { topK: null, details: true });
        assert.deepEqual([where, scores], ["cpu", expected]);
        assert.deepEqual(
          [other.info.device, other.info.dtype, other.info.webgpu],
          ["cpu", "fp32", { reason: "Node has no WebGPU." }],
        );
      }
    }
  });
}

test("every dtype loads, and int8 stays near fp32", async (t) => {
  const scores = async (dtype) =>
    Object.fromEntries(
      (await (await tiny(t, { dtype })).classify("how near is it", { topK: null })).map(
        ({ label, score }) => [label, score],
      ),
    );
  const expected = await scores("fp32");
  for (const dtype of ["auto", "int8"]) {
    for (const [label, score] of Object.entries(await scores(dtype)))
      assert.ok(Math.abs(score - expected[label]) < 0.05, `${dtype} ${label} ${score} ${expected[label]}`);
  }
});
