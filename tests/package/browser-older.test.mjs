// A model without tokenizer.json in a real Chromium: from the page's own site, and from another origin, whose
// 404 responses the page can't read.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { withVocabTxt } from "../js/older.mjs";
import { startBrowser, startSite } from "./support.mjs";

const files = withVocabTxt();
const NAMES = [
  "added_tokens.json",
  "config.json",
  "model.safetensors",
  "special_tokens_map.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
];

let site, browser;

before(async () => {
  site = await startSite();
  mkdirSync(join(site.project, "older"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(site.project, "older", name), bytes);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

async function open(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return { context, page };
}

/** Loads in the page, classifies once and disposes; resolves to the scores, or the error. */
function load(page, url) {
  return page.evaluate(async (url) => {
    try {
      const classifier = await tabsense.Classifier.load(url);
      const scores = await classifier.classify("an older repository", { topK: null });
      await classifier.dispose();
      return scores;
    } catch ({ kind, message }) {
      return { kind, message };
    }
  }, url);
}

test("the site's own folder gives the scores of the model with tokenizer.json, and is kept", async (t) => {
  const { context, page } = await open(t);
  const requests = [];
  context.on("request", (request) => {
    if (request.url().includes("/older/")) requests.push(request.url().split("/").at(-1));
  });
  const expected = await load(page, "/tiny/");
  assert.ok(Array.isArray(expected), JSON.stringify(expected));
  assert.deepEqual(await load(page, "/older/"), expected);
  assert.deepEqual(requests.sort(), NAMES);

  requests.length = 0;
  assert.deepEqual(await load(page, "/older/"), expected);
  assert.deepEqual(requests.sort(), NAMES, "each is asked about once");
  const kept = await page.evaluate(() => tabsense.listCachedFiles());
  const names = kept.filter(({ url }) => url.includes("/older/")).map(({ url }) => url.split("/").at(-1));
  assert.deepEqual(names.sort(), Object.keys(files).sort());

  await context.route("**/older/**", (route) => route.abort("internetdisconnected"));
  assert.deepEqual(await load(page, "/older/"), expected, "without a connection");
});

test("an origin that adds CORS headers only to what it has", async (t) => {
  const server = createServer((request, response) => {
    const bytes = files[request.url.slice(1)];
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, { "access-control-allow-origin": "*", "content-length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const { page } = await open(t);
  const url = `http://localhost:${server.address().port}/`;
  assert.deepEqual(await load(page, url), await load(page, "/tiny/"));
});

test("a site without either names both", async (t) => {
  const { page } = await open(t);
  const folder = join(site.project, "neither");
  mkdirSync(folder);
  for (const name of ["config.json", "model.safetensors"]) writeFileSync(join(folder, name), files[name]);
  const { kind, message } = await load(page, "/neither/");
  assert.equal(kind, "network");
  assert.match(message, /tokenizer\.json answered 404.*vocab\.txt, which is missing, too\.$/);
});
