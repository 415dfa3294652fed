import { env, pipeline } from "@huggingface/transformers";

env.allowLocalModels = false;
env.remoteHost = process.env.NEXT_PUBLIC_HUB;
env.backends.onnx.wasm.wasmPaths = `${self.location.origin}/ort/`;

class Sentiment {
  static instance = null;

  static async getInstance(progress_callback = null) {
    this.instance ??= pipeline("text-classification", "org/mini-distilbert", {
      dtype: "q8",
      progress_callback,
    });
    return this.instance;
  }
}

self.addEventListener("message", async ({ data }) => {
  const classifier = await Sentiment.getInstance((x) => self.postMessage(x));
  const output = await classifier(data.text, { top_k: 2 });
  self.postMessage({ status: "complete", output });
});
