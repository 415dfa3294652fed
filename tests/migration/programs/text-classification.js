// Sentences one at a time, with the quantized model.

import { env, pipeline } from "@huggingface/transformers";

env.remoteHost = window.HUB;
env.backends.onnx.wasm.wasmPaths = "/ort/";

const classifier = await pipeline("text-classification", "org/mini-distilbert", { dtype: "q8" });

for (const text of window.TEXTS) {
  console.log(await classifier(text));
  console.log(await classifier(text, { top_k: 2 }));
  console.log(await classifier(text, { top_k: null }));
}

await classifier.dispose();
console.log("done");
