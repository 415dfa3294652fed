// What the tests of the consumer projects share: the packed packages installed beside what builds the
// projects, servers that remember, and a browser.

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

/** What every project writes. */
export const VERDICT = /^POSITIVE 0\.9\d\d$/;

/** What it is the verdict on. */
export const TEXT = "A delight from start to finish.";

/** All that the package needs of a page's policy. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; style-src 'self'";

/** The packages of models. */
export const MODELS = ["minilm-en", "pii-en", "sentiment-en", "sentiment-en-1"];
/** All packages, by their names. */
export const PACKAGES = ["tabsense", ...MODELS.map((name) => `tabsense-${name}`)];

const TARBALLS = join(MODULES, ".tarballs");
const NPM = ["--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];

/** Installs what builds the projects, and the packages as they are packed; what is already installed stays. */
export async function setUpConsumers() {
  for (const name of MODELS_TO_FETCH) await setUpModel(name); // --ignore-scripts leaves out what would fetch it
  await setUpNested("tests/packages"); // an installation takes the packed ones and their stamp away
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

/** Unpacks a package beside the others: `npm install` would ask a registry for those too. None has dependencies. */
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
 * Runs a program and yields what it prints; a failure has all of that in its message. `env` is added to the
 * environment.
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

/**
 * Runs a project's script, or a tool that is installed beside the projects (`"bin:vite"`), in the project's
 * folder.
 */
export function runIn(project, [script, ...args], options) {
  const path = script.startsWith("bin:") ? join(MODULES, ".bin", script.slice(4)) : script;
  return command(process.execPath, [path, ...args], join(HERE, project), options);
}

/**
 * A program that serves, and what it printed until `ready` matched, which is yielded as the match. It ends
 * with the test.
 */
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
    const hear = (piece) => {
      all += piece;
      const match = ready.exec(all.replace(/\x1b\[[0-9;]*m/g, ""));
      if (match) resolve(match);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${program} ended with ${code} before it served:\n${all}`)));
  });
}

/**
 * Serves folders until the test ends; yields `{ url, requests }`, with each request's path and what the
 * browser wanted it for.
 */
export async function site(t, mounts, options = {}) {
  const requests = [];
  const onRequest = ({ url, headers }) =>
    requests.push({ path: url.split("?")[0], dest: headers["sec-fetch-dest"] });
  const { url, close } = await serve(mounts, { ...options, onRequest });
  t.after(close);
  return { url, requests };
}

/** The id that Chromium gives an unpacked extension: half a digest of its path, in letters from a to p. */
export function extensionId(folder) {
  const digest = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  return digest.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

/** A headless Chromium of the test file's own. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: readManifest().tests["chromium-args"].filter((arg) => arg !== "--headless"),
  });
}

/**
 * Opens `url`; yields the page, what went wrong in it, and the paths that it and its workers ask for. An
 * address of another origin counts as wrong. The page's context ends with the test.
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

/** Waits for a page's verdict, which must be right, and for nothing to have gone wrong. */
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

/** The files below a folder, by their paths in it. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
