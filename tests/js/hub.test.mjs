// A model on a hub: which of its files are fetched, which requests go to the hub and to its CDN, and the
// errors if the hub refuses. All weights are safetensors, whatever their name; the engine recognizes them by
// their content.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier, clearCachedFiles, pipeline } from "tabsense";
import { startHub } from "../common/hub.mjs";
import { safetensors } from "./sharded.mjs";
import { filesOf, rejects, tiny } from "./support.mjs";

const { "model.safetensors": WEIGHTS, ...SMALL } = filesOf();
const TEXT = "a small test";
const QUANTIZED = "onnx/model_quantized.onnx";

/** The tiny model's weights, `bytes` longer. */
function longer(bytes) {
  const length = Number(new DataView(WEIGHTS.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(WEIGHTS.subarray(8, 8 + length)));
  const padded = { ...header, __metadata__: { note: "x".repeat(bytes) } };
  return safetensors(padded, WEIGHTS.subarray(8 + length));
}

/** A repository like those for transformers.js, along with the original's weights. */
const FULL = {
  ...SMALL,
  "model.safetensors": longer(9000),
  "pytorch_model.bin": longer(9500),
  "onnx/model.onnx": longer(10_000),
  "onnx/model_fp16.onnx": longer(5000),
  [QUANTIZED]: longer(1000),
  "onnx/model_int8.onnx": longer(1001),
  "onnx/model_uint8.onnx": longer(1002),
  "onnx/model_q4.onnx": longer(800),
  "onnx/model_q4f16.onnx": longer(700),
};

async function hubOf(t, repositories, options) {
  await clearCachedFiles();
  const hub = await startHub(repositories, options);
  t.after(() => hub.close());
  const of = (server) => hub.log.filter((entry) => entry.server === server);
  return {
    ...hub,
    listings: () => of("hub").filter(({ path }) => path.includes("/tree/")),
    /** The weights that were requested, in order. */
    weights: () =>
      of("hub")
        .map(({ path, status }) => [/\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1], status])
        .filter(([name]) => name && /safetensors|onnx|\.bin/.test(name)),
    missing: () => of("hub").filter(({ status }) => status === 404),
  };
}

/** Loads without a worker, because where it runs isn't tested here. */
async function load(t, name, hub, options = {}) {
  const device = options.dtype === "fp16" ? "auto" : "cpu";
  const classifier = await Classifier.load(name, {
    hub: hub.url,
    device,
    worker: false,
    threads: 1,
    ...options,
  });
  t.after(() => classifier.dispose());
  return classifier;
}

async function right(t, classifier) {
  assert.deepEqual(
    await classifier.classify(TEXT, { topK: null }),
    await (await tiny(t, { device: "cpu", threads: 1 })).classify(TEXT, { topK: null }),
  );
}

for (const [dtype, file] of Object.entries({
  auto: QUANTIZED,
  fp32: "model.safetensors",
  fp16: "onnx/model_fp16.onnx",
  q8: QUANTIZED,
  int8: "onnx/model_int8.onnx",
  uint8: "onnx/model_uint8.onnx",
  q4: "onnx/model_q4.onnx",
  q4f16: "onnx/model_q4f16.onnx",
  int4: "model.safetensors",
})) {
  test(`dtype ${dtype} fetches ${file}, and requests no missing files`, async (t) => {
    const hub = await hubOf(t, { "org/model": { files: FULL } });
    const classifier = await load(t, "org/model", hub, { dtype });
    assert.equal(classifier.info.file, file);
    assert.deepEqual(hub.weights(), [[file, 302]]);
    assert.equal(hub.listings().length, 1);
    assert.deepEqual(
      hub.missing().map(({ path }) => path),
      ["/org/model/resolve/main/tokenizer_config.json"],
    );
    if (dtype === "auto") await right(t, classifier);
  });
}

for (const worker of [true, false]) {
  test(`progress and info use the file's name in the repository, worker: ${worker}`, async (t) => {
    const hub = await hubOf(t, { "org/model": { files: FULL } });
    const [progress, events] = [[], []];
    const pipe = await pipeline("text-classification", "org/model", {
      hub: hub.url,
      device: "wasm",
      worker,
      onProgress: (event) => event.stage === "weights" && progress.push(event),
      progress_callback: (event) => event.file === QUANTIZED && events.push(event.status),
    });
    t.after(() => pipe.dispose());
    assert.equal(pipe.classifier.info.file, QUANTIZED);
    assert.ok(progress.every(({ file, total }) => file === QUANTIZED && total === FULL[QUANTIZED].length));
    assert.match(events.join(" "), /^initiate download( progress)+ done$/);
  });
}

test("a later start needs neither a listing nor a connection", async (t) => {
  const hub = await hubOf(t, { "org/model": { files: FULL } });
  await (await load(t, "org/model", hub)).dispose();
  hub.log.length = 0;
  await (await load(t, "org/model", hub)).dispose();
  assert.deepEqual([hub.listings(), hub.log.filter(({ server }) => server === "cdn").length], [[], 1]);
  await hub.close();
  const classifier = await load(t, "org/model", hub);
  assert.equal(classifier.info.file, QUANTIZED);
  await right(t, classifier);
});

test("weights that are kept are not fetched for another dtype, and both are kept", async (t) => {
  const hub = await hubOf(t, { "org/model": { files: FULL } });
  await (await load(t, "org/model", hub, { dtype: "fp32" })).dispose();
  await (await load(t, "org/model", hub, { dtype: "q8" })).dispose();
  hub.log.length = 0;
  await (await load(t, "org/model", hub, { dtype: "int4" })).dispose();
  assert.equal(hub.listings().length, 1, "which file is wanted is asked once for each dtype");
  assert.ok(
    hub.log.filter(({ server }) => server === "cdn").every(({ headers }) => headers["if-none-match"]),
    "the copies are asked about, and nothing is read",
  );
  await hub.close();
  for (const [dtype, file] of [
    ["fp32", "model.safetensors"],
    ["int4", "model.safetensors"],
    ["q8", QUANTIZED],
  ])
    assert.equal((await load(t, "org/model", hub, { dtype })).info.file, file);
});

test("looks for a new version again, and keeps nothing of the old one", async (t) => {
  const files = { ...FULL };
  const hub = await hubOf(t, { "org/model": { files } });
  await (await load(t, "org/model", hub, { dtype: "fp32" })).dispose();
  await (await load(t, "org/model", hub)).dispose();
  files[QUANTIZED] = longer(1200);
  files["onnx/model_uint8.onnx"] = longer(500);
  const { info } = await load(t, "org/model", hub);
  assert.equal(info.file, "onnx/model_uint8.onnx");
});

for (const listing of [403, 404, 405, 429, 501, "page"]) {
  test(`a hub that answers ${listing} for a listing: files are asked for, the usual one first`, async (t) => {
    const hub = await hubOf(t, { "org/model": { files: FULL, listing } });
    assert.equal((await load(t, "org/model", hub)).info.file, "model.safetensors");
    assert.deepEqual(hub.weights(), [["model.safetensors", 302]]);
  });
}

test("without a listing, each file that isn't there is asked for once", async (t) => {
  const files = { ...SMALL, "onnx/model.onnx": WEIGHTS };
  const hub = await hubOf(t, { "org/model": { files, listing: 404 } });
  const classifier = await load(t, "org/model", hub);
  assert.equal(classifier.info.file, "onnx/model.onnx");
  await classifier.dispose();
  const tried = hub.weights().map(([name]) => name);
  assert.deepEqual(tried, [
    "model.safetensors",
    "model.safetensors.index.json",
    QUANTIZED,
    "onnx/model_int8.onnx",
    "onnx/model_uint8.onnx",
    "onnx/model_fp16.onnx",
    "onnx/model.onnx",
  ]);
  hub.log.length = 0;
  await load(t, "org/model", hub);
  assert.ok(
    hub.weights().every(([name]) => name === "onnx/model.onnx"),
    "and a later start knows it",
  );
});

test("a listing in pages, through a mirror that is below a path", async (t) => {
  const hub = await hubOf(t, { "org/model": { files: FULL } }, { prefix: "/mirror/x", pageSize: 3 });
  assert.equal((await load(t, "org/model", hub)).info.file, QUANTIZED);
  assert.equal(hub.listings().length, Math.ceil((Object.keys(FULL).length + 1) / 3));
});

test("a revision with slashes: one part of the path, of the listing's too", async (t) => {
  const hub = await hubOf(t, {
    "org/model": { files: SMALL },
    "org/model@refs/pr/8": { files: { ...SMALL, "model.safetensors": WEIGHTS } },
  });
  await right(t, await load(t, "org/model@refs/pr/8", hub));
  const paths = hub.log.filter(({ server }) => server === "hub").map(({ path }) => path);
  assert.ok(paths.includes("/org/model/resolve/refs%2Fpr%2F8/model.safetensors"));
  assert.ok(paths.includes("/api/models/org/model/tree/refs%2Fpr%2F8?recursive=true"));
});

test("names the pull request that has a model's weights", async (t) => {
  const hub = await hubOf(t, {
    "org/model": { files: { ...SMALL, "tf_model.h5": WEIGHTS } },
    "org/model@refs/pr/3": { files: SMALL },
    "org/model@refs/pr/8": { files: { ...SMALL, "model.safetensors": WEIGHTS } },
  });
  await rejects(
    "network",
    load(t, "org/model", hub),
    /model\.safetensors answered 404.*Weights are in a pull request: load "org\/model@refs\/pr\/8"\.$/,
  );
  await rejects("network", load(t, "org/model@refs/pr/3", hub), /load "org\/model@refs\/pr\/8"/);
});

test("what can't be read is named, and what another dtype would take", async (t) => {
  const hub = await hubOf(t, {
    "org/keras": { files: { ...SMALL, "tf_model.h5": WEIGHTS, "onnx/model_bnb4.onnx": WEIGHTS } },
    "org/q8": { files: { ...SMALL, [QUANTIZED]: WEIGHTS } },
  });
  await rejects(
    "network",
    load(t, "org/keras", hub),
    /and tf_model\.h5 or onnx\/model_bnb4\.onnx can't be read/,
  );
  await rejects(
    "network",
    load(t, "org/q8", hub, { dtype: "fp32" }),
    /For dtype "fp32" there is no file, but onnx\/model_quantized\.onnx: use dtype "auto"\.$/,
  );
});

test("subfolder and the name of the file, as transformers.js has them", async (t) => {
  const files = { ...FULL, "int8/model_O4_quantized.onnx": WEIGHTS };
  const hub = await hubOf(t, { "org/model": { files } });
  const { info } = await load(t, "org/model", hub, {
    subfolder: "int8",
    modelFileName: "model_O4",
    dtype: "q8",
  });
  assert.equal(info.file, "int8/model_O4_quantized.onnx");
  const pipe = await pipeline("text-classification", "org/model", {
    hub: hub.url,
    device: "wasm",
    worker: false,
    subfolder: "int8",
    model_file_name: "model_O4_quantized",
  });
  t.after(() => pipe.dispose());
  assert.equal(pipe.classifier.info.file, "int8/model_O4_quantized.onnx");
});

test("a repository that has moved, JSON without an ETag, and weights in Git LFS", async (t) => {
  const hub = await hubOf(t, {
    "old/model": { moved: "org/model", files: {} },
    "org/model": { files: FULL, etag: false },
    "org/pointers": { files: FULL, pointers: true },
  });
  assert.equal((await load(t, "old/model", hub)).info.file, QUANTIZED);
  await rejects("not_a_model", load(t, "org/pointers", hub), /Git LFS pointer/);
});

for (const [what, name, kind, message] of [
  [
    "a gated model",
    "org/gated",
    "network",
    /401.*gated: accept its terms at \S+\/org\/gated, then pass your token/,
  ],
  ["no such model", "org/none", "network", /401.*doesn't exist or is private.*token/],
  ["a disabled model", "org/disabled", "network", /403.*disabled access to this model/],
  ["no such revision", "org/model@v9", "network", /404.*no revision "v9".*pull request/],
  ["no such revision with slashes", "org/model@refs/pr/9", "network", /no revision "refs\/pr\/9"/],
]) {
  test(`a sentence for ${what}`, async (t) => {
    const hub = await hubOf(t, {
      "org/model": { files: FULL },
      "org/gated": { gated: true, files: FULL },
      "org/disabled": { disabled: true, files: FULL },
    });
    await rejects(kind, load(t, name, hub), message);
  });
}

test("reports a missing file, and a hub's rate limit", async (t) => {
  const { "config.json": _, ...rest } = FULL;
  const hub = await hubOf(t, {
    "org/model": { files: rest },
    "org/busy": { files: FULL, busy: 1, retryAfter: 1 },
    "org/overloaded": { files: FULL, busy: 99, retryAfter: 3600 },
  });
  await rejects("network", load(t, "org/model", hub), /404.*no file "config\.json" at revision "main"/);
  await right(t, await load(t, "org/busy", hub));
  const start = performance.now();
  await rejects("network", load(t, "org/overloaded", hub), /429.*Try again in 3600 seconds.*token/);
  assert.ok(performance.now() - start < 3000, "an hour is not waited for");
});

test("headers reach the hub and never the CDN", async (t) => {
  const carries = ({ headers }) => /secret/.test(`${headers.authorization} ${headers["x-token"]}`);
  for (const headers of [
    { Authorization: "Bearer secret" },
    { "X-Token": "secret" },
    () => ({ "X-Token": "secret", Authorization: "Bearer secret" }),
  ]) {
    const hub = await hubOf(t, { "org/model": { files: FULL, token: "secret" } });
    const classifier = await load(t, "org/model", hub, { headers });
    assert.equal(classifier.info.file, QUANTIZED);
    await classifier.dispose();
    const [onHub, onCdn] = ["hub", "cdn"].map((server) => hub.log.filter((entry) => entry.server === server));
    assert.ok(onHub.length > 0 && onHub.every(carries));
    assert.ok(onCdn.length > 0 && !onCdn.some(carries));
    // Revalidating a copy does the same.
    hub.log.length = 0;
    await load(t, "org/model", hub, { headers });
    const asked = hub.log.filter(({ server }) => server === "cdn");
    assert.ok(asked.length > 0 && !asked.some(carries));
  }
});

test("redirects in a circle end", async (t) => {
  const hub = await hubOf(t, { "a/b": { moved: "a/b", files: {} } });
  await rejects("network", load(t, "a/b", hub, { headers: { "X-Token": "one" } }), /redirects/);
});
