// Which file the weights are read from, for each `dtype`, from a listing or without one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { candidatesOf, DTYPES, isWeightsFile, sizeOf } from "../../dist/files/choice.js";

const MB = 1_000_000;
const wanted = (dtype, more) => ({ dtype, subfolder: "onnx", modelFileName: "model", ...more });
const listing = (files) => new Map(Object.entries(files));
const first = (dtype, files, more) => candidatesOf(wanted(dtype, more), listing(files))[0];
const shown = (candidates) => candidates.map(({ file, dtype }) => `${file} ${dtype}`);

/** DistilBERT-base as in repositories for transformers.js, along with the original's weights. */
const FULL = {
  "config.json": 700,
  "model.safetensors": 268 * MB,
  "pytorch_model.bin": 268 * MB + 40_000,
  "onnx/model.onnx": 268 * MB + 150_000,
  "onnx/model_fp16.onnx": 134 * MB,
  "onnx/model_quantized.onnx": 67 * MB,
  "onnx/model_int8.onnx": 67 * MB,
  "onnx/model_uint8.onnx": 67 * MB,
  "onnx/model_q4.onnx": 119 * MB,
  "onnx/model_q4f16.onnx": 73 * MB,
};
const without = (...names) =>
  Object.fromEntries(Object.entries(FULL).filter(([name]) => !names.includes(name)));

for (const [dtype, file, stored] of [
  ["auto", "onnx/model_quantized.onnx", "auto"],
  ["fp32", "model.safetensors", "fp32"],
  ["fp16", "onnx/model_fp16.onnx", "fp16"],
  ["q8", "onnx/model_quantized.onnx", "auto"],
  ["int8", "onnx/model_int8.onnx", "auto"],
  ["uint8", "onnx/model_uint8.onnx", "auto"],
  ["q4", "onnx/model_q4.onnx", "auto"],
  ["q4f16", "onnx/model_q4f16.onnx", "auto"],
  ["int4", "model.safetensors", "int4"],
])
  test(`${dtype} of a repository that has everything: ${file}`, () => {
    assert.deepEqual(first(dtype, FULL), { file, dtype: stored });
  });

const ONLY = { "config.json": 700, "model.safetensors": 268 * MB };
for (const [dtype, stored] of [
  ["auto", "auto"],
  ["fp32", "fp32"],
  ["fp16", "fp16"],
  ["q8", "int8"],
  ["int8", "int8"],
  ["uint8", "int8"],
  ["q4", "int4"],
  ["q4f16", "int4"],
  ["int4", "int4"],
])
  test(`${dtype} of a repository with safetensors alone rounds these`, () => {
    assert.deepEqual(candidatesOf(wanted(dtype), listing(ONLY)), [
      { file: "model.safetensors", dtype: stored },
    ]);
  });

test("auto takes the smallest file of 8 bits or more; safetensors where it is a tie", () => {
  const smaller = { ...FULL, "model.safetensors": 66 * MB };
  assert.equal(first("auto", smaller).file, "model.safetensors");
  assert.equal(first("auto", { ...FULL, "model.safetensors": 67 * MB }).file, "model.safetensors");
  assert.equal(first("auto", { ...FULL, "onnx/model_uint8.onnx": 66 * MB }).file, "onnx/model_uint8.onnx");
  assert.equal(first("auto", { ...FULL, "onnx/model_q4f16.onnx": 9 * MB }).file, "onnx/model_quantized.onnx");
  const halves = without("onnx/model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model_uint8.onnx");
  assert.equal(first("auto", halves).file, "onnx/model_fp16.onnx");
});

test("auto loads 4 bits if there is nothing else", () => {
  assert.deepEqual(first("auto", { "onnx/model_q4.onnx": 9, "onnx/model_bnb4.onnx": 8 }), {
    file: "onnx/model_q4.onnx",
    dtype: "auto",
  });
  assert.deepEqual(
    candidatesOf(wanted("auto"), listing({ "onnx/model_bnb4.onnx": 8, "tf_model.h5": 9 })),
    [],
  );
});

test("full weights: safetensors, then ONNX, then pytorch_model.bin, in one file or several", () => {
  const names = [
    "model.safetensors",
    "model.safetensors.index.json",
    "onnx/model.onnx",
    "model.onnx",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
  ];
  for (let i = 0; i < names.length; i++) {
    const there = Object.fromEntries(names.slice(i).map((name) => [name, 9]));
    assert.equal(first("fp32", there).file, names[i]);
  }
  assert.deepEqual(candidatesOf(wanted("fp32"), listing({ "onnx/model_quantized.onnx": 9 })), []);
});

test("fp16 takes the ONNX file of halves only where it has fewer bytes than safetensors", () => {
  assert.equal(first("fp16", { ...FULL, "model.safetensors": 134 * MB }).file, "model.safetensors");
  assert.equal(first("fp16", without("model.safetensors")).file, "onnx/model_fp16.onnx");
  assert.equal(first("fp16", without("onnx/model_fp16.onnx")).file, "model.safetensors");
});

test("int8 takes a safetensors file that is no larger than the ONNX file", () => {
  assert.deepEqual(first("int8", { ...FULL, "model.safetensors": 67 * MB }), {
    file: "model.safetensors",
    dtype: "int8",
  });
  assert.equal(first("int8", without("onnx/model_int8.onnx")).file, "onnx/model_quantized.onnx");
});

test("a repository with few formats: the next best one", () => {
  const onnx = { "onnx/model.onnx": 268 * MB, "onnx/model_quantized.onnx": 67 * MB };
  assert.deepEqual(first("int4", onnx), { file: "onnx/model.onnx", dtype: "int4" });
  assert.deepEqual(first("q4", onnx), { file: "onnx/model.onnx", dtype: "int4" });
  assert.deepEqual(first("uint8", onnx), { file: "onnx/model.onnx", dtype: "int8" });
  assert.deepEqual(first("int4", without("model.safetensors")), {
    file: "onnx/model_q4.onnx",
    dtype: "auto",
  });
  assert.deepEqual(first("auto", { "pytorch_model.bin": 9 }), { file: "pytorch_model.bin", dtype: "auto" });
});

test("external data and the files of an index count", () => {
  const files = {
    "model.safetensors.index.json": 20_000,
    "model-00001-of-00002.safetensors": 200 * MB,
    "model-00002-of-00002.safetensors": 68 * MB,
    "model-card.safetensors": 1,
    "onnx/model.onnx": MB,
    "onnx/model.onnx_data": 200 * MB,
    "onnx/model.onnx_data_1": 60 * MB,
    "onnx/model.onnx.data": 9 * MB,
    "onnx/model.onnx_database": 7,
  };
  assert.equal(sizeOf("onnx/model.onnx", listing(files)), 270 * MB);
  assert.equal(sizeOf("model.safetensors.index.json", listing(files)), 268 * MB);
  assert.equal(first("auto", files).file, "model.safetensors.index.json");
  assert.equal(first("auto", { ...files, "onnx/model.onnx_data_1": 40 * MB }).file, "onnx/model.onnx");
});

test("a file of full weights that is too small to hold them has its data elsewhere", () => {
  const files = { ...FULL, "onnx/model.onnx": MB, "onnx/weights.pb": 267 * MB };
  assert.equal(first("auto", files).file, "onnx/model_quantized.onnx");
  assert.equal(first("auto", { "onnx/model.onnx": MB, "onnx/weights.pb": 267 * MB }).file, "onnx/model.onnx");
});

test("files of unknown size are taken in the order of preference", () => {
  const unknown = Object.fromEntries(Object.keys(FULL).map((name) => [name, null]));
  assert.equal(first("auto", unknown).file, "model.safetensors");
  assert.equal(first("int8", unknown).file, "model.safetensors");
  assert.equal(first("fp16", unknown).file, "model.safetensors");
  assert.equal(first("q8", unknown).file, "onnx/model_quantized.onnx");
});

test("subfolder and model_file_name say where ONNX files are, and how they are called", () => {
  const files = { "model_quantized.onnx": 5, "int8/model_quantized.onnx": 6, "onnx/model_quantized.onnx": 7 };
  assert.equal(first("q8", files).file, "onnx/model_quantized.onnx");
  assert.equal(first("q8", files, { subfolder: "int8" }).file, "int8/model_quantized.onnx");
  assert.equal(first("q8", files, { subfolder: "" }).file, "model_quantized.onnx");
  assert.equal(first("q8", files, { subfolder: "none" }).file, "model_quantized.onnx");
  const named = { ...FULL, "onnx/model_O4.onnx": 134 * MB, "onnx/model_O4_quantized.onnx": 60 * MB };
  assert.equal(first("fp32", named, { modelFileName: "model_O4" }).file, "onnx/model_O4.onnx");
  assert.equal(first("auto", named, { modelFileName: "model_O4" }).file, "onnx/model_O4_quantized.onnx");
  assert.deepEqual(
    shown(candidatesOf(wanted("fp32", { modelFileName: "model_O4" }), listing(named))),
    ["onnx/model_O4.onnx fp32"],
    "the files of another name are other models",
  );
});

test("a file whose digest is named comes first", () => {
  const [one] = candidatesOf(wanted("auto"), listing(FULL), ["model.safetensors"]);
  assert.equal(one.file, "model.safetensors");
  assert.equal(candidatesOf(wanted("auto"), null, ["onnx/model.onnx"])[0].file, "onnx/model.onnx");
});

test("without a listing, the usual file is asked for first", () => {
  const guesses = (dtype, more) => shown(candidatesOf(wanted(dtype, more), null));
  const guess = (dtype) => guesses(dtype)[0];
  for (const dtype of ["auto", "fp32", "fp16", "int8", "int4"])
    assert.match(guess(dtype), /^model\.safetensors /, dtype);
  assert.equal(guess("q8"), "onnx/model_quantized.onnx auto");
  assert.equal(guess("uint8"), "onnx/model_uint8.onnx auto");
  assert.equal(guess("q4"), "onnx/model_q4.onnx auto");
  assert.equal(guess("q4f16"), "onnx/model_q4f16.onnx auto");
  assert.deepEqual(guesses("fp32"), [
    "model.safetensors fp32",
    "model.safetensors.index.json fp32",
    "onnx/model.onnx fp32",
    "pytorch_model.bin fp32",
    "pytorch_model.bin.index.json fp32",
    "model.onnx fp32",
  ]);
  assert.equal(guesses("auto", { modelFileName: "model_O4" })[0], "onnx/model_O4.onnx auto");
  for (const dtype of DTYPES) {
    const all = guesses(dtype);
    assert.deepEqual(all, [...new Set(all)], "none is asked for twice");
  }
});

test("recognizes weights files by name", () => {
  for (const name of [
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "onnx/model_q4.onnx",
    "onnx/model.onnx_data",
    "model.onnx_data_1",
    "model.onnx.data",
  ])
    assert.ok(isWeightsFile(name), name);
  for (const name of [
    "config.json",
    "tokenizer.json",
    "vocab.txt",
    "spm.model",
    "metadata",
    "tf_model.h5",
    "training_args.bin",
  ])
    assert.ok(!isWeightsFile(name), name);
});
