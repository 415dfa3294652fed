// `tabsense convert --compress`: the same numbers in fewer bytes.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { scratch, tabsense } from "./random-model.mjs";
import { rejects, ROOT } from "./support.mjs";

/** A folder with the model's files, and its weights as `convert` makes them with `options`. */
function converted({ folder, model }, name, ...options) {
  const made = join(folder, name);
  mkdirSync(made);
  for (const file of ["config.json", "tokenizer.json"]) cpSync(join(model, file), join(made, file));
  const weights = join(made, "model.safetensors");
  const { status, stderr } = tabsense("convert", model, weights, ...options);
  assert.equal(status, 0, stderr);
  return { made, weights };
}

async function answers(folder, texts) {
  const classifier = await Classifier.load(folder, { device: "cpu" });
  try {
    return await classifier.classify(texts, { topK: null });
  } finally {
    await classifier.dispose();
  }
}

const infoOf = (file) => JSON.parse(tabsense("info", file, "--json").stdout);

for (const options of [["int8"], ["fp16"], ["int4", "--calibration"]]) {
  test(`a model in ${options[0]} answers the same from a compressed file, and info shows the same tensors`, async (t) => {
    const place = scratch(t);
    const [dtype, ...calibration] = options;
    const how = ["--dtype", dtype, ...calibration.flatMap((name) => [name, join(place.folder, "texts.txt")])];
    const plain = converted(place, "plain", ...how);
    const small = converted(place, "small", ...how, "--compress");
    assert.deepEqual(await answers(small.made, place.texts), await answers(plain.made, place.texts));
    assert.deepEqual(infoOf(small.made).tensors, infoOf(plain.made).tensors);
    const [before, after] = [plain, small].map(({ weights }) => readFileSync(weights).length);
    // The int8 and int4 values are drawn uniformly here, unlike in a trained model.
    if (dtype === "fp16") assert.ok(after < 0.95 * before, `${after} of ${before} bytes`);
    else assert.ok(after < 1.02 * before, `${after} of ${before} bytes`);
  });
}

test("without --dtype a file keeps its numbers: --compress compresses it, and without it the file is uncompressed again", (t) => {
  const place = scratch(t);
  const { folder } = place;
  const { weights } = converted(place, "plain", "--dtype", "int8");
  const paths = ["small", "smaller", "back"].map((name) => join(folder, `${name}.safetensors`));
  const [small, smaller, back] = paths;
  for (const [from, to, ...how] of [
    [weights, small, "--compress"],
    [small, smaller, "--compress"],
    [smaller, back],
  ]) {
    const { status, stderr } = tabsense("convert", from, to, ...how);
    assert.equal(status, 0, stderr);
  }
  assert.deepEqual(readFileSync(smaller), readFileSync(small), "compressed once, not twice");
  assert.notDeepEqual(readFileSync(small), readFileSync(weights));
  assert.deepEqual(readFileSync(back), readFileSync(weights));
  const onnx = join(ROOT, "test_data/onnx/mini-bert-deeper-head.onnx");
  const refused = tabsense("convert", onnx, join(folder, "none"), "--compress");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^tabsense: not_a_model: /);
});

test("rejects a compressed file that is cut off, damaged or of a later version", async (t) => {
  const place = scratch(t);
  const { made, weights } = converted(place, "small", "--dtype", "fp16", "--compress");
  const file = readFileSync(weights);
  const load = (bytes) => {
    writeFileSync(weights, bytes);
    return Classifier.load(made, { device: "cpu" });
  };
  await rejects("weights_length", load(file.subarray(0, file.length - 1)), /load them again/i);
  await rejects("weights_length", load(Buffer.concat([file, Buffer.alloc(1)])));
  const damaged = Buffer.from(file);
  damaged.fill(0, file.length >> 1, (file.length >> 1) + 64);
  await rejects("weights_length", load(damaged), /damaged/);
  const later = Buffer.from(
    file.toString("latin1").replace("tabsense.coded.1", "tabsense.coded.2"),
    "latin1",
  );
  await rejects("weights_header", load(later), /update tabsense/);
});
