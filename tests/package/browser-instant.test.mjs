// The lexicon in a page: fetched only if requested, and an answer before the weights have arrived.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, startBrowser, startSite } from "./support.mjs";

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Opens a page for one test; also returns the paths that it and its workers request. */
async function open(t, path = "") {
  const context = await browser.newContext();
  t.after(() => context.close());
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const page = await context.newPage();
  await page.goto(site.url + path);
  await page.waitForFunction(() => globalThis.tabsense);
  return { page, asked };
}

/** Serves sentiment-en, but its weights only once the test calls `release()`. */
async function heldModel(t) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let asked;
  const wanted = new Promise((resolve) => (asked = resolve));
  const server = createServer(async (request, response) => {
    const name = request.url.split("/").at(-1);
    if (name === "model.safetensors") {
      asked();
      await released;
    }
    const path = join(ROOT, "models/sentiment-en", name);
    const there = existsSync(path);
    response.writeHead(there ? 200 : 404, { "access-control-allow-origin": "*" });
    response.end(there ? readFileSync(path) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.close(), server.closeAllConnections()));
  return { url: `http://127.0.0.1:${server.address().port}/sentiment-en/`, release, wanted };
}

const isLexicon = (path) => /lexicon/.test(path);

test("a page that doesn't ask for the lexicon never fetches it", async (t) => {
  const { page, asked } = await open(t);
  await page.evaluate(async () => {
    const classifier = await tabsense.Classifier.load("/tiny/");
    await classifier.classify("a text");
    await classifier.dispose();
  });
  assert.ok(
    asked.some((path) => path.endsWith("worker.js")) && asked.some((path) => path.endsWith(".wasm")),
    "the list holds what workers ask for",
  );
  assert.deepEqual(asked.filter(isLexicon), []);
});

test("the first answer comes before the weights, the next from the model", async (t) => {
  const { url, release, wanted } = await heldModel(t);
  const { page, asked } = await open(t);
  const first = await page.evaluate(async (url) => {
    globalThis.classifier = await tabsense.Classifier.load(url, { instant: true });
    return [await classifier.classify("A delight from start to finish."), classifier.info.build];
  }, url);
  assert.deepEqual([first[0][0].label, first[0][0].source, first[1]], ["POSITIVE", "lexicon", "none"]);
  assert.deepEqual(asked.filter(isLexicon), ["/node_modules/tabsense/dist/lexicon.js"]);
  await wanted;
  release();
  const second = await page.evaluate(
    async () => (
      await classifier.ready,
      [await classifier.classify("A delight from start to finish."), classifier.info.lexicon ?? null]
    ),
  );
  assert.deepEqual([second[0][0].label, second[0][0].source, second[1]], ["POSITIVE", "model", null]);
  await page.evaluate(() => classifier.dispose());
});

test("`tabsense/lexicon` is one file, which fetches nothing else", async (t) => {
  const { page, asked } = await open(t);
  const before = asked.length;
  const scores = await page.evaluate(async () => {
    const { score } = await import("./node_modules/tabsense/dist/lexicon.js");
    return ["A delight from start to finish.", "The worst film of the year.", ""].map(score);
  });
  assert.deepEqual(
    scores.map(([best]) => best && [best.label, best.source]),
    [["POSITIVE", "lexicon"], ["NEGATIVE", "lexicon"], undefined],
  );
  assert.deepEqual(asked.slice(before), ["/node_modules/tabsense/dist/lexicon.js"]);
  assert.deepEqual(page.workers(), []);
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
  const { page } = await open(t, "strict.html");
  const sources = await page.evaluate(async () => {
    const classifier = await tabsense.Classifier.load("sentiment-en", { instant: true });
    const [first] = await classifier.classify("fine");
    await classifier.ready;
    const [second] = await classifier.classify("fine");
    await classifier.dispose();
    return [first.source, second.source];
  });
  assert.deepEqual(sources, ["lexicon", "model"]);
});

test("rejects if the lexicon is not served, and stops loading the model", async (t) => {
  const { url } = await heldModel(t);
  const { page } = await open(t);
  await page.route("**/lexicon.js", (route) => route.fulfill({ status: 404 }));
  const { kind, message } = await page.evaluate(
    (url) => failed(tabsense.Classifier.load(url, { instant: true })),
    url,
  );
  assert.equal(kind, "environment");
  assert.match(message, /lexicon.*dist folder/);
  for (let i = 0; page.workers().length > 0; i++) {
    assert.ok(i < 100, `${page.workers().length} workers are left`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
