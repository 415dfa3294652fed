// The sources of `tabsense convert`: a file of any format, a folder, a URL, a model on a hub; in one file or
// several. The result is always that of the safetensors.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startHub } from "../common/hub.mjs";
import { scratch, start } from "./command.mjs";
import { sharded } from "./sharded.mjs";
import { filesOf, ROOT, serveModel, TINY } from "./support.mjs";

const FILES = filesOf();
const { "model.safetensors": WEIGHTS, ...SMALL } = FILES;
const DATA = join(ROOT, "test_data");
const dataOf = (path) => readFileSync(join(DATA, path));

/** Converts to int8; resolves to the bytes and the output. */
async function converted(t, from, { env = process.env, dtype = "int8", more = [] } = {}) {
  const { path } = scratch(t);
  const { how, stdout, stderr } = await start(["convert", from, path("out"), "--dtype", dtype, ...more], {
    env,
  }).ended;
  assert.deepEqual([how, stderr], [0, ""], from);
  return { bytes: readFileSync(path("out")), stdout };
}

function folderOf(t, files) {
  const { folder, path, write } = scratch(t);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true });
    write(name, bytes);
  }
  return folder;
}

test("the safetensors of a folder, a URL and a hub's model; in one file and in several", async (t) => {
  const { bytes } = await converted(t, join(TINY, "model.safetensors"));
  const { url } = await serveModel(t, FILES);
  const hub = await startHub({ "org/model": { files: FILES }, "org/parts": { files: sharded(3) } });
  t.after(() => hub.close());
  const env = { ...process.env, HF_ENDPOINT: hub.url };
  for (const from of [TINY, folderOf(t, sharded(5)), url, "org/model", "org/parts"]) {
    const { bytes: got, stdout } = await converted(t, from, { env });
    // Sharded files have the tensors in another order.
    assert.deepEqual(tensorsOf(got), tensorsOf(bytes), from);
    assert.match(stdout, /bytes, \d+\.\d % of \S+model\.safetensors(\.index\.json)?$/m);
  }
});

test("full weights are taken, not those that are rounded already", async (t) => {
  const { bytes } = await converted(t, TINY);
  const files = {
    ...SMALL,
    "onnx/model.onnx": WEIGHTS,
    "onnx/model_quantized.onnx": WEIGHTS.subarray(0, 99),
  };
  assert.ok((await converted(t, folderOf(t, files))).bytes.equals(bytes));
});

test("ONNX files, also with their data beside", async (t) => {
  const model = join(DATA, "models/mini-bert");
  const small = filesOf(model);
  delete small["model.safetensors"];
  const { bytes } = await converted(t, model);
  const external = "mini-bert-external.onnx_data";
  const one = { "onnx/model.onnx": dataOf("onnx/mini-bert-optimum.onnx") };
  const two = {
    "onnx/model.onnx": dataOf("onnx/mini-bert-external.onnx"),
    [`onnx/${external}`]: dataOf(`onnx/${external}`),
  };
  for (const files of [one, two]) {
    const folder = folderOf(t, { ...small, ...files });
    for (const from of [folder, join(folder, "onnx/model.onnx")]) {
      const got = (await converted(t, from)).bytes;
      assert.equal(got.length, bytes.length);
      assert.deepEqual(tensorsOf(got), tensorsOf(bytes));
    }
  }
});

test("pytorch_model.bin in several files", async (t) => {
  const names = ["pytorch_model.bin.index.json", ...[1, 2].map((i) => `pytorch_model-0000${i}-of-00002.bin`)];
  const parts = Object.fromEntries(names.map((name) => [name, dataOf(`torch/${name}`)]));
  const whole = { "pytorch_model.bin": dataOf("torch/plain.bin") };
  const [several, one] = await Promise.all(
    [parts, whole].map((files) => converted(t, folderOf(t, { ...SMALL, ...files }))),
  );
  assert.deepEqual(tensorsOf(several.bytes), tensorsOf(one.bytes));
});

test("texts for int4 are read with the model's own files, wherever these are", async (t) => {
  const { write } = scratch(t);
  const more = ["--calibration", write("texts.txt", "a text\nanother one\n".repeat(20))];
  const hub = await startHub({ "org/model": { files: { ...SMALL, "onnx/model.onnx": WEIGHTS } } });
  t.after(() => hub.close());
  const env = { ...process.env, HF_ENDPOINT: hub.url };
  const run = async (from) => {
    const { path } = scratch(t);
    const { how, stderr } = await start(["convert", from, path("out"), "--dtype", "int4", ...more], { env })
      .ended;
    assert.equal(how, 0, stderr);
    return readFileSync(path("out"));
  };
  assert.ok((await run("org/model")).equals(await run(join(TINY, "model.safetensors"))));
});

test("rejects a missing model, and one without full weights", async (t) => {
  const fails = async (from, message) => {
    const { path } = scratch(t);
    const { how, stderr } = await start(["convert", from, path("out"), "--dtype", "int8"]).ended;
    assert.equal(how, 1);
    assert.match(stderr, message);
  };
  await fails(
    "./none/model.safetensors",
    /^tabsense: network: \S*none\/model\.safetensors could not be read/,
  );
  await fails("./none/", /^tabsense: network: .*model\.safetensors could not be read.*none of these exists/);
  const quantized = folderOf(t, { ...SMALL, "onnx/model_quantized.onnx": WEIGHTS });
  await fails(quantized, /For dtype "fp32" there is no file, but onnx\/model_quantized\.onnx/);
});

/** The tensors of a safetensors file by name, whatever their order. */
function tensorsOf(bytes) {
  const length = Number(bytes.readBigUInt64LE());
  const { __metadata__: _, ...header } = JSON.parse(bytes.subarray(8, 8 + length));
  const data = bytes.subarray(8 + length);
  return Object.fromEntries(
    Object.entries(header)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { dtype, shape, data_offsets: at }]) => [
        name,
        [dtype, shape, data.subarray(...at).toString("base64")],
      ]),
  );
}
