/**
 * The service on Node: `node node.mjs`, with PORT, HOST and MODEL (a folder, a URL, or "org/name" on a model
 * hub) from the environment. If TAUGHT names the file of a taught classifier, MODEL is its encoder.
 */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { Classifier, Embedder, TaughtClassifier } from "tabsense";
import { createApp } from "./app.mjs";
import { createModel } from "./service/model.mjs";
import { listen } from "./service/server.mjs";

/** The model's own classifier, or the one in the file `taught`, with the model as its encoder. */
async function loadClassifier(source, taught, options) {
  if (!taught) return Classifier.load(source, options);
  const saved = await readFile(taught, "utf8");
  const embedder = await Embedder.load(source, options);
  try {
    const mine = await TaughtClassifier.from(saved, embedder);
    return {
      classify: (texts, { topK, signal }) => mine.classify(texts, { topK, signal }),
      dispose: () => embedder.dispose(),
    };
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
}

/** Starts the service. Resolves to `{ url, stop }` once it listens; the model may still be loading. */
export async function start({
  source,
  taught,
  load = {},
  limits,
  port = 8787,
  host = "127.0.0.1",
  ...server
}) {
  const model = createModel((_, signal) => loadClassifier(source, taught, { ...load, signal }));
  model.get().catch(() => {}); // the log and /health report it
  return listen(createApp({ model, limits }), model, { port, host, ...server });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const {
    PORT = "8787",
    HOST = "127.0.0.1",
    TAUGHT,
    MODEL = TAUGHT ? "minilm-en" : "sentiment-en",
  } = process.env;
  const service = await start({ source: MODEL, taught: TAUGHT, port: Number(PORT), host: HOST });
  console.log(`Listening on ${service.url}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      console.log(`${signal}: no new calls are accepted`);
      service.stop().then(() => process.exit(0));
    });
  }
}
