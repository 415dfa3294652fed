// A wrong option is an error that names it; it never falls back to a default.

import { test } from "node:test";
import { Classifier } from "tabsense";
import { rejects, tiny, TINY } from "./support.mjs";

const LOAD = {
  "an option that is none": [{ divice: "cpu" }, "invalid_argument", /divice/],
  "a device that is none": [{ device: "tpu" }, "invalid_argument", /tpu/],
  "a device of another type": [{ device: true }, "invalid_argument", /device/],
  "half precision on the CPU": [{ device: "cpu", dtype: "fp16" }, "invalid_argument", /half-precision/],
  "a dtype that is none": [{ dtype: "int3" }, "invalid_argument", /int3/],
  "a dtype of another type": [{ dtype: 8 }, "invalid_argument", /dtype/],
  "a callback that is none": [{ onProgress: "yes" }, "invalid_argument", /onProgress/],
  "a signal that is none": [{ signal: {} }, "invalid_argument", /signal/],
  "a worker that is no switch": [{ worker: 1 }, "invalid_argument", /worker/],
  "threads of none": [{ threads: 0 }, "invalid_argument", /threads/],
  "threads in part": [{ threads: 1.5 }, "invalid_argument", /threads/],
  "more threads than there are to share out to": [{ threads: 65 }, "invalid_argument", /threads/],
  "threads that are a text": [{ threads: "2" }, "invalid_argument", /threads.*"2"/],
  "a hub that is no origin": [{ hub: "the hub" }, "invalid_argument", /hub/],
  "a hub of another protocol": [{ hub: "file:///etc" }, "invalid_argument", /hub/],
  "a models folder that is none": [{ models: 3 }, "invalid_argument", /models/],
  "a wasm that is no URL": [{ wasm: 3 }, "invalid_argument", /wasm/],
  "a wasm that is not there": [{ wasm: "/no/such/file.wasm" }, "environment", /file\.wasm/],
  "a wasm that is something else": [{ wasm: `${TINY}/config.json` }, "environment", /WebAssembly/],
  "options that are none": ["cpu", "invalid_argument", /options/],
};

for (const [name, [options, kind, message]] of Object.entries(LOAD)) {
  test(`load: ${name}`, async () => {
    await rejects(kind, Classifier.load(TINY, options), message);
  });
}

const CLASSIFY = {
  "an option that is none": [{ topk: 1 }, /topk/],
  "topK of zero": [{ topK: 0 }, /topK/],
  "topK below zero": [{ topK: -1 }, /topK/],
  "topK that is no whole number": [{ topK: 1.5 }, /topK/],
  "topK that is a text": [{ topK: "2" }, /topK/],
  "topK that is not a number": [{ topK: NaN }, /topK/],
  "details that is not a boolean": [{ details: "yes" }, /details/],
  "a signal that is none": [{ signal: new AbortController() }, /signal/],
  "a callback that is none": [{ onProgress: true }, /onProgress/],
  "options that are none": [null, /options/],
};

test("classify rejects each wrong option and keeps working", async (t) => {
  const classifier = await tiny(t);
  for (const [name, [options, message]] of Object.entries(CLASSIFY)) {
    await t.test(name, () => rejects("invalid_argument", classifier.classify("text", options), message));
  }
  await classifier.classify("text");
});
