// All implementations that can be measured. A new one needs an entry here and, if it has its own code, a
// module next to this file (or a class in bench/python/run.py) that loads a model and classifies.

/**
 * Without it headless Chromium has no WebGPU adapter; with it, a software adapter if no graphics card is
 * supported.
 */
const WEBGPU = ["--enable-unsafe-webgpu"];

/**
 * An entry's fields:
 * - `host`: where it runs: "browser" (its own page), "node" or "python" (its own process).
 * - `module`: the module next to this file that the page or Node imports; its `load(options)` resolves to
 *   `{ classify, memory, dispose }` and, if known, `variant` (the build) and `adapter` (the graphics card:
 *   `{ name, software }`).
 * - `options`: what the entry adds to the options of `load`.
 * - `device`, `dtypes`, `maxThreads`: what it computes on ("cpu" or "webgpu"), which dtypes it supports, and
 *   how many threads it can use.
 * - `weights(dtype)`: the model files that it reads: "fp32", "int8" or "int4" (safetensors), "onnx" or
 *   "onnx-int8" (bench/export).
 * - `own`: whether it is Tabsense, which the others are compared with; `peer`: whether it needs the packages
 *   of `devDependencies`.
 * - `needsIds`: it has no tokenizer, so it receives token ids.
 * - `skipsLastRows`: in the last layer it computes only what the head reads (bench/predict.mjs counts its
 *   operations accordingly).
 * - `browserArgs`: flags that Chromium needs for it.
 */
export const IMPLEMENTATIONS = {
  "tabsense-cpu": {
    host: "browser",
    module: "tabsense.js",
    options: { package: "/dist/index.js" },
    device: "cpu",
    dtypes: ["int8", "int4", "fp32"],
    maxThreads: 16,
    weights: safetensors,
    own: true,
    skipsLastRows: true,
  },
  "tabsense-webgpu": {
    host: "browser",
    module: "tabsense.js",
    options: { package: "/dist/index.js" },
    device: "webgpu",
    dtypes: ["int8", "int4", "fp16", "fp32"],
    maxThreads: 1,
    weights: safetensors,
    own: true,
    skipsLastRows: true,
    browserArgs: WEBGPU,
  },
  "tabsense-node": {
    host: "node",
    module: "tabsense.js",
    options: { package: "dist/node.js" },
    device: "cpu",
    dtypes: ["int8", "int4", "fp32"],
    maxThreads: 16,
    weights: safetensors,
    own: true,
    skipsLastRows: true,
  },
  "onnxruntime-web": {
    host: "browser",
    module: "onnxruntime-web.js",
    options: { package: "/peers/onnxruntime-web/dist/ort.wasm.min.mjs", provider: "wasm" },
    device: "cpu",
    dtypes: ["int8", "fp32"],
    maxThreads: 16,
    weights: onnx,
    peer: true,
    needsIds: true,
  },
  "onnxruntime-web-webgpu": {
    host: "browser",
    module: "onnxruntime-web.js",
    options: { package: "/peers/onnxruntime-web/dist/ort.webgpu.min.mjs", provider: "webgpu" },
    device: "webgpu",
    dtypes: ["fp32"],
    maxThreads: 1,
    weights: onnx,
    peer: true,
    needsIds: true,
    browserArgs: WEBGPU,
  },
  "transformers.js": {
    host: "browser",
    module: "transformers-js.js",
    options: { package: "/peers/@huggingface/transformers/dist/transformers.min.js" },
    device: "cpu",
    // "default" passes no option at all: the library picks its device, its precision (int8) and its threads.
    dtypes: ["default", "int8", "fp32"],
    maxThreads: 16,
    weights: onnx,
    peer: true,
  },
  pytorch: {
    host: "python",
    device: "cpu",
    dtypes: ["fp32"],
    maxThreads: 64,
    weights: () => "fp32",
    options: { engine: "pytorch" },
  },
  "onnxruntime-python": {
    host: "python",
    device: "cpu",
    dtypes: ["int8", "fp32"],
    maxThreads: 64,
    weights: onnx,
    options: { engine: "onnxruntime" },
  },
};

/**
 * fp16 is made from fp32 while it loads; so are int8 and int4 if there is no such file (bench/models.mjs).
 */
function safetensors(dtype) {
  return dtype === "fp16" ? "fp32" : dtype;
}

function onnx(dtype) {
  return dtype === "fp32" ? "onnx" : "onnx-int8";
}
