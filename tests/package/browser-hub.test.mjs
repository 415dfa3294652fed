// A model hub on another origin, in headless Chromium: its listing, and the headers that its CDN sees.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startHub } from "../common/hub.mjs";
import { ROOT, startBrowser, startSite } from "./support.mjs";

const TINY = join(ROOT, "test_data/models/tiny-f32");
const [CONFIG, TOKENIZER, WEIGHTS] = ["config.json", "tokenizer.json", "model.safetensors"].map((name) =>
  readFileSync(join(TINY, name)),
);
/** The engine recognizes a file by its content, not by its name. */
const FILES = {
  "config.json": CONFIG,
  "tokenizer.json": TOKENIZER,
  "onnx/model_quantized.onnx": WEIGHTS,
};

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Opens a page, and a hub that it can load from. */
async function open(t, repository, options) {
  const hub = await startHub({ "org/model": { files: FILES, ...repository } }, options);
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await hub.close()));
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const load = (headers) =>
    page.evaluate(
      async ([hub, headers]) => {
        try {
          const classifier = await tabsense.Classifier.load("org/model", { hub, headers, device: "cpu" });
          const { file } = classifier.info;
          await classifier.classify("a text");
          await classifier.dispose();
          return file;
        } catch ({ kind, message }) {
          return `${kind}: ${message}`;
        }
      },
      [hub.url, headers],
    );
  return { hub, load };
}

const carries = ({ headers }) =>
  /secret|x-token/.test(
    `${headers.authorization} ${headers["x-token"]} ${headers["access-control-request-headers"]}`,
  );
const of = (hub, server) => hub.log.filter((entry) => entry.server === server);

test("the file is found in the hub's listing, all pages of it, and a later start needs no connection", async (t) => {
  const { hub, load } = await open(t, {}, { pageSize: 1 });
  assert.equal(await load(), "onnx/model_quantized.onnx");
  assert.equal(of(hub, "hub").filter(({ path }) => path.includes("/tree/")).length, 4);
  hub.log.length = 0;
  assert.equal(await load(), "onnx/model_quantized.onnx");
  assert.ok(!hub.log.some(({ path }) => path.includes("/tree/")));
  await hub.close();
  assert.equal(await load(), "onnx/model_quantized.onnx");
});

test("a server that hides from other origins what it doesn't have: the weights are found anyway", async (t) => {
  const requests = [];
  const server = createServer((request, response) => {
    const name = request.url.slice(1);
    requests.push(`${request.method} ${name}`);
    const bytes = FILES[name];
    if (!bytes) return response.writeHead(404).end();
    const headers = { "access-control-allow-origin": "*", "content-length": bytes.length, etag: '"one"' };
    response.writeHead(200, { ...headers, "access-control-expose-headers": "etag" });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const context = await browser.newContext();
  t.after(async () => (await context.close(), server.closeAllConnections(), server.close()));
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const file = await page.evaluate(async (url) => {
    const classifier = await tabsense.Classifier.load(url, { device: "cpu" });
    await classifier.dispose();
    return classifier.info.file;
  }, `http://127.0.0.1:${server.address().port}/`);
  assert.equal(file, "onnx/model_quantized.onnx");
  const gets = requests.filter((request) => /^GET .*(safetensors|onnx)/.test(request));
  assert.deepEqual(
    gets,
    ["model.safetensors", "model.safetensors.index.json", "onnx/model_quantized.onnx"].map(
      (name) => `GET ${name}`,
    ),
  );
});

test("a token in Authorization reaches the hub and not its CDN", async (t) => {
  const { hub, load } = await open(t, { token: "secret" });
  assert.equal(await load({ Authorization: "Bearer secret" }), "onnx/model_quantized.onnx");
  const onCdn = of(hub, "cdn");
  assert.ok(onCdn.length > 0 && !onCdn.some(({ headers }) => headers.authorization));
});

test("a header of its own reaches the hub and not its CDN: what it is needed for is refused", async (t) => {
  const free = await open(t, {});
  assert.equal(await free.load({ "X-Token": "secret" }), "onnx/model_quantized.onnx");
  assert.ok(of(free.hub, "hub").some(({ headers }) => headers["x-token"] === "secret"));
  const { hub, load } = await open(t, { token: "secret" });
  assert.match(
    await load({ "X-Token": "secret" }),
    /^network: \S+ redirects, and a browser would send x-token.*401.*as Authorization/,
  );
  assert.ok(of(free.hub, "cdn").length > 0);
  for (const entry of [...of(free.hub, "cdn"), ...of(hub, "cdn")]) assert.ok(!carries(entry), entry.path);
});
