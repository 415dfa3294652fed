// Loads in this process, with copies in the case's own folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startCache } from "../../dist/files/cache.js";
import { diskStore } from "../../dist/files/disk-store.js";
import { nodeHost } from "../../dist/platform/node.js";
import { startService } from "../../dist/worker/service.js";
import { ROOT } from "../js/support.mjs";
import { loadAndAsk, loadMessage, isProgressOf } from "./client.mjs";

const wasm = new WebAssembly.Module(readFileSync(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")));

/** Loads a repository; `store` is the folder of its copies. */
export function loadInNode(repository, { text, store, ...options }) {
  const host = { ...nodeHost, cache: startCache((create) => diskStore(create, store)) };
  const start = (onReply) => startService(host, onReply).receive;
  const onBytes = (file) => isProgressOf(repository.target, file) && repository.onRead();
  return loadAndAsk(start, loadMessage(repository.url, { wasm, ...options }), text, onBytes);
}
