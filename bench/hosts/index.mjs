// Opens a subject on its host. All hosts have the same interface: `{ ask, probe, heap, peak, close }`.

import { join } from "node:path";
import { ROOT } from "../../scripts/run.mjs";
import { IMPLEMENTATIONS } from "../implementations/index.mjs";
import { openPage, peakOf, peakOfRenderers, startBrowser } from "./browser.mjs";
import { limited } from "./limit.mjs";
import { openProcess } from "./process.mjs";

/**
 * Milliseconds until a new browser and its tab have finished their start-up work: a visitor's browser is
 * already running when the page is opened.
 */
export const IDLE_MS = 1000;

const AGENT = join(ROOT, "bench/hosts/node-agent.mjs");
const PYTHON_AGENT = join(ROOT, "bench/python/run.py");

/**
 * Starts subjects: `open(subject)` in a shared browser, `openFresh(subject)` in a new one without earlier
 * state. `requestSeconds` is the time limit of a request.
 */
export function createHosts({ chromium, python, server, browserArgs, requestSeconds }) {
  let shared = null;

  async function inBrowser(browser, isolated, extra = {}, idleMs = 0) {
    const page = await openPage(browser, server, { isolated, idleMs });
    return {
      ...page,
      ask: limited(page.ask, requestSeconds),
      peak: () => peakOfRenderers(browser),
      ...extra,
    };
  }

  async function inProcess(host, { threads }) {
    const opened =
      host === "node"
        ? await openProcess(process.execPath, [AGENT])
        : await openProcess(python, [PYTHON_AGENT], {
            OMP_NUM_THREADS: String(threads),
            TOKENIZERS_PARALLELISM: "false",
          });
    return {
      ask: limited(opened.ask, requestSeconds),
      probe: async () => null,
      heap: async () => null,
      peak: async () => peakOf(opened.pid),
      close: opened.close,
    };
  }

  return {
    async open(subject) {
      if (subject.host !== "browser") return inProcess(subject.host, subject);
      shared ??= await startBrowser(chromium, browserArgs);
      return inBrowser(shared, true);
    },
    async openFresh(subject) {
      if (subject.host !== "browser") return inProcess(subject.host, subject);
      const browser = await startBrowser(chromium, browserArgs);
      return inBrowser(browser, subject.threads > 1, { close: () => browser.close() }, IDLE_MS);
    },
    /** The browser's version and its WebGPU adapter. */
    async describe() {
      shared ??= await startBrowser(chromium, browserArgs);
      const page = await openPage(shared, server, { isolated: false });
      const described = { browser: `Chromium ${shared.version()}`, webgpu: await page.adapter() };
      await page.close();
      return described;
    },
    close: () => shared?.close(),
  };
}

/**
 * The request that makes an agent load a subject, with its module and options. Locations are URLs for a page
 * and paths for a process.
 */
export function loadRequest(subject, model, weights, server, first) {
  const entry = IMPLEMENTATIONS[subject.implementation];
  const inPage = entry.host === "browser";
  const folder = inPage ? server.pathOf(weights.path) : `${join(ROOT, weights.path)}/`;
  // transformers.js needs the model's folder, the other ONNX implementations the file.
  const source =
    entry.module === "onnxruntime-web.js" || subject.implementation === "onnxruntime-python"
      ? folder + weights.file
      : folder;
  const address = entry.host === "node" ? join(ROOT, entry.options.package) : entry.options.package;
  const options = {
    ...entry.options,
    package: address,
    device: subject.device,
    dtype: subject.dtype,
    threads: subject.threads,
    model: { name: model.name, labels: model.labels, source, folder, maxTokens: model.maxTokens },
  };
  return { op: "load", module: entry.module, options, first };
}
