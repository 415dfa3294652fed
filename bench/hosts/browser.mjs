// Runs a subject in its own page in headless Chromium. Pages whose requests are timed are cross-origin
// isolated: that allows threads, and gives the clock a resolution of 5 µs. Cold starts avoid isolation if
// they can, as most sites do.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium as browsers } from "playwright-core";
import { ROOT } from "../../scripts/run.mjs";
import { serve } from "../../scripts/serve.mjs";

/** Folders by the path that they are served at. */
const MOUNTS = { "/bench/": "bench", "/dist/": "dist", "/peers/": "bench/node_modules" };

/**
 * Serves the pages, and each model's folder below /models/, without and with the headers for isolation.
 * Resolves to `{ url, isolatedUrl, mounts, pathOf, fileOf, close }`; `mounts` are the folders by their paths.
 */
export async function startServer(folders) {
  const mounts = Object.fromEntries(
    Object.entries(MOUNTS).map(([path, folder]) => [path, join(ROOT, folder)]),
  );
  const paths = new Map();
  for (const folder of new Set(folders)) {
    // The path ends with the folder's name, which the peers take for the model's name.
    const path = `/models/${paths.size}/${folder.split("/").at(-1)}/`;
    paths.set(folder, path);
    mounts[path] = join(ROOT, folder);
  }
  const server = await serve(mounts);
  const isolated = await serve(mounts, { isolated: true });
  const fileOf = (url) => {
    const path = decodeURIComponent(new URL(url, server.url).pathname);
    const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
    return mount ? join(mounts[mount], path.slice(mount.length)) : null;
  };
  const close = () => Promise.all([server.close(), isolated.close()]);
  const pathOf = (folder) => paths.get(folder);
  return { url: server.url, isolatedUrl: isolated.url, mounts, pathOf, fileOf, close };
}

/** Starts Chromium with `args` and with flags that limit its background activity. */
export async function startBrowser(executablePath, args = []) {
  const quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"];
  return browsers.launch({ executablePath, args: [...quiet, ...args] });
}

/**
 * Opens a page with an agent in an empty context, `idleMs` milliseconds after its tab was opened. Resolves to
 * `{ ask, probe, heap, adapter, close }`.
 */
export async function openPage(browser, server, { isolated, idleMs = 0 }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.waitForTimeout(idleMs);
  await page.goto(`${isolated ? server.isolatedUrl : server.url}bench/page.html`);
  await page.waitForFunction(() => "agent" in window);
  return {
    ask: (message) =>
      page
        .evaluate((request) => window.agent.handle(request), message)
        .catch((error) => {
          throw new Error([error.message, ...problems].join("\n"));
        }),
    probe: () => page.evaluate(() => window.probe()),
    heap: () => heapOf(context, page),
    adapter: () =>
      page.evaluate(async () => {
        const adapter = await navigator.gpu?.requestAdapter();
        return adapter ? (await import("/bench/implementations/adapter.js")).adapterOf(adapter.info) : null;
      }),
    // A browser that crashed has already closed it.
    close: () => context.close().catch(() => {}),
  };
}

/** The bytes of the page's own JavaScript heap, without wasm and without workers. */
async function heapOf(context, page) {
  const session = await context.newCDPSession(page);
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

/**
 * The highest peak memory of the browser's renderer processes so far, in bytes; null if
 * unknown (all but Linux).
 */
export async function peakOfRenderers(browser) {
  const session = await browser.newBrowserCDPSession();
  try {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const peaks = processInfo
      .filter(({ type }) => type === "renderer")
      .map(({ id }) => peakOf(id))
      .filter(Boolean);
    return peaks.length > 0 ? Math.max(...peaks) : null;
  } finally {
    await session.detach();
  }
}

/** The peak resident memory of a process, in bytes; null if the system doesn't report it. */
export function peakOf(pid) {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes ? Number(kilobytes) * 1024 : null;
  } catch {
    return null;
  }
}
