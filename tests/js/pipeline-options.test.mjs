// The options of transformers.js: each is supported, has no effect, or is refused with an alternative.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, pipeline } from "tabsense";
import { filesOf, rejects, ROOT, serveModel, TINY, rejectsAborted } from "./support.mjs";

const TEXT = "live rest";
const TASK = "text-classification";

// Without a worker, which starts sooner; where it runs isn't tested here.
async function open(t, model, options) {
  const pipe = await pipeline(TASK, model, options && { worker: false, ...options });
  t.after(() => pipe.dispose());
  return pipe;
}

async function load(t, source, options) {
  const classifier = await Classifier.load(source, { worker: false, ...options });
  t.after(() => classifier.dispose());
  return classifier;
}

const COUNTERPARTS = [
  [{ device: "wasm" }, { device: "cpu" }],
  [{ device: "cpu" }, { device: "cpu" }],
  [{ device: { model: "wasm" } }, { device: "cpu" }],
  [{ device: "webgpu" }, { device: "webgpu" }],
  [{ device: "gpu" }, { device: "webgpu" }],
  [{ device: "auto" }, {}],
  [{ device: null, dtype: null }, {}],
  [{ dtype: "auto" }, {}],
  [{ dtype: "fp32" }, { dtype: "fp32" }],
  [{ dtype: "fp16" }, { dtype: "fp16" }],
  [{ dtype: "q8" }, { dtype: "int8" }],
  [{ dtype: "int8" }, { dtype: "int8" }],
  [{ dtype: "uint8" }, { dtype: "int8" }],
  [{ dtype: { model: "q8" } }, { dtype: "int8" }],
  [{ dtype: "q4" }, { dtype: "int4" }],
  [{ dtype: "q4f16" }, { dtype: "int4" }],
  [{ dtype: "int4" }, { dtype: "int4" }],
];

for (const [theirs, ours] of COUNTERPARTS) {
  test(`${JSON.stringify(theirs)} is ${JSON.stringify(ours)}`, async (t) => {
    const pipe = await open(t, TINY, theirs);
    const classifier = await load(t, TINY, ours);
    const chosen = ({ device, dtype, webgpu }) => ({ device, dtype, webgpu });
    assert.deepEqual(chosen(pipe.classifier.info), chosen(classifier.info));
    assert.deepEqual(await pipe(TEXT, { top_k: null }), await classifier.classify(TEXT, { topK: null }));
  });
}

/** Options without an effect: transformers.js's defaults written out, and null, its "not given". */
const NOTHING = {
  "the defaults of transformers.js": {
    progress_callback: null,
    config: null,
    cache_dir: null,
    local_files_only: false,
    revision: "main",
    device: null,
    dtype: null,
    subfolder: "onnx",
    use_external_data_format: null,
    model_file_name: null,
    session_options: {},
  },
  "their undefined": Object.fromEntries(
    [
      "progress_callback",
      "config",
      "cache_dir",
      "local_files_only",
      "revision",
      "device",
      "dtype",
      "subfolder",
      "use_external_data_format",
      "model_file_name",
      "session_options",
      "signal",
      "threads",
      "worker",
      "models",
    ].map((key) => [key, undefined]),
  ),
  "external data": { use_external_data_format: true },
  "external data by file": { use_external_data_format: { model: 2 } },
  "the usual file name": { model_file_name: "model", subfolder: "" },
  "a revision of what is on no hub": { revision: "refs/pr/1" },
  "no options": null,
};

for (const [name, options] of Object.entries(NOTHING)) {
  test(`changes nothing: ${name}`, async (t) => {
    const pipe = await open(t, TINY, options);
    assert.deepEqual(
      await pipe(TEXT, { top_k: null }),
      await (await load(t, TINY)).classify(TEXT, { topK: null }),
    );
  });
}

const REFUSED = {
  "an option that is none": [
    { progres_callback: () => {} },
    /progres_callback.*progress_callback.*session_options.*device.*wasm/,
  ],
  "an option of transformers.js 2": [{ quantized: true }, /quantized/],
  "a device of another engine": [
    { device: "webnn-gpu" },
    /device.*"webgpu".*"wasm".*"auto".*not "webnn-gpu"/,
  ],
  "a device that is none": [{ device: "tpu" }, /tpu/],
  "a device of another type": [{ device: 1 }, /device.*not 1/],
  "a device named as an object has it": [{ device: "constructor" }, /device/],
  "devices of parts that a classifier doesn't have": [
    { device: { encoder_model: "wasm" } },
    /device.*"model" only.*encoder_model/,
  ],
  "a device of a part that is none": [{ device: { model: "tpu" } }, /tpu/],
  "a number format without a counterpart": [{ dtype: "bnb4" }, /dtype.*"int4".*not "bnb4"/],
  "fewer bits than there are": [{ dtype: "q2f16" }, /dtype.*for 4, .*not "q2f16"/],
  "half precision on the CPU": [{ device: "wasm", dtype: "fp16" }, /half-precision/],
  "a configuration": [{ config: { model_type: "distilbert" } }, /config is not supported.*config\.json/],
  "a folder of a cache": [{ cache_dir: "./.cache" }, /cache_dir is not supported.*folder/],
  "a folder elsewhere": [
    { subfolder: "../onnx" },
    /subfolder must be a folder of the repository.*"\.\.\/onnx"/,
  ],
  "a folder that is none": [{ subfolder: 1 }, /subfolder.*not 1/],
  "a file elsewhere": [{ model_file_name: "a/model" }, /model_file_name.*"a\/model"/],
  "options of onnxruntime": [
    { session_options: { intraOpNumThreads: 2 } },
    /session_options.*onnxruntime.*threads/,
  ],
  "options of onnxruntime that are none": [{ session_options: "fast" }, /session_options/],
  "external data of another type": [{ use_external_data_format: "yes" }, /use_external_data_format/],
  "a callback that is none": [{ progress_callback: true }, /progress_callback.*function/],
  "a switch that is none": [{ local_files_only: 1 }, /local_files_only/],
  "a revision that is none": [{ revision: "a b" }, /revision.*"a b"/],
  "a revision of another type": [{ revision: 3 }, /revision/],
  "an own option of another type": [{ threads: 0 }, /threads/],
  "an own callback of another type": [{ onProgress: 1, progress_callback: () => {} }, /onProgress/],
  "options that are none": ["wasm", /options/],
};

for (const [name, [options, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, async () => {
    const events = [];
    const silent = typeof options !== "object" || options.progress_callback !== undefined;
    await rejects(
      "invalid_argument",
      pipeline(
        TASK,
        TINY,
        silent ? options : { ...options, progress_callback: (event) => events.push(event) },
      ),
      message,
    );
    assert.deepEqual(events, []);
  });
}

for (const task of ["text-generation", "fill-mask", "", undefined, 7]) {
  test(`refused: the task ${JSON.stringify(task)}`, async () => {
    await rejects(
      "invalid_argument",
      pipeline(task, TINY),
      /The tasks are text-classification, sentiment-analysis/,
    );
  });
}

test("rejects each wrong option of a call and keeps working", async (t) => {
  const pipe = await open(t, TINY, { device: "wasm" });
  for (const options of [
    { topk: 2 },
    { topK: 2 },
    { top_k: 0 },
    { top_k: -1 },
    { top_k: 1.5 },
    { top_k: "2" },
    { top_k: NaN },
    { signal: {} },
    null,
    3,
  ]) {
    await rejects(
      "invalid_argument",
      pipe(TEXT, options),
      options === null || options === 3 ? /options/ : new RegExp(Object.keys(options)[0]),
    );
  }
  await pipe(TEXT);
});

test("revision: a model on a hub", async (t) => {
  const { origin, requests } = await serveModel(t, filesOf(), {}, "/org/name/resolve/refs%2Fpr%2F1/");
  const pipe = await open(t, "org/name", { hub: origin, revision: "refs/pr/1" });
  assert.equal((await pipe(TEXT)).length, 1);
  assert.ok(requests.includes("/org/name/resolve/refs%2Fpr%2F1/model.safetensors"), requests.join(" "));
});

test("revision: main is what a hub gives anyway, also by both names", async (t) => {
  const { origin } = await serveModel(t, filesOf(), {}, "/org/name/resolve/main/");
  for (const [model, revision] of [
    ["org/name", "main"],
    ["org/name", null],
    ["org/name@main", "main"],
  ]) {
    const pipe = await open(t, model, { hub: origin, revision });
    assert.equal((await pipe(TEXT)).length, 1);
  }
});

test("revision: the name's own stays where the option has the default's", async (t) => {
  const { origin } = await serveModel(t, filesOf(), {}, "/org/name/resolve/v2/");
  await open(t, "org/name@v2", { hub: origin, revision: "main" });
  await open(t, "org/name@v2", { hub: origin, revision: "v2" });
  await rejects(
    "invalid_argument",
    pipeline(TASK, "org/name@v2", { hub: origin, revision: "v3" }),
    /"org\/name@v2".*"v3"/,
  );
});

test("local_files_only: a hub's name is a folder below models", async (t) => {
  for (const models of [join(ROOT, "test_data"), `${join(ROOT, "test_data")}/`]) {
    const pipe = await open(t, "models/tiny-f32", {
      models,
      local_files_only: true,
      hub: "http://127.0.0.1:9",
    });
    assert.equal(pipe.classifier.info.model.name, "tiny-f32");
  }
  const { origin, requests } = await serveModel(t, filesOf(), {}, "/static/org/name/");
  await open(t, "org/name", { models: `${origin}/static`, local_files_only: true });
  assert.equal(requests.length, 4);
});

test("local_files_only: where they are not, and what is on the network", async () => {
  await rejects("network", pipeline(TASK, "org/name", { local_files_only: true }), /models.org.name/);
  await rejects(
    "invalid_argument",
    pipeline(TASK, "https://example.org/model/", { local_files_only: true }),
    /local_files_only/,
  );
});

test("own options reach Classifier.load", async (t) => {
  await rejectsAborted(pipeline(TASK, TINY, { signal: AbortSignal.abort() }));
  const stages = new Set();
  const statuses = new Set();
  const pipe = await open(t, "tiny-f32", {
    models: join(ROOT, "test_data/models"),
    device: "cpu",
    threads: 1,
    worker: false,
    onProgress: ({ stage }) => stages.add(stage),
    progress_callback: ({ status }) => statuses.add(status),
  });
  assert.equal(pipe.classifier.info.threads, 1);
  assert.ok(stages.has("runtime") && stages.has("ready"), [...stages].join());
  assert.ok(statuses.has("ready"));
});

test("rejects options of calls and of older versions, and says so", async () => {
  for (const key of ["top_k", "topk", "return_all_scores", "truncation"])
    await rejects(
      "invalid_argument",
      pipeline(TASK, TINY, { [key]: null }),
      new RegExp(`${key}.*\\bcall\\b`),
    );
  await rejects("invalid_argument", pipeline(TASK, TINY, { quantized: false }), /dtype "q8".*"fp32"/);
});

test("a name without an organization says how models on a hub are named", async () => {
  const name = "distilbert-base-uncased-finetuned-sst-2-english";
  await rejects(
    "network",
    pipeline(TASK, name),
    /There is no model .* are named org\/name, such as "distilbert\/distilbert-base/,
  );
});

test("a repository without weights says which are read", async (t) => {
  const { "model.safetensors": _, ...others } = filesOf();
  const { origin } = await serveModel(t, others, {}, "/onnx/only/resolve/main/");
  await rejects(
    "network",
    pipeline(TASK, "onnx/only", { hub: origin }),
    /model\.safetensors answered 404.*ONNX files \(onnx\/model\.onnx.*Use a repository that has one/,
  );
});

test("a repository without tokenizer.json says where to find one", async (t) => {
  const { "tokenizer.json": _, ...others } = filesOf();
  const { origin } = await serveModel(t, others, {}, "/old/one/resolve/main/");
  await rejects(
    "network",
    pipeline(TASK, "old/one", { hub: origin }),
    /tokenizer\.json answered 404.*pass a tokenizer\.json with config\.json and the weights as files/,
  );
});
