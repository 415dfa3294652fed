// `npm run bench:storage`: measures what it costs to store a model's file in Chromium and to read it again,
// in the Cache API and in the origin private file system (OPFS); and how long the wasm's hashes of it take,
// in Node. Run `npm run build` first.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium as browsers } from "playwright-core";
import { setUpBrowser } from "./browser.mjs";
import { main, ROOT } from "./run.mjs";
import { serve } from "./serve.mjs";

const SIZES_MB = [23, 64];
const ROUNDS = 7;
const CHUNK = 256 * 1024;

/** Runs in a worker: milliseconds of each way to store and to read this many bytes, as a stream of chunks. */
const WORKER = `onmessage = async ({ data: { bytes, chunk } }) => {
  const piece = crypto.getRandomValues(new Uint8Array(65536));
  const whole = new Uint8Array(chunk).map((_, i) => piece[i % 65536]);
  const pieces = bytes / chunk;
  const time = async (f) => { const start = performance.now(); await f(); return performance.now() - start; };
  const cache = await caches.open("bench"), folder = await navigator.storage.getDirectory();
  const times = {};
  times["Cache API, write"] = await time(async () => {
    const { readable, writable } = new TransformStream({}, new ByteLengthQueuingStrategy({ highWaterMark: 4 << 20 }));
    const stored = cache.put("/file", new Response(readable));
    const writer = writable.getWriter();
    for (let i = 0; i < pieces; i++) { await writer.ready; writer.write(whole); }
    await writer.close();
    await stored;
  });
  times["Cache API, read"] = await time(async () => {
    const reader = (await cache.match("/file")).body.getReader();
    let read = 0;
    for (;;) { const { done, value } = await reader.read(); if (done) break; read += value.length; }
    if (read !== bytes) throw new Error("cut");
  });
  times["OPFS, write"] = await time(async () => {
    const handle = await (await folder.getFileHandle("file", { create: true })).createSyncAccessHandle();
    for (let i = 0; i < pieces; i++) handle.write(whole, { at: i * chunk });
    handle.flush();
    handle.close();
  });
  times["OPFS, read"] = await time(async () => {
    const handle = await (await folder.getFileHandle("file")).createSyncAccessHandle();
    const to = new Uint8Array(chunk);
    for (let at = 0; at < bytes; at += chunk) handle.read(to, { at });
    handle.close();
  });
  await cache.delete("/file");
  await folder.removeEntry("file");
  postMessage(times);
};`;

/** Milliseconds of hashing `bytes` in chunks, the median of all rounds, once the engine has optimized it. */
async function hashing(bytes, sha256) {
  const module = await import("../dist/wasm/simd/tabsense.js");
  await module.default({ module_or_path: readFileSync(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")) });
  const chunk = new Uint8Array(CHUNK).map((_, i) => i * 31);
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const hash = new module.FileHash(sha256);
    const start = performance.now();
    for (let at = 0; at < bytes; at += CHUNK) hash.update(chunk);
    hash.checksum();
    const time = performance.now() - start;
    hash.free();
    return time;
  });
  return times.slice(1).sort((a, b) => a - b)[ROUNDS >> 1];
}

await main(import.meta.url, async () => {
  for (const sha256 of [false, true]) {
    const ms = await hashing(SIZES_MB[0] * 4 * CHUNK, sha256);
    console.log(
      `${SIZES_MB[0]} MiB  ${(sha256 ? "XXH64 and SHA-256" : "XXH64").padEnd(17)} ${ms.toFixed(0).padStart(5)} ms, median of ${ROUNDS}`,
    );
  }
  const { chromium } = await setUpBrowser();
  const site = mkdtempSync(join(tmpdir(), "tabsense-storage-"));
  writeFileSync(join(site, "index.html"), "<!doctype html><title>storage</title>");
  writeFileSync(join(site, "worker.js"), WORKER);
  const { url, close } = await serve({ "/": site });
  const browser = await browsers.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    for (const size of SIZES_MB) {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push(
          await page.evaluate(
            (request) =>
              new Promise((resolve, reject) => {
                const worker = new Worker("worker.js");
                worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
                worker.onerror = ({ message }) => reject(new Error(message));
                worker.postMessage(request);
              }),
            { bytes: size * 4 * CHUNK, chunk: CHUNK },
          ),
        );
      }
      for (const way of Object.keys(rounds[0])) {
        const times = rounds.map((round) => round[way]).sort((a, b) => a - b);
        console.log(
          `${size} MiB  ${way.padEnd(17)} ${times[ROUNDS >> 1].toFixed(0).padStart(5)} ms, median of ${ROUNDS} (${times[0].toFixed(0)} to ${times.at(-1).toFixed(0)})`,
        );
      }
    }
  } finally {
    await browser.close();
    await close();
    rmSync(site, { recursive: true });
  }
});
