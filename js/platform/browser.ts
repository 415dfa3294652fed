/** The browser platform: wasm by streaming compilation, web workers, and URLs. */

import { CLOSE_LIMIT, type Channel, type Platform } from "../client/channel.js";
import { WASM } from "../builds.js";
import { compileBytes, environment } from "../worker/engine.js";
import { crashed, TabsenseError } from "../api/errors.js";
import { answersWithFile } from "./answers.js";
import type { ServiceHost } from "../worker/loading.js";
import { within } from "./within.js";
import { startCache } from "../files/cache.js";
import { browserStore } from "../files/browser-store.js";
import { transferOf, type Reply, type Request } from "../client/protocol.js";
import { fromUrl, resolveUrls } from "../files/sources.js";
import { newWorker, startHelper } from "../start-worker.js";
import { fetchFile, openResponse, readAll } from "../files/bytes.js";
import type { CachedFile } from "../api/types.js";
import type { StartHelperRequest } from "../worker/threads.js";

/** No build of the module comes near this many bytes. */
const WASM_LIMIT = 1 << 26;

const cache = startCache(browserStore);

/** The model files that this origin has cached, newest first; empty if the browser can't cache files. */
export function listCachedFiles(): Promise<CachedFile[]> {
  return cache.list();
}

/**
 * Removes from the cache all models with a file whose URL begins with `prefix`; without `prefix`, all models.
 * Does nothing if the browser can't cache files.
 */
export function clearCachedFiles(prefix?: string): Promise<void> {
  return cache.clear(prefix);
}

/** The service's host in a page or a web worker. */
export const browserHost: ServiceHost = {
  noWebGpu: null,

  async compileWasm(name, url, signal, onBytes) {
    const address = url ?? WASM[name]().href;
    const response = await fetchFile(address, signal).catch((thrown) => {
      throw url === null ? notServed(thrown) : thrown;
    });
    const mime = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    const opened = openResponse(response, address);
    if (mime !== "application/wasm") {
      const bytes = await readAll(opened, address, WASM_LIMIT, signal, onBytes).catch((thrown) => {
        throw notServed(thrown);
      });
      return compileBytes(bytes as Uint8Array<ArrayBuffer>);
    }
    // Passes on the response itself, without counting its bytes: browsers cache the compiled code of a file
    // that they fetched.
    onBytes(0, opened.total);
    try {
      const module = await WebAssembly.compileStreaming(response);
      if (opened.total !== null) onBytes(opened.total, opened.total);
      return module;
    } catch (cause) {
      signal.throwIfAborted();
      throw environment("could not be compiled", cause);
    }
  },

  // A page can share memory only if its headers isolate it from other origins.
  processors: () => (globalThis.crossOriginIsolated === true ? (navigator.hardwareConcurrency ?? 1) : null),

  startHelper: null,
  cache,
  listFolder: async () => null,

  async openPath(path) {
    throw new TabsenseError(
      "invalid_argument",
      `Browsers can't open a folder (${path}). Pass a URL, or the files themselves.`,
    );
  },
};

/** Whether a folder has a model. It has none if the server responds with a web page. */
export async function hasModel(folder: string): Promise<boolean> {
  return answersWithFile(new URL("config.json", new URL(folder, pageUrl())));
}

/** The platform for a page or a web worker. */
export const browser: Platform = {
  host: browserHost,
  startWorker,
  async resolve(source, options) {
    return resolveUrls(source, options, pageUrl(), (name) =>
      fromUrl(new URL(`${name}/`, asFolder(options.models ?? sitesModels())), name),
    );
  },
  locate: (wasm) => new URL(wasm, pageUrl()).href,
};

function startWorker(): Channel {
  const unavailable = (cause?: unknown) =>
    new TabsenseError(
      "environment",
      "The worker could not be started. Serve the package's whole dist folder, allow workers in the page's Content-Security-Policy (`worker-src 'self'`; if the package comes from another origin, `worker-src blob:` and that origin; with Trusted Types `trusted-types tabsense`), or pass `worker: false`.",
      { cause },
    );
  let worker: Worker;
  try {
    worker = newWorker();
  } catch (cause) {
    throw unavailable(cause);
  }
  const helpers: Worker[] = [];
  let started = false;
  let broken = false;
  /** Whether the worker was sent streams of the caller that it may not have read yet. */
  let reading = false;
  return {
    connect(onReply, onBroken) {
      worker.onmessage = ({ data }: MessageEvent<Reply | StartHelperRequest>) => {
        started = true;
        if (data.type === "loaded") reading = false;
        if (data.type !== "helper") return onReply(data);
        const helper = startHelper(data.port);
        if (helper) helpers.push(helper);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        broken = true;
        onBroken(started ? crashed(event.message) : unavailable());
      };
    },
    send(request: Request) {
      const streams = transferOf(request);
      worker.postMessage(request, streams);
      if (streams.length > 0) reading = true;
    },
    keepAlive: () => {},
    async close(hasResources) {
      worker.onmessage = worker.onerror = null;
      // Only the worker can cancel a stream that was transferred to it, even if it has yet to start.
      if (!broken && (reading || (started && hasResources))) await within(CLOSE_LIMIT, disposed(worker));
      worker.onmessage = worker.onerror = null;
      for (const one of [worker, ...helpers]) one.terminate();
    },
  };
}

/**
 * The error if the server has no file for the module, or responds with a web page: this is not a network
 * error, and trying again doesn't help.
 */
function notServed(thrown: unknown): unknown {
  if (
    !(thrown instanceof TabsenseError) ||
    !(thrown.kind === "not_a_model" || / answered 404\b/.test(thrown.message))
  )
    return thrown;
  return new TabsenseError(
    "environment",
    `${thrown.message} It should be the package's WebAssembly module: serve the whole dist folder unchanged, or let a bundler emit the file.`,
    { cause: thrown },
  );
}

/** Lets the worker release its device and its helpers: terminating a worker doesn't wait for that. */
function disposed(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => data.type === "disposed" && resolve();
    worker.onerror = () => resolve();
    worker.postMessage({ type: "dispose" } satisfies Request);
  });
}

function pageUrl(): string {
  return typeof document === "object" ? document.baseURI : globalThis.location.href;
}

/**
 * The folder of a site's models. It is the same for all pages, because a page's own path may belong to a
 * router.
 */
function sitesModels(): string {
  return typeof document === "object" && document.querySelector("base[href]") ? "models/" : "/models/";
}

function asFolder(address: string): URL {
  const url = new URL(address, pageUrl());
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
