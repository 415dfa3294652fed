// The command with models on a hub: the hub that HF_ENDPOINT names, and the choice of the weights file.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { startHub } from "../common/hub.mjs";
import { objects, scratch, start, tabsense } from "./command.mjs";
import { filesOf } from "./support.mjs";

const { "model.safetensors": WEIGHTS, ...SMALL } = filesOf();
const QUANTIZED = "onnx/model_quantized.onnx";
/** The engine recognizes a file by its content, not by its name. */
const FILES = { ...SMALL, [QUANTIZED]: WEIGHTS };

async function run(t, args, repositories = { "org/model": { files: FILES } }) {
  const hub = await startHub(repositories, { prefix: "/mirror" });
  t.after(() => hub.close());
  const env = { ...process.env, HF_ENDPOINT: `${hub.url}/` };
  const { how, stdout, stderr } = await start(args, { env }).ended;
  const weights = hub.log.filter(({ path }) => /resolve.*\.(onnx|safetensors|bin)/.test(path));
  return { how, stdout, stderr, hub, weights: weights.map(({ path }) => path.split("/resolve/main/")[1]) };
}

test("a text, with the model of the hub that HF_ENDPOINT names", async (t) => {
  const { how, stderr, stdout, weights } = await run(t, ["a text", "--model", "org/model", "--dtype", "q8"]);
  assert.equal(how, 0, stderr);
  assert.match(stdout, /^\w+\t0\.\d{4}$/m);
  assert.deepEqual(weights, [QUANTIZED]);
});

test("a file: the weights are fetched once, whatever file they are in", async (t) => {
  const { write } = scratch(t);
  const args = ["classify", write("in.txt", "one\ntwo\n"), "--model", "org/model", "--threads", "9"];
  const { how, stderr, stdout, weights } = await run(t, args);
  assert.equal(how, 0, stderr);
  assert.equal(objects(stdout).length, 2);
  assert.deepEqual(weights, [QUANTIZED]);
});

test("info names the file that a load would use, and reads its header if it has one", async (t) => {
  const onnx = await run(t, ["info", "org/model", "--json"]);
  assert.equal(onnx.how, 0, onnx.stderr);
  const { file, bytes, parameters, tensors } = JSON.parse(onnx.stdout);
  assert.deepEqual([file, bytes, parameters, tensors], [QUANTIZED, WEIGHTS.length, null, {}]);
  const both = await run(t, ["info", "org/model"], {
    "org/model": { files: { ...FILES, "model.safetensors": WEIGHTS } },
  });
  assert.match(both.stdout, /^file +model\.safetensors, [\d,]+ bytes$/m);
  assert.match(both.stdout, /^parameters +\d/m);
});

test("info of a folder: the same choice", (t) => {
  const { folder } = scratch(t);
  mkdirSync(`${folder}/onnx`);
  for (const [name, content] of Object.entries(FILES)) writeFileSync(`${folder}/${name}`, content);
  const { stdout } = tabsense(["info", folder]);
  assert.match(stdout, /^file +onnx\/model_quantized\.onnx, [\d,]+ bytes$/m);
  assert.doesNotMatch(stdout, /^(parameters|tensors)/m);
});

test("weights that are in a pull request: info and classify say which", async (t) => {
  const repositories = { "org/model": { files: SMALL }, "org/model@refs/pr/2": { files: FILES } };
  for (const args of [
    ["info", "org/model"],
    ["a text", "--model", "org/model"],
  ]) {
    const { how, stderr } = await run(t, args, repositories);
    assert.equal(how, 1);
    assert.match(
      stderr,
      /^tabsense: network: .*Weights are in a pull request: load "org\/model@refs\/pr\/2"\.$/m,
    );
  }
});

test("rejects an invalid HF_ENDPOINT", async () => {
  const env = { ...process.env, HF_ENDPOINT: "hf-mirror" };
  const { how, stderr } = await start(["info", "org/model"], { env }).ended;
  assert.equal(how, 2);
  assert.match(stderr, /HF_ENDPOINT must be an address such as https:\S+, not "hf-mirror"/);
});

test("names the dtypes for an unknown one", () => {
  const { status, stderr } = tabsense(["a text", "--dtype", "bnb4"]);
  assert.equal(status, 2);
  assert.match(
    stderr,
    /--dtype must be one of auto, fp32, fp16, q8, int8, uint8, q4, q4f16, int4, not "bnb4"/,
  );
});
