// Loads in pages of a browser, each load in a new worker. The models have another origin than the pages, as
// on a hub or a CDN.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../js/support.mjs";

const TYPES = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };

/** Keeps the package's own files in the browser's HTTP cache for when it goes offline. */
const CACHED = { "cache-control": "max-age=3600" };

const PAGE = `<!doctype html><meta charset="utf-8"><title>loads</title><link rel="icon" href="data:,">
<script type="module">
  import { loadAndAsk, loadMessage, isProgressOf } from "/client.mjs";
  const wasm = await WebAssembly.compileStreaming(fetch("/package/wasm/simd/tabsense_bg.wasm"));
  globalThis.load = async ({ url, target, text, options }) => {
    const worker = new Worker("/package/worker.js", { type: "module" });
    const start = (onReply) => {
      worker.onmessage = ({ data }) => onReply(data);
      worker.onerror = ({ message }) => {
        onReply({ type: "failed", error: { kind: "worker_crashed", message } });
        onReply({ type: "disposed" });
      };
      return (message) => worker.postMessage(message);
    };
    let reported = false;
    const onBytes = (file) => {
      if (reported || !isProgressOf(target, file)) return;
      reported = true;
      void fetch(url + "@read").catch(() => {});
    };
    const outcome = await loadAndAsk(start, loadMessage(url, { wasm, ...options }), text, onBytes);
    worker.terminate();
    return outcome;
  };
  const { Classifier, listCachedFiles } = await import("/package/index.js");
  globalThis.keptFiles = async () => (await listCachedFiles()).map(({ url }) => url);
  /** The same in the page's own thread, whose code is there when the browser goes offline. */
  globalThis.loadHere = async ({ url, text, cache }) => {
    try {
      const classifier = await Classifier.load(url, { worker: false, threads: 1, cache });
      const scores = await classifier.classify(text, { topK: null });
      await classifier.dispose();
      return { scores };
    } catch ({ kind, message }) {
      return { kind, message };
    }
  };
  globalThis.ready = true;
</script>`;

/** Serves the page that loads, and the package's files: for `startServer`. */
export function pages(path) {
  if (path === "/") return { status: 200, headers: { "content-type": "text/html" }, body: PAGE };
  if (path === "/client.mjs") return file(join(ROOT, "tests/network/client.mjs"));
  return /^\/package\/[\w./-]+$/.test(path) ? file(join(ROOT, "dist", path.slice("/package/".length))) : null;
}

function file(path) {
  if (path.includes("..") || !existsSync(path)) return null;
  const type = TYPES[path.split(".").at(-1)] ?? "application/octet-stream";
  return { status: 200, headers: { "content-type": type, ...CACHED }, body: readFileSync(path) };
}

/** Opens the page that loads. */
export async function openPage(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => globalThis.ready);
  return page;
}

/** A function that loads a repository in one of `pages`, alternately. */
export function loaderIn(pages) {
  let turn = 0;
  return ({ url, target }, { text, cache, integrity, stallTimeout }) =>
    pages[turn++ % pages.length].evaluate((what) => globalThis.load(what), {
      url,
      target,
      text,
      options: { cache, integrity, stallTimeout },
    });
}
