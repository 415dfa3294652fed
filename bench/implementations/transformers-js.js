// transformers.js: its text-classification pipeline, text in, scores out.

const NAMES = { int8: "q8", fp32: "fp32" };
const RUNTIME = "/peers/onnxruntime-web/dist/";

/** Creates a pipeline from the folder `model.source` (in the layout of a model hub). */
export async function load({ package: address, model, dtype, threads }) {
  const { env, pipeline } = await import(address);
  const folder = new URL(model.source, location.href);
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = new URL("..", folder).pathname;
  const runtime = (file) => new URL(RUNTIME + file, location.href).href;
  // By default the library fetches the build that also has WebGPU. The CPU-only build is
  // 1.7 MB smaller in brotli.
  env.backends.onnx.wasm.wasmPaths =
    dtype === "default"
      ? runtime("")
      : { mjs: runtime("ort-wasm-simd-threaded.mjs"), wasm: runtime("ort-wasm-simd-threaded.wasm") };
  const options = dtype === "default" ? {} : { device: "wasm", dtype: NAMES[dtype] };
  if (dtype !== "default") env.backends.onnx.wasm.numThreads = threads;
  const classifier = await pipeline(
    "text-classification",
    folder.pathname.split("/").filter(Boolean).at(-1),
    options,
  );
  const place = new Map(model.labels.map((label, index) => [label, index]));
  const toRow = (scores) => {
    const row = new Array(place.size);
    for (const { label, score } of scores) row[place.get(label)] = score;
    return row;
  };
  return {
    async classify(texts) {
      // A list of one text gives one list of scores, as a plain text does; longer lists
      // give a list for each text.
      const scores = await classifier(texts.length === 1 ? texts[0] : texts, { top_k: null });
      return texts.length === 1 ? [toRow(scores)] : scores.map(toRow);
    },
    memory: () => null,
    dispose: () => classifier.dispose(),
  };
}
