// onnxruntime-web without a tokenizer: ids in, probabilities out. Texts of unequal length are padded and
// masked, as its users do.

import { adapterOf } from "./adapter.js";

/** Creates a session from the ONNX file at `model.source`. */
export async function load({ package: address, provider, model, threads }) {
  const ort = await import(address);
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(model.source, {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
  });
  return {
    adapter: provider === "webgpu" ? adapterOf((await ort.env.webgpu.device).adapterInfo) : null,
    async classify(texts, ids) {
      const length = Math.max(...ids.map((row) => row.length));
      const dims = [ids.length, length];
      const values = new BigInt64Array(ids.length * length);
      const mask = new BigInt64Array(ids.length * length);
      for (const [b, row] of ids.entries()) {
        for (const [t, id] of row.entries()) {
          values[b * length + t] = BigInt(id);
          mask[b * length + t] = 1n;
        }
      }
      const { logits } = await session.run({
        input_ids: new ort.Tensor("int64", values, dims),
        attention_mask: new ort.Tensor("int64", mask, dims),
      });
      const data = await logits.getData();
      const labels = logits.dims[1];
      return ids.map((_, b) => softmax(data.subarray(b * labels, (b + 1) * labels)));
    },
    memory: () => null,
    dispose: () => session.release(),
  };
}

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}
