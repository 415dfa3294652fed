/**
 * The demo page's build: www/ to www/dist/, with the package aliased to its built entry and the models
 * served next to the page.
 */

import { createReadStream, existsSync, statSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Connect, type Plugin } from "vite";
import { links } from "./links.ts";
import { offline } from "./offline/plugin.ts";
import { promises } from "./promises.ts";
import { sample } from "./sample.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
const entry = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const lexicon = fileURLToPath(new URL("../dist/lexicon.js", import.meta.url));
const manifest = fileURLToPath(new URL("../package.json", import.meta.url));
const models = fileURLToPath(new URL("../models/", import.meta.url));
const wasm = fileURLToPath(new URL("../dist/wasm/", import.meta.url));
const security = fileURLToPath(new URL("../docs/security.md", import.meta.url));
const sentences = fileURLToPath(new URL("../test_data/sentiment_validation.jsonl", import.meta.url));

/**
 * Serves a file of the repository's models/ with its length, as it streams from the disk.
 *
 * A missing file gets 404. Vite's own fallback might answer with a page and status 200, and a mistyped model
 * name would look like a broken file.
 */
const answer: Connect.SimpleHandleFunction = (request, response) => {
  const path = normalize(
    join(models, decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname)),
  );
  const stats =
    path.startsWith(models) && !path.endsWith(sep) ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (!stats?.isFile()) {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such model file.\n");
    return;
  }
  const type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
  response.writeHead(200, {
    "content-type": type,
    "content-length": stats.size,
    "cache-control": "no-cache",
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(path).pipe(response);
};

/** The headers of scripts/serve.mjs, which allow threads. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Serves models/ at /models/, in development and in preview. */
const serveModels: Plugin = {
  name: "tabsense:models",
  configureServer: (server) => void server.middlewares.use("/models", answer),
  configurePreviewServer: (server) => void server.middlewares.use("/models", answer),
};

export default defineConfig(() => {
  if (!existsSync(entry)) throw new Error("dist/index.js is missing: run `npm run build` first.");
  return {
    root,
    base: "./", // so that the built page can be in any folder of a site
    appType: "mpa", // an unknown address answers 404, not the page
    plugins: [
      serveModels,
      links(manifest),
      sample(sentences),
      promises(security),
      offline({
        page: join(root, "dist"),
        wasm,
        model: { folder: join(models, "sentiment-en"), path: "models/sentiment-en/" },
      }),
    ],
    resolve: {
      alias: [
        { find: /^tabsense$/, replacement: entry },
        { find: /^tabsense\/lexicon$/, replacement: lexicon },
        { find: /^csv-parse$/, replacement: "csv-parse/browser/esm" }, // js/csv names Node's
      ],
    },
    server: { headers: isolation, fs: { allow: [fileURLToPath(new URL("..", import.meta.url))] } },
    preview: { headers: isolation },
    worker: { format: "es" },
    build: {
      outDir: "dist",
      emptyOutDir: true,
      target: "es2022",
      assetsInlineLimit: 0, // the page's Content-Security-Policy allows no inline code and no data: URLs
      modulePreload: { polyfill: false },
      rollupOptions: {
        onwarn(warning, warn) {
          // The page imports the lexicon statically, the package dynamically: they share one chunk.
          if (!warning.message.includes("/lexicon.js is dynamically imported")) warn(warning);
        },
      },
    },
  };
});
