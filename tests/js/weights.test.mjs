// Which file the weights are read from without a hub: base URLs, folders, given files; and external data.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Classifier, clearCachedFiles } from "tabsense";
import { openBytes } from "../../dist/files/bytes.js";
import { refuseOtherFiles } from "../../dist/files/foreign.js";
import { startWeights } from "../../dist/files/weights.js";
import { sharded } from "./sharded.mjs";
import { filesOf, rejects, serveModel, tiny } from "./support.mjs";

const { "model.safetensors": WEIGHTS, ...SMALL } = filesOf();
const QUANTIZED = "onnx/model_quantized.onnx";
const CPU = { device: "cpu", worker: false, threads: 1 };

async function load(t, source, options) {
  const classifier = await Classifier.load(source, { ...CPU, ...options });
  t.after(() => classifier.dispose());
  return classifier;
}

async function right(t, classifier) {
  const text = "a small test";
  assert.deepEqual(
    await classifier.classify(text, { topK: null }),
    await (await tiny(t, CPU)).classify(text, { topK: null }),
  );
}

/** Writes these files to a temporary folder. */
function folderOf(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-weights-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

const asked = (requests) =>
  requests.map((url) => url.replace("/model/", "")).filter((name) => /safetensors|onnx|\.bin/.test(name));

test("a base URL: requests model.safetensors first, and nothing else if it exists", async (t) => {
  await clearCachedFiles();
  const { url, requests } = await serveModel(t, {
    ...SMALL,
    "model.safetensors": WEIGHTS,
    [QUANTIZED]: WEIGHTS,
  });
  for (const dtype of ["auto", "fp32", "int8", "int4"])
    assert.equal((await load(t, url, { dtype, cache: false })).info.file, "model.safetensors");
  assert.deepEqual(new Set(asked(requests)), new Set(["model.safetensors"]));
});

test("a base URL: requests the ONNX file of a dtype first", async (t) => {
  await clearCachedFiles();
  const { url, requests } = await serveModel(t, { ...SMALL, [QUANTIZED]: WEIGHTS });
  const classifier = await load(t, url, { dtype: "q8" });
  assert.equal(classifier.info.file, QUANTIZED);
  await right(t, classifier);
  assert.deepEqual(asked(requests), [QUANTIZED]);
});

for (const [what, answer] of Object.entries({
  404: (response) => response.writeHead(404).end(),
  "403, as storage without a listing does": (response) => response.writeHead(403).end(),
  "its own page": (response) =>
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html><p>My app"),
})) {
  test(`a base URL whose server answers ${what} for what it doesn't have`, async (t) => {
    await clearCachedFiles();
    const absent = (_, response) => answer(response);
    const none = ["model.safetensors", "model.safetensors.index.json"];
    const handlers = Object.fromEntries(none.map((name) => [name, absent]));
    const { url, requests } = await serveModel(t, { ...SMALL, [QUANTIZED]: WEIGHTS }, handlers);
    const classifier = await load(t, url);
    assert.equal(classifier.info.file, QUANTIZED);
    await right(t, classifier);
    assert.deepEqual(asked(requests), [...none, QUANTIZED]);
    await classifier.dispose();
    requests.length = 0;
    assert.equal((await load(t, url)).info.file, QUANTIZED);
    assert.deepEqual(new Set(asked(requests)), new Set([QUANTIZED]), "a later start knows where they are");
  });
}

test("a server error doesn't mean that a file is missing", async (t) => {
  const { url, requests } = await serveModel(
    t,
    { ...SMALL, [QUANTIZED]: WEIGHTS },
    { "model.safetensors": (_, response) => response.writeHead(400).end() },
  );
  await rejects("network", load(t, url), /model\.safetensors answered 400/);
  assert.deepEqual(asked(requests), ["model.safetensors"]);
});

for (const [name, dtype] of [
  [QUANTIZED, "auto"],
  ["onnx/model.onnx", "fp32"],
  ["model_quantized.onnx", "q8"],
  ["model.onnx", "auto"],
  ["pytorch_model.bin", "auto"],
  ["onnx/model_q4.onnx", "int4"],
]) {
  test(`a folder, files by name and a list of files with ${name}, dtype ${dtype}`, async (t) => {
    const files = { ...SMALL, [name]: WEIGHTS };
    const list = Object.entries(files).map(([path, bytes]) => new File([bytes], path.split("/").at(-1)));
    const picked = Object.entries(files).map(([path, bytes]) =>
      Object.defineProperty(new File([bytes], path.split("/").at(-1)), "webkitRelativePath", {
        value: `my-model/${path}`,
      }),
    );
    for (const [source, file] of [
      [folderOf(t, files), name],
      [files, name],
      [list, name.split("/").at(-1)],
      [picked, name],
    ]) {
      const classifier = await load(t, source, { dtype });
      assert.equal(classifier.info.file, file);
      if (dtype === "auto") await right(t, classifier);
    }
  });
}

test("of a folder, the smallest file of 8 bits or more", async (t) => {
  const files = { ...SMALL, "model.safetensors": WEIGHTS, [QUANTIZED]: WEIGHTS.subarray(0, 1000) };
  await rejects("weights_length", load(t, folderOf(t, files)));
  assert.equal((await load(t, folderOf(t, files), { dtype: "fp32" })).info.file, "model.safetensors");
});

/** Weights of another model, in fewer bytes. */
const OTHER = sharded(2)["model-00002-of-00002.safetensors"];

test("ignores an unreadable ONNX file that wasn't requested", async (t) => {
  await clearCachedFiles();
  const files = { ...SMALL, "model.safetensors": WEIGHTS, [QUANTIZED]: OTHER, "onnx/model_int8.onnx": OTHER };
  const folder = folderOf(t, files);
  for (const worker of [true, false]) {
    for (const source of [folder, files]) {
      const classifier = await load(t, source, { worker });
      const { file, warnings } = classifier.info;
      assert.equal(file, "model.safetensors");
      assert.match(warnings[0], /^onnx\/model_quantized\.onnx can't be read, so another file is used\. \S/);
      assert.equal(warnings.length, 2);
      await right(t, classifier);
    }
  }
  await rejects("weights_mismatch", load(t, folder, { dtype: "q8" }));
  const alone = folderOf(t, { ...SMALL, [QUANTIZED]: OTHER });
  await rejects("weights_mismatch", load(t, alone));
});

test("rejects files without weights, or without those of a dtype", async (t) => {
  await rejects(
    "invalid_argument",
    load(t, SMALL),
    /lacks model\.safetensors.*ONNX file or pytorch_model\.bin/,
  );
  await rejects(
    "invalid_argument",
    load(t, { ...SMALL, [QUANTIZED]: WEIGHTS }, { dtype: "fp32" }),
    /For dtype "fp32" there is no file, but onnx\/model_quantized\.onnx: use dtype "auto"/,
  );
  await rejects(
    "network",
    load(t, folderOf(t, SMALL)),
    /model\.safetensors could not be read.*none of these exists/,
  );
});

test("digests use names in the repository, and prefer the named file", async (t) => {
  await clearCachedFiles();
  const files = { ...SMALL, [QUANTIZED]: WEIGHTS, "onnx/model.onnx": WEIGHTS };
  const { url } = await serveModel(t, files);
  const digest = (bytes) => `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
  const integrity = { "onnx/model.onnx": digest(WEIGHTS) };
  for (const source of [url, files])
    assert.equal((await load(t, source, { integrity })).info.file, "onnx/model.onnx");
  await rejects(
    "integrity",
    load(t, url, { integrity: { [QUANTIZED]: digest(SMALL["config.json"]) }, dtype: "q8", cache: false }),
    /model_quantized\.onnx doesn't match its digest/,
  );
  await rejects(
    "integrity",
    load(t, url, { integrity: { "onnx/model.onnx_data": digest(WEIGHTS) }, dtype: "q8", cache: false }),
    /names onnx\/model\.onnx_data, but this model's weights are in onnx\/model_quantized\.onnx/,
  );
});

/** Replaces the engine's module; it hashes nothing. */
const MODULE = {
  FileHash: class {
    update() {}
    checksum() {
      return "";
    }
    sha256() {}
    free() {}
  },
};

/** The first bytes of a file that passes for a checkpoint. */
const CHECKPOINT = Buffer.from("PK\x03\x04", "latin1");

/** Replaces the rewriter's module: it drops these first bytes. */
const REWRITING = {
  TorchRewriter: class {
    #begun = false;
    push(bytes) {
      const rest = this.#begun ? bytes : bytes.subarray(CHECKPOINT.length);
      this.#begun = true;
      return rest;
    }
    finish() {
      return new Uint8Array(0);
    }
    free() {}
  },
};

/** Opens the weights among `given`; read them with `all`. */
function opener(given, integrity = {}) {
  const refs = Object.fromEntries(Object.entries(given).map(([name, bytes]) => [name, { bytes }]));
  const { signal } = new AbortController();
  const open = async (ref, name) => {
    const opened = openBytes(ref.bytes);
    return { name, opened, sha256: null, checksum: null, drop: null, writer: null };
  };
  return startWeights({
    request: {
      files: { "config.json": { bytes: SMALL["config.json"] }, weights: { given: refs, hub: null } },
      weights: { dtype: "auto", subfolder: "onnx", modelFileName: "model" },
      network: { integrity },
    },
    open,
    listFolder: async () => null,
    copies: () => null,
    headersOf: async () => ({}),
    startRewriter: async () => REWRITING,
    signal,
  });
}

async function all(part, onBytes = () => {}) {
  const chunks = [];
  for await (const chunk of part.chunks(MODULE, onBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("an ONNX file can only have external data next to it", async () => {
  const given = {
    "onnx/model.onnx": Buffer.from("graph"),
    "onnx/model.onnx_data": Buffer.from("data"),
    "model.onnx_data": Buffer.from("elsewhere"),
  };
  const weights = await opener(given).open();
  assert.equal(String(await all(weights)), "graph");
  const seen = [];
  const data = await weights.further("model.onnx_data");
  assert.deepEqual([data.file, data.total], ["onnx/model.onnx_data", 4]);
  assert.equal(String(await all(data, (bytes, total) => seen.push([bytes, total]))), "data");
  assert.deepEqual(seen.at(-1), [4, 4]);
  weights.end();
  // PyTorch's names, one file per tensor.
  const each = await opener({ "model.onnx": Buffer.from("g"), "onnx::MatMul_191": Buffer.from("m") }).open();
  assert.equal(String(await all(await each.further("onnx::MatMul_191"))), "m");
  await rejects("invalid_argument", weights.further("model.onnx_data_1"), /lacks onnx\/model\.onnx_data_1/);
  for (const name of ["constructor", "toString", "__proto__"])
    await rejects("invalid_argument", each.further(name), new RegExp(`lacks ${name},`));
  for (const name of ["../model.onnx_data", "..", "/etc/passwd", "a/b", "a\\b", "", "http://x/", "%2e%2e"])
    await rejects("weights_header", weights.further(name), /which is not a file in the same folder/);
});

test("checks a digest of external data, and rejects one of data that isn't read", async () => {
  const given = { "onnx/model.onnx": Buffer.from("graph"), "onnx/model.onnx_data": Buffer.from("data") };
  const weights = await opener(given, { "onnx/model.onnx_data": "0" }).open();
  await all(weights);
  assert.throws(() => weights.end(), /names onnx\/model\.onnx_data, but/);
  await all(await weights.further("model.onnx_data"));
  weights.end();
});

test("pytorch_model.bin in several files is read as safetensors would be", async () => {
  const files = sharded(3);
  const index = JSON.parse(new TextDecoder().decode(files["model.safetensors.index.json"]));
  const toBin = (name) => name.replace(/^model(.*)safetensors/, "pytorch_model$1bin");
  const map = Object.entries(index.weight_map).map(([tensor, name]) => [tensor, toBin(name)]);
  const given = {
    "pytorch_model.bin.index.json": Buffer.from(JSON.stringify({ weight_map: Object.fromEntries(map) })),
    ...Object.fromEntries(
      Object.entries(files)
        .filter(([name]) => /^model-/.test(name))
        .map(([name, bytes]) => [toBin(name), Buffer.concat([CHECKPOINT, bytes])]),
    ),
  };
  const weights = await opener(given).open();
  assert.equal(weights.file, "pytorch_model.bin.index.json");
  const whole = await all(await opener({ ...files }).open());
  assert.deepEqual(await all(weights), whole);
  given["pytorch_model.bin.index.json"] = Buffer.from(JSON.stringify({ weight_map: { a: "x.safetensors" } }));
  await rejects(
    "weights_header",
    opener(given).open(),
    /"x\.safetensors", which is not a bin file in the same folder/,
  );
});

test("PyTorch weights are not used as a configuration or a vocabulary", () => {
  for (const start of ["PK\x03\x04", "\x80\x02"]) {
    const head = Buffer.from(start, "latin1");
    for (const name of [
      "pytorch_model.bin",
      "https://x/pytorch_model.bin?a=1",
      "onnx/model.onnx",
      "mine.bin",
      "mine",
    ])
      refuseOtherFiles(head, name);
    assert.throws(() => refuseOtherFiles(head, "config.json"), /config\.json is a .*pytorch_model\.bin/);
  }
});
