// The tarball on a static server, in a plain page without a bundler, in headless Chromium.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readManifest } from "../../scripts/manifest.mjs";
import { ROOT, startBrowser, startSite } from "./support.mjs";

const manifest = readManifest();
let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Opens a page for one test, which fails if the page throws or makes a request to another origin. */
async function open(t, path = "") {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on(
    "request",
    (request) =>
      `${new URL(request.url()).origin}/` !== site.url &&
      !request.url().startsWith("data:") &&
      faults.push(`asked for ${request.url()}`),
  );
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(site.url + path);
  await page.waitForFunction(() => globalThis.tabsense);
  return page;
}

test("importing only requests the modules", async (t) => {
  const page = await open(t);
  const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
  assert.ok(
    names.length > 0 &&
      names.every(
        (name) => name.endsWith(".js") && !/worker|wasm|node/.test(name.replace("node_modules", "")),
      ),
    names.join(" "),
  );
});

test("a model's name means the same on each of a site's pages", async (t) => {
  const page = (
    head,
  ) => `<!doctype html>${head}<title>deep</title><link rel="icon" href="data:,"><script type="module">
    globalThis.tabsense = await import("/node_modules/tabsense/dist/index.js");</script>`;
  writeFileSync(join(site.project, "settings.html"), page(""));
  mkdirSync(join(site.project, "app"), { recursive: true });
  writeFileSync(join(site.project, "app/settings.html"), page(""));
  writeFileSync(join(site.project, "app/based.html"), page('<base href="/elsewhere/">'));
  const load = (page) =>
    page.evaluate(() =>
      tabsense.Classifier.load("sentiment-en").then(
        ({ info }) => info.model.name,
        ({ message }) => message,
      ),
    );
  for (const path of ["settings.html", "app/settings.html"])
    assert.equal(await load(await open(t, path)), "sentiment-en", path);
  assert.match(await load(await open(t, "app/based.html")), /\/elsewhere\/models\/sentiment-en\/.* 404/);
});

test("the embedded model classifies with the network cut, within its memory", async (t) => {
  const page = await open(t);
  const stages = await page.evaluate(async () => {
    const stages = [];
    globalThis.classifier = await tabsense.Classifier.load("sentiment-en", {
      onProgress: ({ stage }) => stages.at(-1) !== stage && stages.push(stage),
    });
    return stages;
  });
  assert.deepEqual([...new Set(stages)].sort(), ["config", "ready", "runtime", "tokenizer", "weights"]);
  await page.context().setOffline(true);
  const [results, info] = await page.evaluate(async () => [
    await classifier.classify(["A delight from start to finish.", "A waste of two hours."]),
    classifier.info,
  ]);
  assert.deepEqual(
    results.map(([{ label }]) => label),
    ["POSITIVE", "NEGATIVE"],
  );
  t.diagnostic(`${info.bytes.memory} bytes of wasm memory, for a file of ${info.bytes.weights}`);
  assert.ok(info.bytes.memory <= manifest.budgets["peak-memory"], `${info.bytes.memory}`);
});

for (const worker of [true, false]) {
  test(`loading, classifying, aborting and disposing, worker: ${worker}`, async (t) => {
    const page = await open(t);
    const seen = await page.evaluate(async (worker) => {
      const { Classifier } = tabsense;
      const classifier = await Classifier.load("/tiny/", { worker });
      const controller = new AbortController();
      const long = classifier.classify(Array(3000).fill("some words of a text"));
      const queued = failed(classifier.classify("queued", { signal: controller.signal }));
      controller.abort();
      const seen = {
        aborted: (await queued).name,
        long: (await long).length,
        empty: await classifier.classify(" "),
      };
      seen.tokens = (await classifier.classify("one text", { details: true })).tokens.length;
      const waiting = failed(classifier.classify("never"));
      await classifier.dispose();
      seen.waiting = (await waiting).kind;
      seen.after = (await failed(classifier.classify("never"))).kind;
      return seen;
    }, worker);
    assert.deepEqual(seen, {
      aborted: "AbortError",
      long: 3000,
      empty: [],
      tokens: seen.tokens,
      waiting: "disposed",
      after: "disposed",
    });
    assert.ok(seen.tokens >= 3);
  });
}

test("workers end with their classifiers, and with a loading that fails", async (t) => {
  const page = await open(t);
  await page.evaluate(async () => {
    const classifier = await tabsense.Classifier.load("/tiny/");
    await classifier.dispose();
    await failed(tabsense.Classifier.load("/no/such/model/"));
    await failed(tabsense.Classifier.load("/tiny/", { signal: AbortSignal.timeout(1) }));
  });
  await assert.doesNotReject(async () => {
    for (let i = 0; page.workers().length > 0; i++) {
      if (i === 100) throw new Error(`${page.workers().length} workers are left`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});

test("Files and relative URLs", async (t) => {
  const page = await open(t);
  const same = await page.evaluate(async () => {
    const names = ["config.json", "tokenizer.json", "model.safetensors"];
    const files = await Promise.all(
      names.map(async (name) => new File([await (await fetch(`/tiny/${name}`)).blob()], name)),
    );
    const all = await Promise.all(
      [files, "./tiny/", "/tiny", `${location.origin}/tiny/`].map((source) =>
        tabsense.Classifier.load(source),
      ),
    );
    const scores = await Promise.all(all.map((classifier) => classifier.classify("a text", { topK: null })));
    await Promise.all(all.map((classifier) => classifier.dispose()));
    return scores.every((one) => JSON.stringify(one) === JSON.stringify(scores[0]));
  });
  assert.ok(same);
});

test("errors have their kinds in a browser, too", async (t) => {
  const page = await open(t);
  const seen = await page.evaluate(async () => {
    const load = async (...args) => (await failed(tabsense.Classifier.load(...args)))?.kind;
    return [
      await load("/none/"),
      await load("no-such-model"),
      await load("/tiny/", { device: "cpu", dtype: "fp16" }),
      await load("/tiny/", { wasm: "/nothing.wasm" }),
      await load("/tiny/", { wasm: "/tiny/config.json" }),
    ];
  });
  assert.deepEqual(seen, ["network", "network", "invalid_argument", "network", "environment"]);
});

test("a server that has no media type for .wasm", async (t) => {
  copyFileSync(
    join(site.project, "node_modules/tabsense/dist/wasm/simd/tabsense_bg.wasm"),
    join(site.project, "engine.bin"),
  );
  const page = await open(t);
  const runtime = await page.evaluate(async () => {
    const events = [];
    const classifier = await tabsense.Classifier.load("/tiny/", {
      wasm: "engine.bin",
      onProgress: (event) => event.stage === "runtime" && events.push(event),
    });
    await classifier.classify("a text");
    await classifier.dispose();
    return events.at(-1);
  });
  assert.ok(runtime.bytes > 100_000 && runtime.bytes === runtime.total);
});

test("says what to do if the worker is missing, and runs without one", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.route("**/worker.js", (route) => route.fulfill({ status: 404 }));
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const error = await page.evaluate(() => failed(tabsense.Classifier.load("/tiny/")));
  assert.equal(error.kind, "environment");
  assert.match(error.message, /worker: false/);
  assert.equal(
    await page.evaluate(() => failed(tabsense.Classifier.load("/tiny/", { worker: false }))),
    null,
  );
});

test("a page with a strict Content-Security-Policy", async (t) => {
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; img-src data:";
  writeFileSync(
    join(site.project, "strict.js"),
    `import * as tabsense from "./node_modules/tabsense/dist/index.js"; globalThis.tabsense = tabsense;`,
  );
  writeFileSync(
    join(site.project, "strict.html"),
    `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}"><link rel="icon" href="data:,"><script type="module" src="strict.js"></script>`,
  );
  const page = await open(t, "strict.html");
  assert.equal(
    await page.evaluate(
      async () => (await (await tabsense.Classifier.load("/tiny/")).classify("a text")).length,
    ),
    1,
  );
});

test("a model from another origin, which allows it", async (t) => {
  const folder = join(ROOT, "test_data/models/tiny-f32");
  const server = createServer((request, response) => {
    const path = join(folder, request.url.split("/").at(-1));
    const there = existsSync(path);
    response.writeHead(there ? 200 : 404, { "access-control-allow-origin": "*" });
    response.end(there ? readFileSync(path) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.close(), server.closeAllConnections()));
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const hub = `http://127.0.0.1:${server.address().port}`;
  assert.equal(
    await page.evaluate(
      async (hub) => (await tabsense.Classifier.load("org/tiny", { hub })).info.model.name,
      hub,
    ),
    "org/tiny",
  );
});
