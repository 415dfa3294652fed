// Helpers for the tests of the consumer projects: the packed packages, installed next to the build tools,
// servers that record their requests, and a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { MODELS_TO_FETCH, setUpModel } from "../../scripts/models.mjs";
import { setUpNested } from "../../scripts/nested.mjs";
import { serve } from "../../scripts/serve.mjs";
import { hashOf, unlessStamped } from "../../scripts/stamp.mjs";
import "../scratch-cache.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const HERE = join(ROOT, "tests/packages");
export const MODULES = join(HERE, "node_modules");

/** The verdict that every project prints. */
export const VERDICT = /^POSITIVE 0\.9\d\d$/;

/** The text that it classifies. */
export const TEXT = "A delight from start to finish.";

/** The only permissions that the package needs in a page's policy. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; style-src 'self'";

/** The packages of models. */
export const MODELS = ["minilm-en", "pii-en", "sentiment-en", "sentiment-en-1"];
/** All packages, by their names. */
export const PACKAGES = ["tabsense", ...MODELS.map((name) => `tabsense-${name}`)];

const TARBALLS = join(MODULES, ".tarballs");
const NPM = ["--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];

/** Installs the build tools and the packed packages, except for those that are already installed. */
export async function setUpConsumers() {
  for (const name of MODELS_TO_FETCH) await setUpModel(name); // --ignore-scripts skips the fetch script
  await setUpNested("tests/packages"); // an installation removes the packed ones and their stamp
  const packed = hashOf([
    "dist",
    "package.json",
    "README.md",
    "CHANGELOG.md",
    "NOTICE",
    "LICENSE",
    ...MODELS.map((name) => `models/${name}`),
  ]);
  await unlessStamped(
    "tests/packages/node_modules/.tabsense-packed",
    packed,
    PACKAGES.map((name) => `tests/packages/node_modules/${name}`),
    async () => {
      rmSync(TARBALLS, { recursive: true, force: true });
      mkdirSync(TARBALLS);
      await command(
        "npm",
        ["pack", ...NPM, "--pack-destination", TARBALLS, ".", ...MODELS.map((name) => `./models/${name}`)],
        ROOT,
      );
      for (const path of tarballs()) await unpack(path);
    },
  );
}

/** Unpacks a package: `npm install` would request the others from a registry. None has dependencies. */
async function unpack(tarball) {
  const folder = join(MODULES, basename(tarball).replace(/-\d+\.\d+\.\d+.*$/, ""));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await command("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"], HERE);
}

/** The paths of the packed packages. */
export function tarballs() {
  return readdirSync(TARBALLS)
    .sort()
    .map((name) => join(TARBALLS, name));
}

/**
 * Runs a program and resolves to its standard output; an error has all of its output in the message. `env` is
 * added to the environment.
 */
export function command(program, args, cwd, { env = {}, status = 0 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, all] = ["", ""];
    child.stdout.on("data", (piece) => ((stdout += piece), (all += piece)));
    child.stderr.on("data", (piece) => (all += piece));
    child.on("error", reject);
    child.on("close", (code) =>
      code === status
        ? resolve(stdout)
        : reject(new Error(`${[program, ...args].join(" ")} ended with ${code}:\n${all}`)),
    );
  });
}

/** Runs a project's script, or an installed tool (`"bin:vite"`), in the project's folder. */
export function runIn(project, [script, ...args], options) {
  const path = script.startsWith("bin:") ? join(MODULES, ".bin", script.slice(4)) : script;
  return command(process.execPath, [path, ...args], join(HERE, project), options);
}

/** Starts a program that serves, until the test ends; resolves to the match of `ready` in its output. */
export function startServer(t, program, args, cwd, ready, env = {}) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => {
    child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    let all = "";
    const onOutput = (piece) => {
      all += piece;
      const match = ready.exec(all.replace(/\x1b\[[0-9;]*m/g, ""));
      if (match) resolve(match);
    };
    child.stdout.on("data", onOutput);
    child.stderr.on("data", onOutput);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${program} ended with ${code} before it served:\n${all}`)));
  });
}

/**
 * Serves folders until the test ends; resolves to `{ url, requests }`, with each request's path and its
 * `Sec-Fetch-Dest`.
 */
export async function site(t, mounts, options = {}) {
  const requests = [];
  const onRequest = ({ url, headers }) =>
    requests.push({ path: url.split("?")[0], dest: headers["sec-fetch-dest"] });
  const { url, close } = await serve(mounts, { ...options, onRequest });
  t.after(close);
  return { url, requests };
}

/** The id that Chromium gives an unpacked extension: half of its path's digest, as letters from a to p. */
export function extensionId(folder) {
  const digest = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  return digest.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

/** Starts a headless Chromium. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: readManifest().tests["chromium-args"].filter((arg) => arg !== "--headless"),
  });
}

/**
 * Opens `url`; resolves to the page, its errors, and the paths that it and its workers request. A request to
 * another origin counts as an error. The page's context ends with the test.
 */
export async function open(t, browser, url) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const faults = [];
  const { origin } = new URL(url);
  const paths = [];
  context.on("request", (request) => {
    const address = new URL(request.url());
    paths.push(address.pathname);
    if (/^https?:/.test(address.protocol) && address.origin !== origin) faults.push(`asked for ${address}`);
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`${message.text()} ${message.location().url}`.trimEnd());
  });
  await page.goto(url);
  return { page, faults, paths };
}

/** Waits for a page's verdict; fails unless it is right and the page has no errors. */
export async function assertVerdict({ page, faults }) {
  await page
    .waitForFunction(() => /\w/.test(document.querySelector("output")?.textContent ?? ""), null, {
      timeout: 60_000,
    })
    .catch(() => {
      assert.fail(`there is no verdict: ${faults.join("\n")}`);
    });
  assert.match(await page.locator("output").textContent(), VERDICT);
  assert.deepEqual(faults, []);
}

/** The paths of the files below a folder, relative to it. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
