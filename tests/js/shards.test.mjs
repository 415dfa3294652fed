// Weights in several files, as for checkpoints that are too large for one.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { INDEX, safetensors, sharded } from "./sharded.mjs";
import { filesOf, rejects, rounded, serveModel, tiny } from "./support.mjs";

async function sameAsWhole(t, classifier) {
  t.after(() => classifier.dispose());
  const text = "the same numbers from any number of files";
  assert.deepEqual(
    rounded(await classifier.classify(text, { topK: null })),
    rounded(await (await tiny(t)).classify(text, { topK: null })),
  );
}

for (const count of [1, 2, 5, 9]) {
  test(`a model in ${count} files from a server`, async (t) => {
    const { url, requests } = await serveModel(t, sharded(count));
    const progress = [];
    await sameAsWhole(
      t,
      await Classifier.load(url, {
        onProgress: (event) => event.stage === "weights" && progress.push(event),
      }),
    );
    assert.ok(requests.includes("/model/model.safetensors") && requests.includes(`/model/${INDEX}`));
    const bytes = progress.map(({ bytes }) => bytes);
    assert.deepEqual(
      bytes,
      [...bytes].sort((a, b) => a - b),
      "progress only grows",
    );
  });
}

for (const kind of ["Response", "stream"]) {
  test(`a model in 3 files of which each is a ${kind}`, async (t) => {
    const source = Object.fromEntries(
      Object.entries(sharded(3)).map(([name, bytes]) => [
        name,
        kind === "Response" ? new Response(bytes) : new Blob([bytes]).stream(),
      ]),
    );
    await sameAsWhole(t, await Classifier.load(source));
  });
}

test("a model in 3 files, passed and from a folder", async (t) => {
  const files = sharded(3);
  await sameAsWhole(t, await Classifier.load(files));
  const folder = mkdtempSync(join(tmpdir(), "tabsense-shards-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  await sameAsWhole(t, await Classifier.load(folder));
});

for (const [name, change, kind, message] of [
  [
    "a file is missing",
    (files) => delete files["model-00002-of-00002.safetensors"],
    "invalid_argument",
    /lacks model-00002/,
  ],
  [
    "the index is cut off",
    (files) => (files[INDEX] = files[INDEX].subarray(0, 20)),
    "weights_header",
    /is not JSON/,
  ],
  [
    "the index names nothing",
    (files) => (files[INDEX] = new TextEncoder().encode("{}")),
    "weights_header",
    /weight_map/,
  ],
  [
    "the index names a file elsewhere",
    (files) =>
      (files[INDEX] = new TextEncoder().encode(
        JSON.stringify({ weight_map: { a: "../../secret.safetensors" } }),
      )),
    "weights_header",
    /secret/,
  ],
  [
    "a file is cut off",
    (files) =>
      (files["model-00001-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"].subarray(
        0,
        9000,
      )),
    "weights_length",
    /model-00001/,
  ],
  [
    "a file is cut off in its header",
    (files) =>
      (files["model-00001-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"].subarray(0, 90)),
    "weights_length",
    /within its header/,
  ],
  [
    "a file goes on after its end",
    (files) =>
      (files["model-00001-of-00002.safetensors"] = new Uint8Array([
        ...files["model-00001-of-00002.safetensors"],
        0,
      ])),
    "weights_length",
    /more bytes/,
  ],
  [
    "a tensor comes twice",
    (files) => (files["model-00002-of-00002.safetensors"] = files["model-00001-of-00002.safetensors"]),
    "weights_header",
    /another weights file/,
  ],
  [
    "a header lies about its length",
    (files) => files["model-00001-of-00002.safetensors"].set([255, 255, 255, 255, 255, 255, 0, 0]),
    "weights_header",
    /has a header of/,
  ],
]) {
  test(`rejects a sharded model: ${name}`, async () => {
    const files = sharded(2);
    change(files);
    await rejects(kind, Classifier.load(files), message);
  });
}

const digest = (bytes) => `sha256-${createHash("sha256").update(bytes).digest("base64")}`;

test("verifies the digests of the index and the shards", async (t) => {
  const files = sharded(2);
  const { url } = await serveModel(t, files);
  const integrity = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, digest(bytes)]));
  await sameAsWhole(t, await Classifier.load(url, { integrity }));
  for (const name of Object.keys(integrity)) {
    await rejects(
      "integrity",
      Classifier.load(url, { integrity: { ...integrity, [name]: digest("another file") } }),
      new RegExp(`${name} doesn't match its digest`),
    );
  }
});

test("rejects a digest for a file that isn't read", async (t) => {
  const whole = await serveModel(t, filesOf());
  const parts = await serveModel(t, sharded(2));
  await rejects(
    "integrity",
    Classifier.load(parts.url, { integrity: { "model.safetensors": digest("") } }),
    /weights are in .*model-00002-of-00002/,
  );
  await rejects(
    "integrity",
    Classifier.load(sharded(2), { integrity: { "model.safetensors": digest("") } }),
    /Pass the digests/,
  );
  await rejects(
    "integrity",
    Classifier.load(whole.url, { integrity: { "model-00001-of-00002.safetensors": digest("") } }),
    /weights are in model\.safetensors\./,
  );
  await rejects(
    "integrity",
    Classifier.load(whole.url, { integrity: { [INDEX]: digest("") } }),
    /Pass the digests/,
  );
});

test("rejects headers whose total length is too large, in any number of files", async () => {
  const files = sharded(2);
  for (const name of Object.keys(files).filter((name) => /^model-.*safetensors$/.test(name))) {
    const length = Number(new DataView(files[name].buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(files[name].subarray(8, 8 + length)));
    files[name] = safetensors(
      { ...header, __metadata__: { note: "x".repeat(600_000) } },
      files[name].subarray(8 + length),
    );
  }
  await rejects("weights_header", Classifier.load(files), /up to model-00002-of-00002\.safetensors/);
});

test("names model.safetensors if there is neither file nor index", async (t) => {
  const { "model.safetensors": _, ...files } = filesOf();
  const { url } = await serveModel(t, files);
  const says =
    /model\.safetensors answered 404.*ONNX files.* and pytorch_model\.bin; none of these exists.*save_pretrained\.$/;
  await rejects("network", Classifier.load(url), says);
});
