// The package as its users get it: packed, and installed into an empty project.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { serve } from "../../scripts/serve.mjs";
import { hashOf } from "../../scripts/stamp.mjs";
import "../scratch-cache.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Creates a project with the package's tarball installed; returns its folder and the tarball's files. */
export function installTarball() {
  const project = mkdtempSync(join(tmpdir(), "tabsense-project-"));
  cpSync(installedOnce(), project, { recursive: true, verbatimSymlinks: true });
  const { filename, files } = JSON.parse(readFileSync(join(project, "packed.json"), "utf8"));
  return { project, filename, files, remove: () => rmSync(project, { recursive: true, force: true }) };
}

/** A project with the current package, packed and installed by the first test file that needs it. */
function installedOnce() {
  const hash = hashOf(["package.json", "dist", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE"]);
  const folder = join(ROOT, "target/installed", hash);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  for (const name of readdirSync(dirname(folder)))
    if (!name.startsWith(hash)) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  const project = mkdtempSync(`${folder}-`);
  const npm = (args, cwd) =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const packed = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", project], ROOT));
  // A list in older versions of npm, a record by package name in newer ones.
  const { filename, files } = Object.values(packed)[0];
  const write = (name, value) => writeFileSync(join(project, name), JSON.stringify(value));
  write("package.json", { name: "user", version: "1.0.0", type: "module", private: true });
  write("packed.json", { filename, files: files.map(({ path }) => path).sort() });
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], project);
  try {
    renameSync(project, folder);
  } catch {
    rmSync(project, { recursive: true }); // another test file was faster
  }
  return folder;
}

/**
 * The tarball on a static server with a plain page that imports it; the models are at /models/, the smallest
 * one at /tiny/. `isolated`: whether the page may use threads; `onRequest` is called with each request first.
 */
export async function startSite({ isolated = false, onRequest } = {}) {
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
    { isolated, onRequest },
  );
  return { url, project: installed.project, close: async () => (await close(), installed.remove()) };
}

/** Starts a headless Chromium; `webgpu` gives it a software adapter; `args` are further arguments. */
export function startBrowser({ webgpu = false, args: own = [] } = {}) {
  const { "chromium-args": plain, "webgpu-args": card } = readManifest().tests;
  const args = [...plain, ...(webgpu ? card : []), ...own];
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: args.filter((arg) => arg !== "--headless"),
  });
}

/**
 * Opens a page for one test, with the package imported; also returns the paths that it and its workers
 * request. The test fails if the page throws.
 */
export async function openPage(t, browser, site) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults = [];
  const paths = [];
  context.on("request", (request) => paths.push(new URL(request.url()).pathname));
  page.on("pageerror", (error) => faults.push(String(error)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return { page, paths };
}
