/** The Node platform: wasm and models from disk, worker threads. */

import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WASM } from "../builds.js";
import { newHelper, newWorker, PACKAGE } from "../start-worker-node.js";
import { CLOSE_LIMIT, type Channel, type Platform } from "../client/channel.js";
import { within } from "./within.js";
import { startCache } from "../files/cache.js";
import { listFolder, openPath } from "../files/disk.js";
import { diskStore } from "../files/disk-store.js";
import { compileBytes } from "../worker/engine.js";
import { crashed, TabsenseError } from "../api/errors.js";
import { answersWithFile } from "./answers.js";
import type { ServiceHost } from "../worker/loading.js";
import { transferOf, type Reply, type Request } from "../client/protocol.js";
import { fromUrl, resolved, resolveUrls, type Resolved } from "../files/sources.js";
import { fetchFile } from "../files/bytes.js";
import type { CachedFile, Source } from "../api/types.js";

const cache = startCache(diskStore);

/** The model files that are cached on this machine, newest first. */
export function listCachedFiles(): Promise<CachedFile[]> {
  return cache.list();
}

/**
 * Removes from the cache all models with a file whose URL begins with `prefix`; without `prefix`, all models.
 */
export function clearCachedFiles(prefix?: string): Promise<void> {
  return cache.clear(prefix);
}

export { openPath };

/** The service's host in Node. */
export const nodeHost: ServiceHost = {
  async compileWasm(name, url, signal, onBytes) {
    const address = new URL(url ?? WASM[name]());
    const bytes =
      address.protocol === "file:"
        ? await readWasm(address)
        : new Uint8Array(await (await fetchFile(address.href, signal)).arrayBuffer());
    onBytes(bytes.length, bytes.length);
    return compileBytes(bytes);
  },
  processors: availableParallelism,
  startHelper(onReply) {
    const worker = newHelper();
    worker.on("message", onReply);
    worker.on("error", () => onReply({ ready: false }));
    worker.unref(); // the process need not wait for it
    return { send: (request) => worker.postMessage(request) };
  },
  openPath,
  listFolder,
  cache,
  noWebGpu: "Node has no WebGPU.",
};

/** Whether a folder, given as a path or URL, has a model. */
export async function hasModel(folder: string): Promise<boolean> {
  if (/^https?:/i.test(folder)) return answersWithFile(new URL("config.json", folder));
  return existsSync(join(folder.startsWith("file:") ? fileURLToPath(folder) : folder, "config.json"));
}

/** The platform for Node. */
export const nodejs: Platform = {
  host: nodeHost,
  startWorker,
  async resolve(source, options) {
    const path = source instanceof URL ? source.href : source;
    if (isFolder(path)) return fromFolder(path);
    return resolveUrls(source, options, pathToFileURL("./").href, (name) => embedded(name, options.models));
  },
  locate: (wasm) =>
    URL.canParse(wasm) && !/^[a-z]:/i.test(wasm.slice(0, 2)) ? wasm : pathToFileURL(wasm).href,
};

function startWorker(): Channel {
  const worker = newWorker();
  let started = false;
  /** Whether copies of files are still being written to disk: the process and `close` wait for them. */
  let storing = false;
  /** Whether the worker was sent streams of the caller that it may not have read yet. */
  let reading = false;
  let waiting = false;
  /** The process waits for `close`, regardless of the worker's messages. */
  let closing = false;
  const updateRef = () => (waiting || storing || closing ? worker.ref() : worker.unref());
  const broken = (reason: string, cause?: unknown) =>
    started
      ? crashed(reason, cause)
      : new TabsenseError(
          "environment",
          `The worker thread could not be started (${reason}). Pass \`worker: false\` to run without one.`,
          { cause },
        );
  return {
    connect(onReply, onBroken) {
      worker.on("message", (reply: Reply) => {
        started = true;
        if (reply.type === "loaded" || reply.type === "stored") {
          storing = reply.type === "loaded" && reply.storing;
          reading = false;
          updateRef();
        }
        onReply(reply);
      });
      worker.on("error", (cause) => onBroken(broken(cause.message, cause)));
      worker.on("exit", (code) => onBroken(broken(`it ended with code ${code}`)));
    },
    send(request) {
      const streams = transferOf(request);
      worker.postMessage(request, streams as never);
      if (streams.length > 0) reading = true;
    },
    keepAlive(isWaiting) {
      waiting = isWaiting;
      updateRef();
    },
    async close() {
      closing = true; // otherwise, the process could exit before the promise settles
      updateRef();
      // Only the worker can cancel a stream that was transferred to it.
      if (storing || reading) {
        const disposed = new Promise<void>((resolve) => {
          worker.on("message", ({ type }: Reply) => type === "disposed" && resolve());
          worker.once("exit", () => resolve());
        });
        worker.postMessage({ type: "dispose" } satisfies Request);
        await within(CLOSE_LIMIT, disposed);
      }
      await worker.terminate();
    },
  };
}

function isFolder(source: Source): source is string {
  if (typeof source !== "string") return false;
  if (/^(\.{0,2}[/\\]|\.{1,2}$|file:|[a-z]:[/\\])/i.test(source)) return true;
  // "models/mine" could be a hub's name, too. A folder of that name comes first.
  return /[/\\]/.test(source) && !URL.canParse(source) && isDirectory(source);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function fromFolder(folder: string): Resolved {
  const path = folder.startsWith("file:") ? fileURLToPath(folder) : resolve(folder);
  return resolved(path.split(/[/\\]/).filter(Boolean).at(-1) ?? path, (file) => ({ path: join(path, file) }));
}

/**
 * A model by a plain name: below `models` if that is set; otherwise in the folder `models` of the package or
 * of the working folder, or in an installed model package.
 */
function embedded(name: string, models: string | null): Resolved {
  if (models !== null) {
    if (/^https?:/.test(models))
      return fromUrl(new URL(name, models.endsWith("/") ? models : `${models}/`), name);
    return { ...fromFolder(join(models.startsWith("file:") ? fileURLToPath(models) : models, name)), name };
  }
  const places = [join(PACKAGE, "models"), resolve("models")].map((place) => join(place, name));
  const found = places.find((place) => existsSync(join(place, "config.json"))) ?? installed(name);
  if (!found) {
    throw new TabsenseError(
      "network",
      `There is no model ${name}: no package tabsense-${name} is installed, and nothing is in ${places.join(" or ")}. Install the model's package (npm install tabsense-sentiment-en), set another folder with \`models\`, or pass the model's folder or URL.`,
    );
  }
  return { ...fromFolder(found), name };
}

/**
 * The folder of the model's package, resolved from this package or from the working folder; null if neither
 * finds it.
 */
function installed(name: string): string | null {
  for (const from of [import.meta.url, resolve("package.json")]) {
    try {
      return dirname(createRequire(from).resolve(`tabsense-${name}/config.json`));
    } catch {
      // Not installed there.
    }
  }
  return null;
}

/** Reads a .wasm file, the package's own or the caller's. */
export async function readWasm(address: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(address));
  } catch (cause) {
    throw new TabsenseError(
      "environment",
      `${fileURLToPath(address)} could not be read (${(cause as Error).message}). Reinstall the package, or build it with \`npm run build\`.`,
      { cause },
    );
  }
}
