// Runs `js` and `html` blocks in Chromium, on a site that serves the package and the models.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODELS_TO_FETCH, setUpModel } from "../../../scripts/models.mjs";
import { serve } from "../../../scripts/serve.mjs";
import { ROOT, startBrowser } from "../../package/support.mjs";
import { preludeOf } from "../prelude.mjs";
import { checkPrinted } from "./expected.mjs";
import { HUB, isOptional, LISTING, listing } from "./hub-address.mjs";

const TIMEOUT_MS = 60_000; // generous: a slow machine must not fail a test
const TINY = join(ROOT, "test_data/models/tiny-f32");
/** The models whose packages the blocks import. */
const MODELS = ["sentiment-en", "minilm-en", "pii-en"];
const FILES = ["config.json", "tokenizer.json", "model.safetensors"];

/** How long an opened page must stay free of errors. */
const SETTLED_MS = 300;

/**
 * Starts a site with the installed package of `project`: its dist folder at /tabsense/, the models at
 * /models/, the blocks at /blocks/. Resolves to `{ runScript, openPage, close }`.
 */
export async function startPages(project, exported) {
  for (const name of MODELS_TO_FETCH) await setUpModel(name);
  const blocks = join(project, "blocks");
  mkdirSync(blocks, { recursive: true });
  writeFileSync(join(project, "favicon.ico"), ""); // browsers request it for a page without an icon
  const dist = join(project, "node_modules/tabsense/dist/");
  const site = await serve({
    "/": project,
    "/tabsense/": dist,
    "/models/": join(ROOT, "models"),
    "/blocks/": blocks,
    "/blocks/models/": join(ROOT, "models"),
  });
  const browser = await startBrowser();
  const map = importMap(project);
  let count = 0;

  /** Opens a file of /blocks/ and resolves to its output; fails on any error in the page. */
  async function visit(path, until) {
    const context = await browser.newContext();
    try {
      const faults = [];
      context.on("request", (request) => {
        const url = request.url();
        if (
          !url.startsWith(site.url) &&
          !url.startsWith("data:") &&
          !url.startsWith("blob:") &&
          !HUB.test(url) &&
          !LISTING.test(url) &&
          !isOptional(url)
        )
          faults.push(`asked for ${url}`);
      });
      context.on(
        "response",
        (response) =>
          response.status() >= 400 &&
          !isOptional(response.url()) &&
          faults.push(`${response.url()} answered ${response.status()}`),
      );
      await context.route(HUB, (route) =>
        route.fulfill({
          path: join(TINY, HUB.exec(route.request().url())[1]),
          headers: { "access-control-allow-origin": "*" },
        }),
      );
      await context.route(LISTING, (route) =>
        route.fulfill({
          body: listing(Object.fromEntries(FILES.map((name) => [name, statSync(join(TINY, name)).size]))),
          contentType: "application/json",
          headers: { "access-control-allow-origin": "*" },
        }),
      );
      await context.route(
        ({ href }) => href.startsWith("https://huggingface.co/") && isOptional(href),
        (route) => route.fulfill({ status: 404, headers: { "access-control-allow-origin": "*" } }),
      );
      await context.addInitScript(() => {
        const { log } = console;
        globalThis.printed = [];
        console.log = (...args) => {
          // A snapshot: an object may change later.
          globalThis.printed.push(
            args.map((one) => (typeof one === "object" ? JSON.parse(JSON.stringify(one)) : one)),
          );
          log(...args);
        };
      });
      const page = await context.newPage();
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on(
        "console",
        (message) =>
          ["error", "warning"].includes(message.type()) &&
          !isOptional(message.location().url) &&
          faults.push(message.text()),
      );
      await page.goto(site.url + path);
      await until(page, faults);
      assert.deepEqual(faults, []);
      return await page.evaluate(() => globalThis.printed);
    } finally {
      await context.close();
    }
  }

  return {
    /** Runs a `js` block as a module of an empty page. */
    async runScript({ code }) {
      const name = `block-${count++}`;
      writeFileSync(
        join(blocks, `${name}.js`),
        `${preludeOf(code, { exported, dom: true })} ${code}\nglobalThis.finished = true;\n`,
      );
      writeFileSync(
        join(blocks, `${name}.html`),
        `<!doctype html><meta charset="utf-8"><title>Block</title><link rel="icon" href="data:,">${map}<body></body><script type="module" src="${name}.js"></script>`,
      );
      const printed = await visit(`blocks/${name}.html`, async (page, faults) => {
        const end = Date.now() + TIMEOUT_MS;
        while (faults.length === 0 && !(await page.evaluate(() => globalThis.finished === true))) {
          assert.ok(Date.now() < end, "it has not come to its end");
          await page.waitForTimeout(20);
        }
      });
      checkPrinted(code, printed);
    },

    /** Opens an `html` block: a whole page unchanged, a fragment in the body of a page. */
    async openPage({ code }) {
      const name = `block-${count++}.html`;
      const whole = /<!doctype|<html|<head|<body/i.test(code);
      writeFileSync(
        join(blocks, name),
        whole
          ? code
          : `<!doctype html><meta charset="utf-8"><title>Block</title><link rel="icon" href="data:,">${code.includes("importmap") ? "" : map}<body>${code}</body>`,
      );
      await visit(`blocks/${name}`, async (page) => {
        await page.waitForLoadState("networkidle");
        await page.waitForTimeout(SETTLED_MS);
      });
    },

    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** An import map of the packages' exports for browsers, which resolves their names as a bundler would. */
function importMap(project) {
  const imports = {};
  for (const name of ["tabsense", ...MODELS.map((model) => `tabsense-${model}`)]) {
    const path = join(project, "node_modules", name, "package.json");
    if (!existsSync(path)) continue;
    const { exports } = JSON.parse(readFileSync(path, "utf8"));
    const parts =
      typeof exports === "string" || !Object.keys(exports)[0].startsWith(".") ? { ".": exports } : exports;
    for (const [part, target] of Object.entries(parts)) {
      const file = forBrowsers(target);
      if (file) imports[name + part.slice(1)] = `/node_modules/${name}/${file.slice(2)}`;
    }
  }
  return `<script type="importmap">${JSON.stringify({ imports })}</script>`;
}

/** The file of an export, by the first condition that a browser's bundler knows. */
function forBrowsers(target) {
  if (typeof target === "string" || target === null) return target;
  const condition = Object.keys(target).find((name) => ["browser", "import", "default"].includes(name));
  return condition ? forBrowsers(target[condition]) : null;
}
