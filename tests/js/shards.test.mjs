// Weights in several files, as checkpoints too large for one have them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { filesOf, rejects, rounded, serveModel, tiny } from "./support.mjs";

const INDEX = "model.safetensors.index.json";

/** The tiny model with its weights in `count` files, and their index. */
function sharded(count) {
  const { "model.safetensors": weights, ...rest } = filesOf();
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  const data = weights.subarray(8 + length);
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const files = { ...rest };
  const map = {};
  for (let shard = 0; shard < count; shard++) {
    const name = `model-${String(shard + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
    let at = 0;
    const parts = [];
    const own = Object.fromEntries(tensors.filter((_, i) => i % count === shard).map(([tensor, { data_offsets: [start, end], ...entry }]) => {
      parts.push(data.subarray(start, end));
      map[tensor] = name;
      return [tensor, { ...entry, data_offsets: [at, (at += end - start)] }];
    }));
    files[name] = safetensors({ __metadata__: { format: "pt" }, ...own }, Buffer.concat(parts));
  }
  files[INDEX] = new TextEncoder().encode(JSON.stringify({ metadata: { total_size: data.length }, weight_map: map }));
  return files;
}

function safetensors(header, data) {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, data]));
}

async function sameAsWhole(t, classifier) {
  t.after(() => classifier.dispose());
  const text = "the same numbers from any number of files";
  assert.deepEqual(rounded(await classifier.classify(text, { topK: null })), rounded(await (await tiny(t)).classify(text, { topK: null })));
}

for (const count of [1, 2, 5, 9]) {
  test(`a model in ${count} files from a server`, async (t) => {
    const { url, requests } = await serveModel(t, sharded(count));
    const progress = [];
    await sameAsWhole(t, await Classifier.load(url, { onProgress: (event) => event.stage === "weights" && progress.push(event) }));
    assert.ok(requests.includes("/model/model.safetensors") && requests.includes(`/model/${INDEX}`));
    const bytes = progress.map(({ bytes }) => bytes);
    assert.deepEqual(bytes, [...bytes].sort((a, b) => a - b), "progress only grows");
  });
}

test("a model in 3 files handed over, and from a folder", async (t) => {
  const files = sharded(3);
  await sameAsWhole(t, await Classifier.load(files));
  const folder = mkdtempSync(join(tmpdir(), "tabsense-shards-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  await sameAsWhole(t, await Classifier.load(folder));
});

for (const [name, change, kind, message] of [
  ["a file is missing", (files) => delete files["model-00002-of-00002.safetensors"], "invalid_argument", /lacks model-00002/],
  ["the index is cut off", (files) => (files[INDEX] = files[INDEX].subarray(0, 20)), "weights_header", /is not JSON/],
  ["the index names nothing", (files) => (files[INDEX] = new TextEncoder().encode("{}")), "weights_header", /weight_map/],
  ["the index names a file elsewhere", (files) => (files[INDEX] = new TextEncoder().encode(JSON.stringify({ weight_map: { a: "../../secret.safetensors" } }))), "weights_header", /secret/],
  ["a file is cut off", (files) => (files["model-00001-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"].subarray(0, 9000)), "weights_length", /model-00001/],
  ["a file is cut off in its header", (files) => (files["model-00001-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"].subarray(0, 90)), "weights_length", /within its header/],
  ["a file goes on after its end", (files) => (files["model-00001-of-00002.safetensors"] = new Uint8Array([...files["model-00001-of-00002.safetensors"], 0])), "weights_length", /more bytes/],
  ["a tensor comes twice", (files) => (files["model-00002-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"]), "weights_header", /another file/],
  ["a header lies about its length", (files) => files["model-00001-of-00002.safetensors"].set([255, 255, 255, 255, 255, 255, 0, 0]), "weights_header", /announces a header/],
]) {
  test(`a sharded model is refused where ${name}`, async () => {
    const files = sharded(2);
    change(files);
    await rejects(kind, Classifier.load(files), message);
  });
}

test("neither file nor index: what is told is the file that every model has", async (t) => {
  const { "model.safetensors": _, ...files } = filesOf();
  const { url } = await serveModel(t, files);
  await rejects("network", Classifier.load(url), /model\.safetensors answered 404/);
});
