// The package as its users get it: packed, and installed into an empty project.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { serve } from "../../scripts/serve.mjs";
import "../scratch-cache.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Packs the package and installs the tarball; yields the project's folder and the tarball's list of files.
 */
export function installTarball() {
  const project = mkdtempSync(join(tmpdir(), "tabsense-project-"));
  const npm = (args, cwd) =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const packed = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", project], ROOT));
  // A list in older npm, a record by package name in newer.
  const { filename, files } = Object.values(packed)[0];
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "user", version: "1.0.0", type: "module", private: true }),
  );
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], project);
  return {
    project,
    filename,
    files: files.map(({ path }) => path).sort(),
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}

/**
 * The tarball on a static server with a plain page that imports it; the models are at /models/, the smallest
 * one at /tiny/. `isolated`: whether the page may have threads.
 */
export async function startSite({ isolated = false } = {}) {
  const installed = installTarball();
  writeFileSync(
    join(installed.project, "index.html"),
    `<!doctype html><meta charset="utf-8"><title>plain</title><link rel="icon" href="data:,"><script type="module">
    import * as tabsense from "./node_modules/tabsense/dist/index.js";
    globalThis.tabsense = tabsense;
    globalThis.failed = (promise) => promise.then(() => null, ({ kind, name, message }) => ({ kind, name, message }));
  </script>`,
  );
  const { url, close } = await serve(
    {
      "/": installed.project,
      "/models/": join(ROOT, "models"),
      "/tiny/": join(ROOT, "test_data/models/tiny-f32"),
    },
    { isolated },
  );
  return { url, project: installed.project, close: async () => (await close(), installed.remove()) };
}

/** A headless Chromium; `webgpu` says whether its software plays a graphics card. */
export function startBrowser({ webgpu = false } = {}) {
  const { "chromium-args": plain, "webgpu-args": card } = readManifest().tests;
  const args = webgpu ? [...plain, ...card] : plain;
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: args.filter((arg) => arg !== "--headless"),
  });
}
