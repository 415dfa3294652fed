// Many reviews at a time, and the count of each label.

import { env, pipeline } from "@huggingface/transformers";

env.remoteHost = window.HUB;
env.backends.onnx.wasm.wasmPaths = "/ort/";
env.backends.onnx.wasm.numThreads = 1;

const classify = await pipeline("sentiment-analysis", "org/mini-distilbert", {
  device: "wasm",
  dtype: "fp32",
});
const batchSize = 3;

const counts = {};
for (let i = 0; i < window.TEXTS.length; i += batchSize) {
  const batch = window.TEXTS.slice(i, i + batchSize);
  const results = await classify(batch);
  console.log(results);
  for (const { label } of results) counts[label] = (counts[label] ?? 0) + 1;
}
console.log(counts);

const [best, second] = await classify(window.TEXTS.slice(0, 2), { top_k: 2 });
console.log(best[0].label, second[1].score > best[0].score);
console.log(await classify(window.TEXTS, { top_k: null }));
console.log(classify.model.config.id2label);
console.log("done");
