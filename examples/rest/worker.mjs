/**
 * The service on workerd, which has no worker threads, no disk, and WebAssembly only as an imported module.
 *
 * The binding MODEL serves the model's files: a `disk` service here (workerd.capnp), static assets or a
 * bucket on Cloudflare.
 */

import { Classifier } from "tabsense";
import wasm from "tabsense/wasm/simd.wasm";
import { createApp } from "./app.mjs";
import { createModel } from "./service/model.mjs";

const FILES = ["config.json", "tokenizer.json", "model.safetensors"];

const model = createModel(async ({ MODEL }, signal) => {
  const files = FILES.map(async (name) => {
    const response = await MODEL.fetch(`http://model/${name}`, { signal });
    if (!response.ok) throw new Error(`${name}: the binding MODEL answered ${response.status}`);
    return [name, await response.arrayBuffer()];
  });
  return Classifier.load(Object.fromEntries(await Promise.all(files)), { worker: false, wasm, signal });
});

const app = createApp({ model });

export default {
  fetch(request, env, context) {
    // The load must outlive the request that started it.
    context.waitUntil(model.get(env).catch(() => {}));
    return app.fetch(request, env, context);
  },
};
