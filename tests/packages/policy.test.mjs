// Content security policies: the strictest that suffices, and the errors if a policy, or the server,
// withholds something from the page.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  assertVerdict,
  HERE,
  MODULES,
  open,
  ROOT,
  setUpConsumers,
  site,
  startBrowser,
  STRICT,
} from "./support.mjs";

const TINY = join(ROOT, "test_data/models/tiny-f32");

let browser, folder;

before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "tabsense-policy-"));
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><meta charset="utf-8"><title>policy</title><script type="module" src="main.js"></script>',
  );
  for (const [name, entry] of Object.entries({ main: "index", simd: "simd" }))
    writeFileSync(
      join(folder, `${name}.js`),
      `globalThis.violations = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  violations.push(\`\${violatedDirective}: \${blockedURI}\`));
globalThis.PlainWorker = Worker;
globalThis.tabsense = await import("/tabsense/${entry}.js");
`,
    );
  writeFileSync(
    join(folder, "simd.html"),
    '<!doctype html><meta charset="utf-8"><title>simd</title><script type="module" src="simd.js"></script>',
  );
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

const dist = () => join(MODULES, "tabsense/dist");

/**
 * Opens a page under `policy`, which is sent with all files; `load(options)` resolves to the first label, or
 * the error.
 */
async function openUnder(t, policy, mounts = {}, headers = {}, path = "") {
  const { url, requests } = await site(
    t,
    { "/": folder, "/tabsense/": dist(), "/tiny/": TINY, ...mounts },
    { headers: { ...(policy ? { "content-security-policy": policy } : {}), ...headers } },
  );
  const { page, faults } = await open(t, browser, url + path);
  await page.waitForFunction(() => globalThis.tabsense);
  const load = (options = {}) =>
    page.evaluate(async (options) => {
      try {
        const classifier = await tabsense.Classifier.load("/tiny/", options);
        const [{ label }] = await classifier.classify("a text");
        const { threads } = classifier.info;
        await classifier.dispose();
        return { label, threads };
      } catch (error) {
        return { kind: error.kind, message: error.message };
      }
    }, options);
  return { page, faults, requests, load };
}

/** Asserts that the page still works: scripts run, the document can change, and no worker is left. */
async function assertAlive(page) {
  assert.equal(
    await page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      document.title = "alive";
      return document.title;
    }),
    "alive",
  );
  for (let i = 0; page.workers().length > 0; i++) {
    assert.ok(i < 100, `${page.workers().length} workers are left`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("the strictest policy suffices, in a worker and in place, with a model's package and without isolation", async (t) => {
  const { url, requests } = await site(
    t,
    {
      "/": join(HERE, "plain"),
      "/tabsense/": dist(),
      "/models/sentiment-en/": join(MODULES, "tabsense-sentiment-en"),
    },
    { headers: { "content-security-policy": `${STRICT}; img-src data:` } },
  );
  const opened = await open(t, browser, url);
  await assertVerdict(opened);
  assert.equal(await opened.page.evaluate(() => crossOriginIsolated), false, "neither COOP nor COEP is sent");
  assert.equal(requests.filter(({ dest }) => dest === "worker").length, 1);
  const { load, page, faults } = await openUnder(t, STRICT);
  for (const worker of [true, false]) assert.equal((await load({ worker })).threads, 1);
  await assertAlive(page);
  assert.deepEqual(
    // The browser logs each missing file; this model has no such file.
    faults.filter((fault) => !/favicon|tiny\/tokenizer_config\.json/.test(fault)),
    [],
  );
});

test("with isolation, threads need nothing more", async (t) => {
  const { load, faults } = await openUnder(t, STRICT, {}, ISOLATED);
  assert.equal((await load({ threads: 2 })).threads, 2);
  assert.deepEqual(
    // The browser logs each missing file; this model has no such file.
    faults.filter((fault) => !/favicon|tiny\/tokenizer_config\.json/.test(fault)),
    [],
  );
});

/** The only permissions that the package needs under Trusted Types. */
const TRUSTED = `${STRICT}; require-trusted-types-for 'script'; trusted-types tabsense`;
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Asserts that no violation was reported, `Worker` is the browser's own, and plain addresses are refused. */
async function assertTrusted(page) {
  const seen = await page.evaluate(() => {
    const seen = { violations: [...violations], own: Worker === PlainWorker };
    try {
      new Worker("main.js");
    } catch (error) {
      seen.refused = error.name;
    }
    return seen;
  });
  assert.deepEqual(seen, { violations: [], own: true, refused: "TypeError" });
}

test("under Trusted Types, workers and threads start by the policy tabsense, and nothing else is asked for", async (t) => {
  const { load, page } = await openUnder(t, TRUSTED, {}, ISOLATED);
  assert.equal((await load({ threads: 2 })).threads, 2);
  // Further workers use the same policy: a second policy with its name would be refused.
  for (const worker of [true, false]) assert.equal((await load({ worker, threads: 1 })).threads, 1);
  await assertTrusted(page);
});

test("under Trusted Types, tabsense/simd needs no more", async (t) => {
  const { load, page } = await openUnder(t, TRUSTED, {}, {}, "simd.html");
  for (const worker of [true, false]) assert.equal((await load({ worker })).threads, 1);
  await assertTrusted(page);
});

test("Trusted Types without the policy tabsense: what to allow, and what works without it", async (t) => {
  const { load, page } = await openUnder(t, TRUSTED.replace("trusted-types tabsense", "trusted-types other"));
  const { kind, message } = await load();
  assert.equal(kind, "environment", message);
  assert.match(message, /trusted-types tabsense.*worker: false/);
  assert.equal((await load({ worker: false })).threads, 1);
  assert.equal(await page.evaluate(() => Worker === PlainWorker), true);
  await assertAlive(page);
});

for (const worker of [true, false]) {
  test(`a policy that forbids WebAssembly, worker: ${worker}`, async (t) => {
    const { load, page } = await openUnder(t, STRICT.replace(" 'wasm-unsafe-eval'", ""));
    const { kind, message } = await load({ worker });
    assert.equal(kind, "environment", message);
    assert.match(message, /Content-Security-Policy.*'wasm-unsafe-eval'/);
    await assertAlive(page);
  });
}

test("a policy that forbids workers: what to allow, and worker: false", async (t) => {
  const { load, page } = await openUnder(t, STRICT.replace("worker-src 'self'", "worker-src 'none'"));
  const { kind, message } = await load();
  assert.equal(kind, "environment", message);
  assert.match(message, /Content-Security-Policy.*worker: false/);
  assert.equal((await load({ worker: false })).threads, 1);
  await assertAlive(page);
});

test("a policy that forbids connections", async (t) => {
  const { load, page } = await openUnder(t, STRICT.replace("connect-src 'self'", "connect-src 'none'"));
  for (const worker of [true, false]) assert.equal((await load({ worker })).kind, "network");
  await assertAlive(page);
});

/** A copy of the package's dist folder with its .wasm files removed, or replaced by `content`. */
function packageCopy(t, content) {
  const copy = mkdtempSync(join(tmpdir(), "tabsense-copy-"));
  t.after(() => rmSync(copy, { recursive: true }));
  cpSync(dist(), copy, { recursive: true });
  rmSync(join(copy, "wasm"), { recursive: true });
  for (const build of ["simd", "relaxed", "simd-threads", "relaxed-threads"]) {
    mkdirSync(join(copy, "wasm", build), { recursive: true });
    cpSync(join(dist(), "wasm", build, "tabsense.js"), join(copy, "wasm", build, "tabsense.js"));
    if (content !== null) writeFileSync(join(copy, "wasm", build, "tabsense_bg.wasm"), content);
  }
  return copy;
}

for (const [what, content, expected] of [
  [
    "is missing",
    null,
    { kind: "environment", message: /tabsense_bg\.wasm answered 404.*serve the whole dist folder/ },
  ],
  [
    "is another file",
    "<!doctype html><title>Not found</title>",
    { kind: "environment", message: /could not be compiled.*belongs to this version/ },
  ],
  ["is empty", "", { kind: "environment", message: /could not be compiled/ }],
]) {
  test(`a .wasm file that ${what}`, async (t) => {
    const { load, page } = await openUnder(t, STRICT, { "/tabsense/": packageCopy(t, content) });
    for (const worker of [true, false]) {
      const { kind, message } = await load({ worker });
      assert.equal(kind, expected.kind, message);
      assert.match(message, expected.message);
    }
    await assertAlive(page);
  });
}

test("rejects a .wasm file that is served as a web page", async (t) => {
  const { load, page } = await openUnder(t, STRICT);
  await page.context().route("**/*.wasm", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: "<!doctype html><title>Home</title><p>Welcome to this site, which has a page for everything.</p>",
    }),
  );
  const { kind, message } = await load({ worker: false });
  assert.equal(kind, "environment", message);
  assert.match(message, /is a web page.*serve the whole dist folder/);
  await page.context().unroute("**/*.wasm");
  assert.equal((await load({ worker: false })).threads, 1, "the next loading works");
  await assertAlive(page);
});
