// The site for the engines' tests: the packed package with a page for each of two entries, and a worker that
// can be made to crash.

import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../scripts/serve.mjs";
import { ROOT, startSite } from "../package/support.mjs";
import { scratchFolder } from "./programs.mjs";

const WATCH = new URL("./watch.js", import.meta.url);

/** The tiny model, and its files. */
export const TINY = join(ROOT, "test_data/models/tiny-f32");
export const FILES = ["config.json", "tokenizer.json", "model.safetensors"];

/**
 * Starts the package's site, with `index.html` for its usual entry and `simd.html` for `tabsense/simd`. Each
 * page has `tabsense`, `failed(promise)`, which resolves to a promise's rejection, and `workers`, the workers
 * that the package started. `requests` lists the requested paths.
 */
export async function startEngineSite({ isolated = false } = {}) {
  const requests = [];
  const onRequest = ({ url }) => requests.push(url.split("?")[0]);
  const { url, project, close } = await startSite({ isolated, onRequest });
  const dist = join(project, "node_modules/tabsense/dist");
  for (const [name, entry] of [
    ["index.html", "index.js"],
    ["simd.html", "simd.js"],
  ])
    writeFileSync(join(project, name), page(entry));
  copyFileSync(WATCH, join(project, "watch.js"));
  const hook = readFileSync(new URL("./crash.js", import.meta.url), "utf8");
  const worker = join(dist, "worker.js");
  writeFileSync(worker, `${hook}\n${readFileSync(worker, "utf8")}`);
  return { url, project, close: once(close), requests };
}

function page(entry) {
  return `<!doctype html><meta charset="utf-8"><title>plain</title><link rel="icon" href="data:,">
  <script src="./watch.js"></script>
  <script type="module">
    import * as tabsense from "./node_modules/tabsense/dist/${entry}";
    globalThis.workers = [];
    globalThis.Worker = class extends Worker {
      constructor(...all) {
        super(...all);
        workers.push(this);
      }
    };
    globalThis.tabsense = tabsense;
    globalThis.failed = (promise) =>
      promise.then(() => null, ({ kind, name, message }) => ({ kind, name, message }));
  </script>`;
}

/** Serves the tiny model from another origin than the page's, until the test ends. */
export async function serveModel(t) {
  const requests = [];
  const onRequest = ({ url, headers }) => requests.push({ name: url.slice(1), range: headers.range ?? null });
  const headers = { "access-control-allow-origin": "*" };
  const { url, close } = await serve({ "/": TINY }, { headers, onRequest });
  const end = once(close);
  t.after(end);
  return { url, requests, close: end };
}

/**
 * Serves the demo page until the test ends, cross-origin isolated like `npm run demo`. `watched`: with the
 * script that records errors, which makes it a different page from the one that its service worker stores.
 */
export async function serveDemo(t, { watched }) {
  const demo = scratchFolder("demo");
  cpSync(join(ROOT, "www/dist"), demo.folder, { recursive: true });
  if (watched) {
    copyFileSync(WATCH, join(demo.folder, "watch.js"));
    const index = join(demo.folder, "index.html");
    const html = readFileSync(index, "utf8");
    writeFileSync(index, html.replace("<title>", '<script src="./watch.js"></script><title>'));
  }
  const { url, close } = await serve(
    { "/": demo.folder, "/models/": join(ROOT, "models") },
    { isolated: true },
  );
  const end = once(async () => {
    await close();
    demo.remove();
  });
  t.after(end);
  return { url, close: end };
}

/** A function that runs `action` only at its first call. */
function once(action) {
  let done = null;
  return () => (done ??= action());
}
