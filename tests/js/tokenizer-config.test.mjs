// tokenizer_config.json, which is optional: read if it exists.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { startFiles } from "../../dist/files/model-files.js";
import { nodeHost } from "../../dist/platform/node.js";
import { FILES, filesOf, loadRequest, rejects, serveModel, TINY } from "./support.mjs";

const NAME = "tokenizer_config.json";
const BYTES = new TextEncoder().encode('{"model_max_length": 8}');

/** The bytes of the file as the loader receives them, or undefined. */
async function read(ref, cache = false) {
  const network = { ...loadRequest({}).network, cache };
  const request = { ...loadRequest({ ...filesOf(), [NAME]: ref }), network };
  const files = startFiles(nodeHost, request, new AbortController().signal, false, null);
  return files.optional(
    NAME,
    async ({ opened }) => new Uint8Array(await new Response(opened.body).arrayBuffer()),
  );
}

async function loads(t, source, options) {
  const classifier = await Classifier.load(source, options);
  t.after(() => classifier.dispose());
  return classifier.classify("a text", { details: true });
}

test("it is read from a folder, a server, and memory", async (t) => {
  const { url } = await serveModel(t, { [NAME]: BYTES });
  for (const ref of [{ url: url + NAME }, { bytes: BYTES }, { blob: new Blob([BYTES]) }])
    assert.deepEqual(await read(ref), BYTES);
  assert.ok((await read({ path: join(TINY, "config.json") })).length > 0);
});

test("it may be missing: from a folder, from files, and from servers, whatever they answer in its place", async (t) => {
  assert.equal(await read({ path: join(TINY, "none.json") }), undefined);
  assert.equal(await read(null), undefined);
  for (const status of [403, 404, 410]) {
    const { url } = await serveModel(t, {}, { [NAME]: (_, response) => response.writeHead(status).end() });
    assert.equal(await read({ url: url + NAME }), undefined, String(status));
  }
  const page = (_, response) => response.end("<!doctype html><title>the app</title>");
  const { url } = await serveModel(t, filesOf(), { [NAME]: page });
  await loads(t, url, { cache: false });
});

test("a failing server is not a model without it", async (t) => {
  const { url } = await serveModel(t, filesOf(), { [NAME]: (_, response) => response.writeHead(400).end() });
  await rejects("network", Classifier.load(url, { cache: false }), /tokenizer_config\.json answered 400/);
});

test("rejects one that isn't JSON", async (t) => {
  const { url } = await serveModel(t, { ...filesOf(), [NAME]: new TextEncoder().encode("nothing like it") });
  for (const source of [url, { ...filesOf(), [NAME]: new TextEncoder().encode("{") }]) {
    const error = await Classifier.load(source, { cache: false }).catch((thrown) => thrown);
    assert.match(error.message, /tokenizer_config\.json/);
  }
});

test("verifies a digest of it, and rejects one for a missing file", async (t) => {
  const integrity = { [NAME]: `sha256-${"0".repeat(64)}` };
  const { url } = await serveModel(t, { ...filesOf(), [NAME]: BYTES });
  await rejects("integrity", Classifier.load(url, { integrity, cache: false }), /doesn't match its digest/);
  const without = await serveModel(t, filesOf());
  for (const source of [without.url, filesOf(), TINY])
    await rejects("integrity", Classifier.load(source, { integrity, cache: false }), /doesn't have/);
});

test("caches that it is missing, and revalidates that", async (t) => {
  const before = process.env.TABSENSE_CACHE;
  const folder = mkdtempSync(join(tmpdir(), "tabsense-copies-"));
  process.env.TABSENSE_CACHE = folder;
  t.after(() => ((process.env.TABSENSE_CACHE = before), rmSync(folder, { recursive: true, force: true })));
  const files = filesOf();
  let down = false;
  const handlers = Object.fromEntries(
    [...FILES, NAME].map((name) => [
      name,
      (_, response) => {
        if (down) return response.destroy();
        if (!files[name]) return response.writeHead(404).end();
        response.writeHead(200, { etag: `"${files[name].length}"`, "content-length": files[name].length });
        response.end(files[name]);
      },
    ]),
  );
  const { url } = await serveModel(t, {}, handlers);
  const load = async () => {
    const classifier = await Classifier.load(url);
    const { tokens } = await classifier.classify("a text of more than eight tokens or so", { details: true });
    await classifier.dispose();
    return tokens.length;
  };
  const long = await load();
  down = true;
  assert.equal(await load(), long, "no connection is needed to know that it isn't there");
  down = false;
  files[NAME] = BYTES;
  assert.equal(await load(), 8, "it is there now");
  down = true;
  assert.equal(await load(), 8);
});
