/**
 * The service on Node: `node node.mjs`, with PORT, HOST and MODEL (a folder, a URL, or "org/name" on a model
 * hub) from the environment; and TAUGHT, the file of a taught classifier, whose encoder MODEL then is.
 */

import { readFile } from "node:fs/promises";
import { Server } from "node:net";
import { pathToFileURL } from "node:url";
import { serve } from "@hono/node-server";
import { Classifier, Embedder, TaughtClassifier } from "tabsense";
import { createApp } from "./app.mjs";
import { createModel } from "./model.mjs";

/** Milliseconds that the calls under way have when the service is told to end. */
const GRACE = 10_000;

/** Milliseconds that a connection without a call is kept when the service ends: one may be on its way. */
const LINGER = 500;

/** What a client may take of the service that has not asked anything yet: clients that are slow on purpose do. */
const CLIENTS = {
  /** Connections at a time; further ones are closed at once. Each may hold a body of the size that is taken. */
  connections: 256,
  /** Milliseconds for the headers of a request, from the connection or the answer before on. */
  headers: 10_000,
  /** Milliseconds for the whole request. */
  request: 30_000,
  /** Milliseconds between two looks at who is late. */
  check: 1_000,
};

/** The model's own classifier, or the one in the file `taught`, on the model as its encoder. */
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

/**
 * Starts the service; port 0 takes any that is free, and `clients` replace some of {@link CLIENTS}. Yields `{ url, stop }` once it listens, while the model
 * is still on its way.
 *
 * `stop()` takes no more calls, waits for those under way (for `grace` milliseconds at most), and frees the
 * model.
 */
export async function start({
  source,
  taught,
  port = 8787,
  host = "127.0.0.1",
  limits,
  clients: given = {},
  grace = GRACE,
  load = {},
}) {
  const model = createModel((_, signal) => loadClassifier(source, taught, { ...load, signal }));
  model.get().catch(() => {}); // it is logged, and told by /health
  const app = createApp({ model, limits });
  const clients = { ...CLIENTS, ...given };
  const server = await new Promise((resolve, reject) => {
    const starting = serve(
      {
        fetch: app.fetch,
        port,
        hostname: host,
        serverOptions: {
          headersTimeout: clients.headers,
          requestTimeout: clients.request,
          connectionsCheckingInterval: clients.check,
        },
      },
      () => resolve(starting),
    );
    starting.on("error", reject);
  }).catch(async (error) => {
    await model.dispose();
    throw error;
  });
  server.maxConnections = clients.connections;
  return {
    url: `http://${host}:${server.address().port}`,
    async stop() {
      model.stop();
      // The HTTP server's own `close` cuts connections off that look idle, though a call may have been sent on them.
      const closed = new Promise((resolve) => Server.prototype.close.call(server, resolve));
      const idle = setTimeout(() => server.close(), LINGER);
      const late = setTimeout(() => server.closeAllConnections(), grace);
      await closed;
      clearTimeout(idle);
      clearTimeout(late);
      server.close(); // it looks for slow clients until then
      await model.dispose();
    },
  };
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
      console.log(`${signal}: no more calls are taken`);
      service.stop().then(() => process.exit(0));
    });
  }
}
