// The committed ONNX files (test_data/README.md) and their entries in the manifest.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const DATA = fileURLToPath(new URL("../../test_data", import.meta.url));
const { files } = JSON.parse(readFileSync(join(DATA, "onnx", "manifest.json"), "utf8"));

/** The files together; every clone has them. */
const MAX_BYTES = 2.25e6;

/** The largest difference between onnxruntime and PyTorch if both compute in F32. */
const TOLERANCE = 1e-5;

/** Operators whose activations are rounded, to 8 bits or to F16. */
const ROUNDING = ["MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"];

const goldens = (model) => JSON.parse(readFileSync(join(DATA, "goldens", `${model}.json`), "utf8"));

test("the manifest lists every ONNX file, with its size", () => {
  const found = readdirSync(join(DATA, "onnx")).filter((name) => name.endsWith(".onnx"));
  assert.deepEqual(files.map(({ file }) => file).sort(), found.sort());
  for (const { file, bytes } of files) assert.equal(statSync(join(DATA, "onnx", file)).size, bytes, file);
});

test("the ONNX files stay small together", () => {
  const names = readdirSync(join(DATA, "onnx"));
  const bytes = names.reduce((sum, name) => sum + statSync(join(DATA, "onnx", name)).size, 0);
  assert.ok(bytes <= MAX_BYTES, `${bytes} bytes`);
});

test("every architecture has a file in fp32 and one that is quantized", () => {
  const models = readdirSync(join(DATA, "models")).filter((name) => name.startsWith("mini-"));
  assert.equal(models.length, 9);
  for (const model of models) {
    const read = files.filter((file) => file.model === model && !file.refused);
    assert.ok(
      read.some(({ decoded }) => decoded === 0),
      `${model} in fp32`,
    );
    if (model !== "mini-bert-tanh")
      assert.ok(
        read.some(({ decoded }) => decoded > 0),
        `${model} quantized`,
      );
  }
});

test("every file that is read has PyTorch's logits for each text of its model", () => {
  for (const { file, model, logits, refused, states, states_case } of files) {
    if (refused) continue;
    const { cases } = goldens(model);
    const labels = cases[0].logits.length;
    if (states) assert.equal(states.length % cases[states_case].ids.length, 0, file);
    assert.equal(logits?.length ?? cases.length * labels, cases.length * labels, file);
  }
});

test("onnxruntime agrees with PyTorch on every file that is computed in F32", () => {
  const exact = files.filter(
    ({ refused, operators, variant }) =>
      !refused &&
      !variant.includes("f16") &&
      !variant.includes("fp16") &&
      !ROUNDING.some((name) => operators[name]),
  );
  assert.ok(exact.length >= 25);
  for (const { file, onnxruntime_minus_pytorch } of exact)
    assert.ok(onnxruntime_minus_pytorch < TOLERANCE, `${file}: ${onnxruntime_minus_pytorch}`);
});

test("every number of a file in F16 was read from the file", () => {
  const halves = files.filter(({ variant }) => variant.endsWith("f16") || variant.endsWith("fp16"));
  assert.ok(halves.length >= 3);
  for (const { file, model, decoded } of halves) {
    const bytes = readFileSync(join(DATA, "models", model, "model.safetensors"));
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
    assert.equal(decoded, Object.keys(header).filter((name) => name !== "__metadata__").length, file);
  }
});
