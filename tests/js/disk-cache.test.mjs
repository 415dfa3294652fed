// Node's cache of model files, in a folder.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, clearCachedFiles, listCachedFiles } from "tabsense";
import { cacheFolder } from "../../dist/files/disk-store.js";
import { FILES, filesOf, serveModel } from "./support.mjs";

/** A cache folder for one test. */
function folderOf(t) {
  const before = process.env.TABSENSE_CACHE;
  const folder = mkdtempSync(join(tmpdir(), "tabsense-copies-"));
  process.env.TABSENSE_CACHE = folder;
  t.after(() => {
    process.env.TABSENSE_CACHE = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A server with versions (ETags); `state.down` makes it unreachable. */
async function serveVersions(t) {
  const state = { files: filesOf(), down: false, statuses: [] };
  const handler = (request, response) => {
    if (state.down) return response.destroy();
    const bytes = state.files[request.url.split("/").at(-1)];
    if (!bytes) return response.writeHead(404).end();
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const same = request.headers["if-none-match"] === etag;
    state.statuses.push(same ? 304 : 200);
    response.writeHead(same ? 304 : 200, same ? { etag } : { etag, "content-length": bytes.length });
    response.end(same ? undefined : bytes);
  };
  const { url } = await serveModel(t, {}, Object.fromEntries(FILES.map((name) => [name, handler])));
  return Object.assign(state, { url });
}

async function scoreOf(url, options) {
  const classifier = await Classifier.load(url, options);
  const [{ label, score }] = await classifier.classify("once stored, always there");
  await classifier.dispose();
  return { label, score };
}

for (const worker of [true, false]) {
  test(`a second start only revalidates, a third needs no network, worker: ${worker}`, async (t) => {
    const folder = folderOf(t);
    const model = await serveVersions(t);
    const first = await scoreOf(model.url, { worker });
    assert.deepEqual(
      (await listCachedFiles()).map(({ url, bytes }) => [url, bytes]).sort(),
      FILES.map((name) => [model.url + name, model.files[name].length]).sort(),
    );
    assert.ok(readdirSync(folder).every((name) => (statSync(join(folder, name)).mode & 0o77) === 0));
    model.statuses.length = 0;
    assert.deepEqual(await scoreOf(model.url, { worker }), first);
    assert.deepEqual(model.statuses, [304, 304, 304]);
    model.down = true;
    assert.deepEqual(await scoreOf(model.url, { worker }), first);
    await clearCachedFiles(model.url);
    assert.deepEqual(await listCachedFiles(), []);
    assert.deepEqual(readdirSync(folder), []);
  });
}

test("a new version replaces the old one, which is deleted", async (t) => {
  const folder = folderOf(t);
  const model = await serveVersions(t);
  const { label } = await scoreOf(model.url);
  const config = new TextDecoder().decode(model.files["config.json"]);
  model.files["config.json"] = new TextEncoder().encode(config.replaceAll(label, `new ${label}`));
  assert.equal((await scoreOf(model.url)).label, `new ${label}`);
  assert.equal(readdirSync(folder).length, FILES.length + 1, "three files and a note");
  model.down = true;
  assert.equal((await scoreOf(model.url)).label, `new ${label}`);
});

test("a damaged copy is fetched again", async (t) => {
  const folder = folderOf(t);
  const model = await serveVersions(t);
  const first = await scoreOf(model.url);
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".bin"))) {
    const bytes = readFileSync(join(folder, name));
    bytes[bytes.length - 3] ^= 1;
    writeFileSync(join(folder, name), bytes);
  }
  assert.deepEqual(await scoreOf(model.url), first);
  model.down = true;
  assert.deepEqual(await scoreOf(model.url), first, "the copies are whole again");
});

test("cache: false keeps nothing, and a folder that can't be created is ignored", async (t) => {
  const folder = folderOf(t);
  const model = await serveVersions(t);
  const first = await scoreOf(model.url, { cache: false });
  assert.deepEqual(await listCachedFiles(), []);
  process.env.TABSENSE_CACHE = join(folder, "file", "below");
  writeFileSync(join(folder, "file"), "");
  assert.deepEqual(await scoreOf(model.url), first);
  assert.deepEqual(await listCachedFiles(), []);
  await clearCachedFiles();
});

test("the environment sets the folder", () => {
  assert.equal(cacheFolder({ TABSENSE_CACHE: "/a/b", XDG_CACHE_HOME: "/c" }), "/a/b");
  assert.equal(cacheFolder({ XDG_CACHE_HOME: "/c" }), join("/c", "tabsense"));
  assert.match(cacheFolder({}), /\.cache.tabsense$/);
});
