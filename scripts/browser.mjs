// Chromium and chromedriver for the tests: those of the environment or the system, otherwise Debian's, which
// are fetched here.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { install, libraryFolders, canInstall, unpack } from "./packages.mjs";
import { CACHE, Failure, output, ROOT } from "./run.mjs";

const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PACKAGES = ["chromium", "chromium-driver"];

/**
 * Resolves to `{ chromium, chromedriver }`, and installs them if they are missing. CHROMIUM and CHROMEDRIVER
 * in the environment take precedence.
 */
export async function setUpBrowser() {
  const found = find() ?? findUnpacked();
  if (found) return found;
  let failed = null;
  if (canInstall()) {
    console.log("set-up: Chromium and chromedriver (Debian packages)");
    failed = await install(PACKAGES);
  } else {
    console.log(`set-up: Chromium and chromedriver, unpacked into ${folder()}`);
    failed = await unpack(PACKAGES, folder());
    if (!failed) wrap();
  }
  const now = find() ?? findUnpacked();
  if (now) return now;
  throw new Failure(
    `The tests need Chromium and chromedriver of one version, and they could not be set up here${failed ? `: ${failed}` : "."} Install Debian's packages ${PACKAGES.join(" and ")}, or set CHROMIUM and CHROMEDRIVER to their paths.`,
  );
}

/** Writes webdriver.json, which wasm-bindgen's test runner reads from the crate's folder: a browser's `options`. */
export function writeWebdriverConfig(browser, options) {
  const text = `${JSON.stringify({ [browser]: options }, null, 2)}\n`;
  const path = join(ROOT, "webdriver.json");
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

function find() {
  const chromium = process.env.CHROMIUM || CHROMIUM_NAMES.map(which).find(Boolean);
  const chromedriver = process.env.CHROMEDRIVER || which("chromedriver");
  return chromium && chromedriver ? { chromium, chromedriver } : null;
}

/** The path of a program on PATH, or null. */
export function which(name) {
  return (
    (process.env.PATH ?? "")
      .split(delimiter)
      .map((part) => join(part, name))
      .find((path) => existsSync(path)) ?? null
  );
}

function folder() {
  return join(CACHE, "chromium");
}

function findUnpacked() {
  const [chromium, chromedriver] = PACKAGES.map((name) => join(folder(), "bin", name));
  return existsSync(chromium) && output(chromedriver, ["--version"]) ? { chromium, chromedriver } : null;
}

/**
 * The unpacked programs find their libraries and fonts only if their places are set; a page without any font
 * crashes.
 */
function wrap() {
  const root = join(folder(), "root");
  const plain = libraryFolders(root);
  const libraries = [
    ...plain,
    ...["pulseaudio", "blas", "chromium"].flatMap((name) => plain.map((path) => join(path, name))),
  ].join(":");
  mkdirSync(join(folder(), "bin"), { recursive: true });
  const fonts = join(folder(), "fonts.conf");
  const folders = [join(root, "usr/share/fonts"), "/usr/share/fonts"]
    .map((path) => `<dir>${path}</dir>`)
    .join("");
  writeFileSync(
    fonts,
    `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>${folders}<cachedir>${join(folder(), "fonts")}</cachedir></fontconfig>\n`,
  );
  for (const [name, program] of [
    ["chromium", "usr/lib/chromium/chromium"],
    ["chromium-driver", "usr/bin/chromedriver"],
  ]) {
    const path = join(folder(), "bin", name);
    writeFileSync(
      path,
      `#!/bin/sh\nexport LD_LIBRARY_PATH="${libraries}:$LD_LIBRARY_PATH"\nexport FONTCONFIG_FILE="${fonts}"\nexec "${root}/${program}" "$@"\n`,
    );
    chmodSync(path, 0o755);
  }
}
