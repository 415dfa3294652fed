// The page without a network: what it stores and reports, clearing and updates, and what it never serves.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { chromium } from "playwright-core";
import {
  accessibilityFaults,
  DELIGHT,
  HOURS,
  open,
  overflow,
  quiet,
  ROOT,
  scratch,
  site,
} from "./harness.mjs";

const CUT_OFF =
  /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_FAILED|Failed to load resource|Failed to fetch/;
const MODEL = "/models/sentiment-en/model.safetensors";

/** Opens the page with its service worker; `dist` is the folder of the built page. */
async function openOffline(t, { dist = null, server = null, ...contextOptions } = {}) {
  const own = server ?? (await site(t, dist ? { "/": dist } : {}));
  const opened = await open(t, own.url, { offline: true, ...contextOptions });
  return {
    server: own,
    ...opened,
    /** Waits until the stored files have this state. */
    stored: (state) => opened.page.waitForSelector(`[data-testid="offline"][data-state="${state}"]`),
    caches: () => opened.page.evaluate(() => caches.keys()),
  };
}

/** A copy of the built page, to be changed. */
function copyOfPage(t) {
  const folder = scratch(t);
  cpSync(join(ROOT, "www/dist"), folder, { recursive: true });
  return folder;
}

test("once it is ready, the page opens and classifies without a server", async (t) => {
  const { server, context, page, part, stored, verdict, status, problems } = await openOffline(t);
  await stored("ready");
  assert.equal(await part("offline-line").textContent(), "Ready for offline use");
  await context.setOffline(true);
  await server.close();
  await page.reload();
  await status("ready");
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  await stored("ready");
  assert.equal(await part("offline-line").textContent(), "Offline, and it works");
  // The headers for cross-origin isolation, which threads need, come from the cache, too.
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  assert.match(await part("backend").textContent(), /-threads build/);
  await part("tab-file").click();
  await part("file-sample").click();
  await page.waitForSelector('[data-testid="panel-file"][data-state="chosen"]');
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  quiet(problems, CUT_OFF);
});

test("a second page of the address opens without a server: with a query, with a hash, as index.html", async (t) => {
  const { server, context, stored } = await openOffline(t);
  await stored("ready");
  await context.setOffline(true);
  await server.close();
  for (const rest of ["index.html", "?from=a-link", "#file"]) {
    const page = await context.newPage();
    await page.goto(server.url + rest);
    await page.waitForSelector('[data-testid="status"][data-state="ready"]');
    await page.close();
  }
});

test("it works from a subfolder, and leaves the rest of the site alone", async (t) => {
  const server = await site(t, { "/a/b/": join(ROOT, "www/dist"), "/a/b/models/": join(ROOT, "models") });
  const { context, page } = await open(t, `${server.url}a/b/`, { offline: true });
  await page.waitForSelector('[data-testid="offline"][data-state="ready"]');
  await context.setOffline(true);
  await server.close();
  await page.reload();
  await page.waitForSelector('[data-testid="status"][data-state="ready"]');
  await assert.rejects(page.goto(server.url));
});

test("the model is fetched once: what is stored comes from the browser's own cache", async (t) => {
  const server = await site(t);
  // A profile on disk, because a private window's cache has no room for the model.
  const context = await chromium.launchPersistentContext(scratch(t), {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  try {
    const page = await context.newPage();
    await page.goto(server.url);
    await page.waitForSelector('[data-testid="offline"][data-state="ready"]');
    assert.equal(server.asked.filter((path) => path === MODEL).length, 1);
  } finally {
    await context.close(); // before the profile's folder is removed
  }
});

test("the next visit asks for a newer version, and for nothing else", { timeout: 60_000 }, async (t) => {
  const { server, page, stored, status } = await openOffline(t);
  await stored("ready");
  server.asked.length = 0;
  await page.reload();
  await status("ready");
  await stored("ready");
  while (server.asked.length === 0) await page.waitForTimeout(100); // the browser checks for it with a delay
  assert.deepEqual([...new Set(server.asked)], ["/sw.js"]);
});

test("requests for a part of a file, and others than GET, are the server's", async (t) => {
  const { server, context, page, stored } = await openOffline(t);
  await stored("ready");
  await page.reload();
  await stored("ready");
  await context.setOffline(true);
  await server.close();
  const answers = await page.evaluate(async (path) => {
    const attempt = (init) =>
      fetch(path, init).then(
        async (response) => [response.status, (await response.arrayBuffer()).byteLength],
        () => "failed",
      );
    return {
      whole: await attempt({}),
      part: await attempt({ headers: { range: "bytes=0-99" } }),
      head: await attempt({ method: "HEAD" }),
      query: await fetch(`${path}?v=2`).then(
        () => "answered",
        () => "failed",
      ),
    };
  }, MODEL);
  const { length } = readFileSync(join(ROOT, MODEL));
  assert.deepEqual(answers, { whole: [200, length], part: "failed", head: "failed", query: "failed" });
});

test("progress and cancelling work through the service worker", async (t) => {
  const { server, page, part, stored, status, load } = await openOffline(t);
  await stored("ready");
  await page.reload();
  await status("ready");
  await page.evaluate(async () => {
    for (const name of await caches.keys()) await caches.delete(name);
  });
  const release = server.hold(MODEL);
  await load("sentiment-en");
  await page.waitForFunction(() =>
    /^weights .+ of 9\.\d MB/.test(document.querySelector('[data-testid="detail"]').textContent),
  );
  await part("cancel").click();
  await status("ready");
  release();
  await load("sentiment-en");
  await page.waitForFunction(() => document.querySelector('[data-testid="status"]').textContent === "Ready");
  await stored("ready");
});

test("what is stored is shown, can be cleared, and stored again", async (t) => {
  const { context, page, part, stored, caches, verdict, problems } = await openOffline(t);
  await stored("ready");
  await part("storage-list").getByText("Model").waitFor();
  const rows = () =>
    part("storage-list")
      .locator("div")
      .evaluateAll((pairs) =>
        Object.fromEntries(
          pairs.map((pair) => [pair.querySelector("dt").textContent, pair.querySelector("dd").textContent]),
        ),
      );
  const found = await rows();
  assert.match(found.Model, /^3 files, 9\.\d MB$/);
  assert.match(found.Engine, /^1 file, 1\.\d MB$/);
  assert.match(found["This page"], /^\d+ files, \d+ kB$/);
  assert.match(found["In total"], /MB of \d/);
  await part("storage-clear").focus();
  await page.keyboard.press("Enter");
  await stored("cleared");
  await part("storage-list").getByText("none").waitFor();
  assert.deepEqual(await caches(), []);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  assert.equal(await part("storage-clear").isDisabled(), true);
  assert.equal(
    await page.evaluate(() => document.activeElement.dataset.testid),
    "offline-store",
    "the focus goes to what can be done now",
  );
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label, "it works on");
  await part("offline-store").focus();
  await page.keyboard.press("Enter");
  await stored("ready");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "offline");
  assert.equal((await caches()).length, 1);
  await context.setOffline(true);
  await page.reload();
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  quiet(problems, CUT_OFF);
});

test("the list shows a model that was loaded after the page was cleared", async (t) => {
  const { part, stored, load } = await openOffline(t);
  await stored("ready");
  await part("storage-clear").click();
  await part("storage-list").getByText("none").waitFor();
  await load("./fixtures/tiny-f32/");
  await part("storage-list").getByText("Model").waitFor();
  assert.equal(await part("offline").getAttribute("data-state"), "cleared");
});

test("what another tab has cleared is not shown as stored", async (t) => {
  const { server, context, page, part, stored } = await openOffline(t);
  await stored("ready");
  const other = await context.newPage();
  await other.goto(server.url);
  await other.waitForSelector('[data-testid="offline"][data-state="ready"]');
  await other.getByTestId("storage-clear").click();
  await other.waitForSelector('[data-testid="offline"][data-state="cleared"]');
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await stored("cleared");
  await part("offline-store").click();
  await stored("ready");
});

test("a file that differs from the build is not stored, and the page says so", async (t) => {
  for (const spoil of [
    (path) => appendFileSync(path, "x"),
    (path) => writeFileSync(path, readFileSync(path).subarray(0, -100)),
  ]) {
    const dist = copyOfPage(t);
    spoil(join(dist, "sample.csv"));
    const { part, stored, caches, verdict, page } = await openOffline(t, { dist });
    await stored("failed");
    assert.equal(await part("offline-line").textContent(), "Needs the network to open");
    assert.match(await part("offline-note").textContent(), /could not be stored/);
    assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
    const sample = await page.evaluate(async () =>
      Boolean(await caches.match(new URL("sample.csv", document.baseURI))),
    );
    assert.equal(sample, false);
    assert.ok((await caches()).length <= 1);
    cpSync(join(ROOT, "www/dist/sample.csv"), join(dist, "sample.csv"));
    await part("offline-store").click();
    await stored("ready");
  }
});

test("a model that is not the built one is not stored", async (t) => {
  const folder = scratch(t);
  cpSync(join(ROOT, "models"), folder, { recursive: true });
  const config = join(folder, "sentiment-en/config.json");
  writeFileSync(config, `${readFileSync(config, "utf8")}\n`);
  const server = await site(t, { "/models/": folder });
  const { page, part, stored, status } = await openOffline(t, { server });
  await status("ready");
  await stored("failed");
  assert.match(
    await part("offline-note").textContent(),
    /config\.json could not be fetched, or doesn’t match this version/,
  );
  assert.equal(
    await page.evaluate(
      async (path) => Boolean(await caches.match(path)),
      "/models/sentiment-en/config.json",
    ),
    false,
  );
});

test("a newer version is stored beside the one in use, and taken over when asked; the model is kept", async (t) => {
  const dist = copyOfPage(t);
  const { server, page, part, stored, caches, verdict, problems } = await openOffline(t, { dist });
  await stored("ready");
  const [before] = await caches();

  const digest = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;
  const old = readFileSync(join(dist, "index.html"), "utf8");
  const next = old.replace("<title>Tabsense", "<title>Tabsense, renewed");
  const worker = readFileSync(join(dist, "sw.js"), "utf8");
  writeFileSync(join(dist, "index.html"), next);
  writeFileSync(
    join(dist, "sw.js"),
    worker.replace(digest(old), digest(next)).replace(/"version":"\w+"/, '"version":"fedcba987654"'),
  );

  server.asked.length = 0;
  await page.reload();
  assert.match(await page.title(), /^Tabsense:/, "the version in use stays whole");
  await part("offline-renew").waitFor();
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  await Promise.all([page.waitForEvent("load"), part("offline-renew").click()]);
  await page.waitForFunction(() => document.title.startsWith("Tabsense, renewed"));
  await stored("ready");
  const after = await caches();
  assert.deepEqual(after, ["tabsense-page-fedcba987654"]);
  assert.notEqual(before, after[0]);
  assert.deepEqual(
    server.asked.filter((path) => path.startsWith("/models/")),
    [],
    "the same model is not fetched again",
  );
  assert.equal(await part("offline-renew").isVisible(), false);
  quiet(problems, /integrity|digest/i);
});

test("a newer version takes over even if there is no room for both, and deletes the old one", async (t) => {
  const dist = copyOfPage(t);
  const { server, context, page, part, stored, caches } = await openOffline(t, { dist });
  await stored("ready");
  const worker = join(dist, "sw.js");
  writeFileSync(worker, readFileSync(worker, "utf8").replace(/"version":"\w+"/, '"version":"fedcba987654"'));
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  const devtools = await context.newCDPSession(page);
  const { origin } = new URL(server.url);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 5e6 });
  await page.reload();
  await part("offline-renew").waitFor();
  await Promise.all([page.waitForEvent("load"), part("offline-renew").click()]);
  await stored("failed"); // the browser frees dropped files only later
  assert.deepEqual(await caches(), ["tabsense-page-fedcba987654"]);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await part("offline-store").click();
  await stored("ready");
});

test("without room for the model the page says so, works, and stores it when there is room", async (t) => {
  const server = await site(t);
  const { context, page, part, verdict } = await open(t, "about:blank", { offline: true });
  const stored = (state) => page.waitForSelector(`[data-testid="offline"][data-state="${state}"]`);
  const devtools = await context.newCDPSession(page);
  const { origin } = new URL(server.url);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 6e6 });
  await page.goto(server.url);
  await stored("failed");
  assert.match(
    await part("offline-note").textContent(),
    /There is not enough storage for .*\/model\.safetensors/,
  );
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  assert.equal(await page.evaluate(async (path) => Boolean(await caches.match(path)), MODEL), false);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await part("offline-store").click();
  await stored("ready");
});

test("a page whose model failed opens offline, and says that it has none", async (t) => {
  const server = await site(t, { "/models/": scratch(t) });
  const { part, status, stored } = await openOffline(t, { server });
  await status("error");
  await stored("ready");
  assert.equal(await part("offline-line").textContent(), "Opens offline, without a model");
});

test("without a service worker the page works, and says what it can't do", async (t) => {
  const { part, page, verdict, problems } = await open(t, (await site(t)).url, {
    initScript: () => delete Navigator.prototype.serviceWorker,
  });
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  await page.waitForSelector('[data-testid="offline"][data-state="unsupported"]');
  assert.equal(await part("offline-line").textContent(), "Needs the network to open");
  quiet(problems);
});

test("all of it works under a policy that allows this site alone", async (t) => {
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'";
  const server = await site(t, {}, { headers: { "content-security-policy": policy } });
  const { page, part, stored, verdict, problems } = await openOffline(t, { server });
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  await part("tab-file").click();
  await part("file-sample").click();
  await part("file-run").click();
  await page.waitForSelector('[data-testid="panel-file"][data-state="done"]');
  await part("tab-benchmark").click();
  for (const box of await page.locator('input[name="length"]').all())
    await box.setChecked((await box.inputValue()) === "8");
  await page.locator('input[name="rounds"][value="10"]').check();
  await part("bench-run").click();
  await page.waitForSelector('[data-testid="bench-status"][data-state="done"]');
  await stored("ready");
  await page.reload();
  await page.waitForSelector('[data-testid="status"][data-state="ready"]');
  quiet(problems);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the foot of the page fits a phone and can be read, ${colorScheme}`, async (t) => {
    const { page, part, stored } = await openOffline(t, {
      colorScheme,
      viewport: { width: 320, height: 700 },
      isMobile: true,
      hasTouch: true,
    });
    await stored("ready");
    assert.equal(await overflow(page), 0);
    assert.deepEqual(await accessibilityFaults(page), []);
    await part("storage-clear").click();
    await stored("cleared");
    assert.equal(await overflow(page), 0);
    assert.deepEqual(await accessibilityFaults(page), []);
  });
}
