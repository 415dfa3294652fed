// The package imported from another origin, as from a CDN, in headless Chromium; each server is an origin.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { ROOT, startBrowser } from "./support.mjs";

let cdn, browser, folder;

before(async () => {
  cdn = await serve(
    { "/dist/": join(ROOT, "dist") },
    { headers: { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" } },
  );
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "tabsense-cdn-"));
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><title>cdn</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>',
  );
  writeFileSync(
    join(folder, "main.js"),
    `globalThis.tabsense = await import(new URLSearchParams(location.search).get("from"));`,
  );
});

after(async () => {
  await browser?.close();
  await cdn?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** The result of a new page that imports `entry` from the CDN; `policy`: its Content-Security-Policy. */
async function answer(t, entry, { isolated = false, policy = null } = {}) {
  const headers = policy === null ? {} : { "content-security-policy": policy };
  const mounts = { "/": folder, "/tiny/": join(ROOT, "test_data/models/tiny-f32") };
  const site = await serve(mounts, { isolated, headers });
  const context = await browser.newContext();
  t.after(() => Promise.all([context.close(), site.close()]));
  const page = await context.newPage();
  await page.goto(`${site.url}?from=${cdn.url}dist/${entry}`);
  await page.waitForFunction(() => globalThis.tabsense);
  const result = await page.evaluate(async () => {
    try {
      const classifier = await tabsense.Classifier.load("/tiny/", { device: "cpu", threads: 2 });
      const { length } = await classifier.classify("a text", { topK: null });
      const { build, threads } = classifier.info;
      await classifier.dispose();
      return { build, threads, length };
    } catch ({ kind, message }) {
      return { kind, message };
    }
  });
  t.diagnostic(JSON.stringify(result));
  return result;
}

test("the package is imported from another origin", async (t) => {
  const { length, threads } = await answer(t, "index.js");
  assert.deepEqual([length, threads], [3, 1]);
});

test("its threads are, too, where the page is isolated", async (t) => {
  const { length, threads, build } = await answer(t, "index.js", { isolated: true });
  assert.deepEqual([length, threads], [3, 2]);
  assert.match(build, /-threads$/);
});

test("tabsense/simd from another origin", async (t) => {
  assert.deepEqual(await answer(t, "simd.js"), { build: "simd", threads: 1, length: 3 });
});

test("the Content-Security-Policy that docs/security.md names suffices, and its parts are needed", async (t) => {
  const origin = cdn.url.slice(0, -1);
  const parts = {
    "script-src": `'self' ${origin} 'wasm-unsafe-eval'`,
    "connect-src": `'self' ${origin}`,
    "worker-src": `blob: ${origin}`,
  };
  const policy = (parts) =>
    Object.entries({ "default-src": "'none'", ...parts })
      .map(([name, value]) => `${name} ${value}`)
      .join("; ");
  const right = await answer(t, "index.js", { policy: policy(parts) });
  assert.equal(right.length, 3, JSON.stringify(right));
  const trust = { "require-trusted-types-for": "'script'", "trusted-types": "tabsense" };
  for (const isolated of [false, true]) {
    const trusted = await answer(t, "index.js", { isolated, policy: policy({ ...parts, ...trust }) });
    assert.deepEqual([trusted.length, trusted.threads], [3, isolated ? 2 : 1], JSON.stringify(trusted));
  }
  const without = await answer(t, "index.js", { policy: policy({ ...parts, "worker-src": "'self'" }) });
  assert.equal(without.kind, "environment");
  assert.match(without.message, /worker-src.*blob:/);
});
