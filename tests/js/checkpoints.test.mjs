// PyTorch checkpoints (pytorch_model.bin): recognized by their bytes, read by a separate module.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { Classifier as EdgeClassifier } from "../../dist/edge.js";
import { asSafetensors } from "../../dist/files/torch.js";
import { startRewriter } from "../../dist/rewriter.js";

import { nodeHost } from "../../dist/platform/node.js";
import { filesOf, rejects, ROOT, rounded, serveModel } from "./support.mjs";

const TEXT = "a small test of what the numbers say";
const MODELS = join(ROOT, "test_data/models");
const BF16 = filesOf(join(MODELS, "tiny-bf16"));
const ELECTRA = filesOf(join(MODELS, "tiny-electra-wide"));
const torch = (name) => new Uint8Array(readFileSync(join(ROOT, "test_data/torch", name)));
const INDEX = "pytorch_model.bin.index.json";
const PARTS = [INDEX, ...[1, 2].map((i) => `pytorch_model-0000${i}-of-00002.bin`)];

/** A model with other files instead of its safetensors. */
function instead({ "model.safetensors": _, ...small }, weights) {
  return { ...small, ...weights };
}

async function answer(source, options = {}) {
  const classifier = await Classifier.load(source, { device: "cpu", threads: 1, cache: false, ...options });
  try {
    return rounded(await classifier.classify(TEXT, { topK: null }));
  } finally {
    await classifier.dispose();
  }
}

for (const [what, model, weights] of [
  ["of today", BF16, { "pytorch_model.bin": torch("plain.bin") }],
  ["of views", BF16, { "pytorch_model.bin": torch("views.bin") }],
  ["from before PyTorch 1.6", ELECTRA, { "pytorch_model.bin": torch("legacy.bin") }],
  ["in two files", BF16, Object.fromEntries(PARTS.map((name) => [name, torch(name)]))],
  ["by the name of another format", BF16, { "model.safetensors": torch("plain.bin") }],
]) {
  test(`a checkpoint ${what} answers as the safetensors do`, async (t) => {
    const truth = await answer(model);
    const files = instead(model, weights);
    assert.deepEqual(await answer(files), truth);
    assert.deepEqual(await answer(files, { worker: false }), truth);
    const { url } = await serveModel(t, files);
    const progress = [];
    const onProgress = ({ stage, bytes }) => stage === "weights" && progress.push(bytes);
    assert.deepEqual(await answer(url, { onProgress }), truth);
    const sizes = Object.entries(weights).filter(([name]) => name !== INDEX);
    assert.equal(
      progress.at(-1),
      sizes.reduce((sum, [, { length }]) => sum + length, 0),
      "progress counts the bytes of the files",
    );
  });
}

test("safetensors with a checkpoint's name are read as safetensors", async () => {
  const weights = { "pytorch_model.bin": BF16["model.safetensors"] };
  assert.deepEqual(await answer(instead(BF16, weights)), await answer(BF16));
});

test("names the kind of a file that isn't a checkpoint", async () => {
  const load = (bytes) => answer(instead(BF16, { "pytorch_model.bin": bytes }));
  await rejects("weights_header", load(torch("script.bin")), /TorchScript/);
  await rejects("not_a_model", load(Buffer.from("\x80\x04\x95\x10\0\0\0\0\0", "latin1")), /pickle/);
  await rejects("weights_length", load(torch("plain.bin").subarray(0, 50_000)));
  await rejects("weights_length", load(torch("plain.bin").subarray(0, 3)));
});

/** The bytes that `asSafetensors` makes of chunks; by default it must not load the module. */
async function passed(chunks, load = async () => assert.fail("no checkpoint")) {
  const out = [];
  for await (const chunk of asSafetensors(chunks, load)) out.push(chunk);
  return Buffer.concat(out);
}

async function* chunksOf(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("recognizes a checkpoint by its first bytes, in any chunks", async () => {
  const module = await startRewriter(nodeHost, new AbortController().signal);
  for (const name of ["plain.bin", "legacy.bin"]) {
    const load = async () => module;
    const whole = await passed(chunksOf(torch(name), Number.POSITIVE_INFINITY), load);
    for (const size of [1, 3, 4, 5, 4096])
      assert.deepEqual(await passed(chunksOf(torch(name), size), load), whole);
  }
  for (const bytes of [
    BF16["model.safetensors"],
    Buffer.from("\x80\x02\0\0\0\0\0\0{", "latin1"), // safetensors with a header of 640 bytes
    Buffer.from("PK\x03"),
    Buffer.alloc(0),
  ])
    for (const size of [1, 3, 4096])
      assert.deepEqual(await passed(chunksOf(bytes, size)), Buffer.from(bytes));
});

test("frees what was begun and closes the file when reading ends early", async () => {
  const seen = [];
  class TorchRewriter {
    push(bytes) {
      if (bytes[0] === 1) throw new Error("broken");
      return bytes;
    }
    finish() {
      seen.push("finished");
      return new Uint8Array(0);
    }
    free() {
      seen.push("freed");
    }
  }
  const load = async () => ({ TorchRewriter });
  const start = Buffer.from("PK\x03\x04", "latin1");
  async function* chunks(...rest) {
    try {
      yield start;
      yield* rest;
    } finally {
      seen.push("closed");
    }
  }
  await assert.rejects(passed(chunks(Buffer.from([1])), load), /broken/);
  for await (const _ of asSafetensors(chunks(start), load)) break;
  await assert.rejects(
    passed(chunks(), async () => {
      throw new Error("no module");
    }),
    /no module/,
  );
  assert.deepEqual(seen, ["closed", "freed", "closed", "freed", "closed"]);
  assert.deepEqual(await passed(chunks(), load), start);
  assert.deepEqual(seen.slice(5), ["closed", "finished"]);
});

test("says what to do if the module can't be loaded", async () => {
  const { signal } = new AbortController();
  const advice = /PyTorch checkpoint.*wasm\/rewriter.*npx tabsense convert/;
  const offline = { compileWasm: async () => Promise.reject(new Error("gone")) };
  await rejects("environment", startRewriter(offline, signal), advice);
  const wasm = await WebAssembly.compile(readFileSync(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")));
  const onEdge = EdgeClassifier.load(instead(BF16, { "pytorch_model.bin": torch("plain.bin") }), { wasm });
  const { kind, message } = await onEdge.then(assert.fail, (thrown) => thrown);
  assert.equal(kind, "environment");
  assert.match(message, advice);
  const reason = new Error("enough");
  await assert.rejects(startRewriter(offline, AbortSignal.abort(reason)), reason);
});
