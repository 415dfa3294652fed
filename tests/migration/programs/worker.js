// The site's own models come first, then those of the hub if they are allowed.

import { env, pipeline } from "@huggingface/transformers";

env.allowLocalModels = true;
env.localModelPath = "/local/models";
env.useBrowserCache = false;
if (env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = "/ort/";

class Classifiers {
  static instances = new Map();

  static get(model, dtype, progress_callback) {
    if (!this.instances.has(model))
      this.instances.set(model, pipeline("text-classification", model, { dtype, progress_callback }));
    return this.instances.get(model);
  }
}

async function answer({ model, dtype, text, hub, end }) {
  if (end) return self.postMessage({ status: "end" });
  env.allowRemoteModels = hub !== undefined;
  if (hub) env.remoteHost = hub;
  try {
    const classifier = await Classifiers.get(model, dtype, (x) => self.postMessage(x));
    const output = await classifier(text, { top_k: null });
    self.postMessage({ status: "complete", output });
  } catch (error) {
    self.postMessage({ status: "error", message: error instanceof Error });
  }
}

// One after the other.
let queue = Promise.resolve();
self.addEventListener("message", ({ data }) => {
  queue = queue.then(() => answer(data));
});
