// Every implementation that can be measured, in one place: a new one is one entry here and, where it needs
// code of its own, one module beside this file (or one class in bench/python/run.py) that loads a model and
// classifies.

/**
 * Without it headless Chromium has no WebGPU adapter; with it, a software adapter if no graphics card is
 * supported.
 */
const WEBGPU = ["--enable-unsafe-webgpu"];

/**
 * An entry's fields:
 * - `host`: where it runs: "browser" (a page of its own), "node" or "python" (a process of its own).
 * - `module`: the module beside this file that the page or Node imports; its `load(options)` yields `{
 *   classify, memory, dispose }`, and where they are known `variant` (the build) and `adapter` (the graphics
 *   card: `{ name, software }`).
 * - `options`: what the entry adds to the options of `load`.
 * - `device`, `dtypes`, `maxThreads`: what it computes on ("cpu" or "webgpu"), what it can be asked for, and
 *   how many threads it can use.
 * - `weights(dtype)`: the model's files it reads: "fp32", "int8" or "int4" (safetensors), "onnx" or "onnx-int8"
 *   (bench/export).
 * - `own`: whether it is Tabsense, which the others are compared with; `peer`: whether it needs the packages
 *   of `devDependencies`.
 * - `needsIds`: it has no tokenizer, so it is given the tokens' ids.
 * - `skipsLastRows`: in the last layer it computes only what the head reads (bench/predict.mjs counts its
 *   arithmetic so).
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
 * fp16 is made from fp32 while it loads; so are int8 and int4 where there is no such file (bench/models.mjs).
 */
function safetensors(dtype) {
  return dtype === "fp16" ? "fp32" : dtype;
}

function onnx(dtype) {
  return dtype === "fp32" ? "onnx" : "onnx-int8";
}
