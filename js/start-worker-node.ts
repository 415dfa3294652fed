/**
 * Starts the worker threads of Node by their entry points. This file is here because their URLs are relative
 * to `dist/`, where the bundle of the command line is, too.
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** The folder of the package. */
export const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Starts a classifier's worker thread. It doesn't get the flags of the process: with --input-type, for
 * example, it would not start.
 */
export function newWorker(): Worker {
  return new Worker(new URL("./worker-node.js", import.meta.url), { name: "tabsense", execArgv: [] });
}

/** Starts a worker thread that helps a classifier's worker. */
export function newHelper(): Worker {
  return new Worker(new URL("./thread-node.js", import.meta.url), { name: "tabsense helper", execArgv: [] });
}
