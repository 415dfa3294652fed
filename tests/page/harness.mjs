// Shared by the page's tests: the page served as by `npm run demo`, a browser, and a record of errors.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { serve } from "../../scripts/serve.mjs";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const TINY = join(ROOT, "test_data/models/tiny-f32");

/** The two sentences that the embedded model must get right, with their labels. */
export const DELIGHT = { text: "A delight from start to finish.", label: "POSITIVE" };
export const HOURS = { text: "A waste of two hours.", label: "NEGATIVE" };

/**
 * By how much the CPU's int4 kernels, which round activations to int8, may change a score of the embedded
 * model: on its goldens, logits are at most 0.19 off, and a score changes by a quarter of that. Two scores
 * that are closer than twice this may swap places.
 */
export const ROUNDED = 0.06;

const TIMEOUT_MS = 60_000; // generous: a slow machine must not fail a test
const WEBGPU_TIMEOUT_MS = 300_000; // a software adapter compiles for half a minute on a busy machine
const BLOCKED = /^Service Worker registration blocked by Playwright/;
const FOLDS = ["latency", "model", "tokens", "code", "compare", "privacy", "storage"];
const HELD_BYTES = 64 * 1024; // how much of a held file is sent immediately

const launch = (args = []) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-background-networking", ...args],
  });

/** This browser has no WebGPU adapter; the first test that needs one starts another browser. */
const browser = await launch();
let browserWithWebGpu = null;
after(() => Promise.all([browser.close(), browserWithWebGpu?.then((other) => other.close())]));

/** A folder with an empty page that makes no requests, for running scripts in it. */
export function blank(t) {
  const folder = scratch(t);
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><title>Blank</title><link rel="icon" href="data:," />',
  );
  return folder;
}

/**
 * Serves the built page at /, models/ at /models/, test_data/models/ at /fixtures/, and `mounts`, until the
 * test ends; cross-origin isolated by default, like `npm run demo`.
 *
 * `headers` are added to each response; `asked` lists the requested paths. `hold(path)` lets a file's first
 * bytes through and holds the rest back until the function that it returns is called.
 */
export async function site(t, mounts = {}, { isolated = true, headers = {} } = {}) {
  const files = await serve(
    {
      "/": join(ROOT, "www/dist"),
      "/models/": join(ROOT, "models"),
      "/fixtures/": join(ROOT, "test_data/models"),
      ...mounts,
    },
    { isolated },
  );
  const held = new Map();
  const asked = [];
  const gate = createServer((request, response) => {
    asked.push(request.url);
    const upstream = ask(new URL(request.url, files.url), { method: request.method }, async (answer) => {
      response.writeHead(answer.statusCode, { ...answer.headers, ...headers });
      let sent = 0;
      try {
        for await (const chunk of answer) {
          if (sent >= HELD_BYTES) await held.get(request.url);
          response.write(chunk);
          sent += chunk.length;
        }
        response.end();
      } catch {
        response.destroy(); // the page has hung up, or the server is gone
      }
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    upstream.end();
  });
  await new Promise((resolve) => gate.listen(0, "localhost", resolve));
  const close = async () => {
    gate.closeAllConnections();
    await Promise.all([new Promise((resolve) => gate.close(resolve)), files.close()]);
  };
  t.after(close);
  return {
    url: `http://localhost:${gate.address().port}/`,
    asked,
    close,
    hold(path) {
      let release;
      held.set(path, new Promise((resolve) => (release = resolve)));
      t.after(() => release());
      return () => {
        held.delete(path);
        release();
      };
    },
  };
}

/**
 * Opens `url` in a new context, with `webgpu: true` in a browser that has a WebGPU adapter. `initScript` is a
 * function that runs in the page before its own code. All collapsible sections are open, as if the visitor
 * had opened them before; with `firstVisit: true`, none is. `offline` allows the page's service worker, which
 * most tests block because it requests files in the background and answers requests without the server.
 *
 * `problems` collects the errors and warnings of the console and the page, `requests` every requested
 * address, workers included.
 */
export async function open(
  t,
  url,
  { webgpu = false, initScript = null, offline = false, firstVisit = false, ...contextOptions } = {},
) {
  if (webgpu) browserWithWebGpu ??= launch(readManifest().tests["webgpu-args"]);
  const context = await (webgpu ? await browserWithWebGpu : browser).newContext({
    viewport: { width: 1280, height: 900 },
    serviceWorkers: offline ? "allow" : "block",
    ...contextOptions,
  });
  t.after(() => context.close());
  context.setDefaultTimeout(webgpu ? WEBGPU_TIMEOUT_MS : TIMEOUT_MS);
  const requests = [];
  const problems = [];
  context.on("request", (request) => requests.push(request.url()));
  if (initScript) await context.addInitScript(initScript);
  if (!firstVisit) await context.addInitScript(unfold, FOLDS);
  const page = await context.newPage();
  page.on("console", (message) => {
    if ((message.type() === "error" || message.type() === "warning") && !BLOCKED.test(message.text()))
      problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(url);
  const part = (id) => page.getByTestId(id);
  const result = async () => {
    const found = await page.waitForSelector('[data-testid="result"][data-label]');
    const { label, score } = await found.evaluate(({ dataset }) => ({ ...dataset }));
    return { label, score: Number(score) };
  };
  return {
    context,
    page,
    requests,
    problems,
    part,
    /** Waits until the model in use has this state. */
    status: (state) => page.waitForSelector(`[data-testid="status"][data-state="${state}"]`),
    /** The verdict on the text in the box; the page removes it as soon as the text changes. */
    result,
    /** Enters a text and resolves to its verdict. */
    async verdict(text) {
      await part("input").fill(text);
      return result();
    },
    /** Starts loading another model by its name or address. */
    async load(source) {
      await part("model-source").fill(source);
      await part("model-load").click();
    },
  };
}

/** Runs in the page: makes it a later visit, with these sections left open. */
function unfold(names) {
  if (location.protocol.startsWith("http")) sessionStorage.setItem("tabsense-folds", names.join(" "));
}

/** Opens the page and waits until its own model is ready. */
export async function openReady(t, contextOptions) {
  const server = await site(t);
  const opened = await open(t, server.url, contextOptions);
  await opened.status("ready");
  return { server, ...opened };
}

/** Asserts that the browser reported no problems except those that `allowed` matches. */
export function quiet(problems, allowed = null) {
  assert.deepEqual(
    problems.filter((problem) => !allowed?.test(problem)),
    [],
  );
}

/** The workers of the page's classifiers, without the helper threads. */
export function workersOf(page) {
  return page.workers().filter((worker) => !/\/thread-[^/]*\.js$/.test(worker.url()));
}

/** By how many pixels the page is wider than its window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** The faults that axe finds on the page: low contrast, and missing roles, names and states. */
export async function accessibilityFaults(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
  );
}

/** A folder that is removed after the test. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-page-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** The markup of the elements without an accessible name. */
export function unnamedIn(locator) {
  return locator.evaluateAll((elements) =>
    elements
      .filter(
        (element) =>
          !(
            element.getAttribute("aria-label") ||
            element.getAttribute("aria-labelledby") ||
            element.labels?.length ||
            element.textContent.trim() ||
            ["status", "alert"].includes(element.getAttribute("role"))
          ),
      )
      .map((element) => element.outerHTML),
  );
}

/** The ids and test ids that more than one element has. */
export function duplicatesIn(page) {
  return page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id], [data-testid]")]
      .flatMap((element) => [element.id && `#${element.id}`, element.dataset.testid])
      .filter(Boolean);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
  });
}
