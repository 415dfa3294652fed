// `env`: the transformers.js settings that all calls of `pipeline` share.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, env, LogLevel, listCachedFiles, pipeline } from "tabsense";
import { startHub } from "../common/hub.mjs";
import { filesOf, rejects, serveModel, TINY } from "./support.mjs";

const TASK = "text-classification";

/** Changes settings for one test, and restores them at its end. */
function settings(t, changes) {
  const before = { ...env };
  t.after(() => {
    for (const key of Object.keys(env)) if (!(key in before)) delete env[key];
    Object.assign(env, before);
  });
  Object.assign(env, changes);
}

async function open(t, model, options) {
  const pipe = await pipeline(TASK, model, { worker: false, cache: false, ...options });
  t.after(() => pipe.dispose());
  return pipe;
}

async function hubWith(t, repositories) {
  const hub = await startHub(repositories);
  t.after(hub.close);
  return hub;
}

/** A folder with the tiny model at `path`. */
function folderWith(t, path) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-env-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(TINY, join(folder, path), { recursive: true });
  return folder;
}

const files = () => filesOf();

test("remoteHost is the hub, with its listing and revisions", async (t) => {
  const hub = await hubWith(t, { "org/name": { files: files() }, "org/name@v2": { files: files() } });
  settings(t, { remoteHost: `${hub.url}/` });
  await open(t, "org/name");
  assert.ok(hub.log.some(({ path }) => path.startsWith("/api/models/org/name/tree/main")));
  await open(t, "org/name", { revision: "v2" });
  assert.ok(hub.log.some(({ path }) => path.includes("/resolve/v2/config.json")));
});

test("the option hub comes before remoteHost", async (t) => {
  const hub = await hubWith(t, { "org/name": { files: files() } });
  settings(t, { remoteHost: "http://127.0.0.1:9/", remotePathTemplate: "{model}/elsewhere/" });
  await open(t, "org/name", { hub: hub.url });
});

test("Classifier.load doesn't read the settings", async (t) => {
  const hub = await hubWith(t, { "org/name": { files: files() } });
  settings(t, { remoteHost: "http://127.0.0.1:9/", allowRemoteModels: false });
  const classifier = await Classifier.load("org/name", { hub: hub.url, worker: false, cache: false });
  await classifier.dispose();
});

test("remotePathTemplate: a revision of the template's own is a hub's", async (t) => {
  const hub = await hubWith(t, { "org/name@v2": { files: files() } });
  settings(t, { remoteHost: hub.url, remotePathTemplate: "{model}/resolve/v2/" });
  await open(t, "org/name");
  assert.ok(hub.log.some(({ path }) => path.startsWith("/api/models/org/name/tree/v2")));
});

for (const [template, model, prefix] of [
  ["{model}/", "org/name", "/static/org/name/"],
  ["{model}", "org/name", "/static/org/name/"],
  ["/{model}/at/{revision}", "org/name", "/static/org/name/at/main/"],
  ["{model}/", "name", "/static/name/"],
]) {
  test(`remotePathTemplate ${template} of ${model} is ${prefix}`, async (t) => {
    const { origin } = await serveModel(t, files(), {}, prefix);
    settings(t, { remoteHost: `${origin}/static/`, remotePathTemplate: template });
    const pipe = await open(t, model);
    assert.deepEqual(pipe.classifier.info.warnings, []);
  });
}

test("localModelPath: local models come first, then the hub", async (t) => {
  const folder = folderWith(t, "org/here");
  const hub = await hubWith(t, { "org/here": { files: files() }, "org/there": { files: files() } });
  settings(t, { localModelPath: folder, remoteHost: hub.url });
  await open(t, "org/here");
  assert.equal(hub.log.length, 0);
  await open(t, "org/there");
  assert.notEqual(hub.log.length, 0);
});

test("localModelPath: a bare name is a folder in it, and other names resolve as before", async (t) => {
  settings(t, { localModelPath: folderWith(t, "mine") });
  assert.equal((await open(t, "mine")).classifier.info.model.name, "mine");
  const embedded = await open(t, "sentiment-en");
  assert.equal(embedded.classifier.info.model.name, "sentiment-en");
});

test("localModelPath on a server: its page in place of a file is not a model", async (t) => {
  const page = (_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
  const local = await serveModel(t, {}, { "org/name/config.json": page }, "/models/");
  const hub = await hubWith(t, { "org/name": { files: files() } });
  settings(t, { localModelPath: local.url, remoteHost: hub.url });
  await open(t, "org/name");
  assert.deepEqual(local.requests, ["/models/org/name/config.json"]);
});

test("allowLocalModels = false: the hub, whatever folder has that name", async (t) => {
  const hub = await hubWith(t, { "test_data/models": { files: files() } });
  settings(t, {
    allowLocalModels: false,
    localModelPath: folderWith(t, "test_data/models"),
    remoteHost: hub.url,
  });
  await open(t, "test_data/models");
  assert.notEqual(hub.log.length, 0);
});

test("allowRemoteModels = false: the hub is not contacted", async (t) => {
  const hub = await hubWith(t, { "org/name": { files: files() }, "org/here": { files: files() } });
  settings(t, { allowRemoteModels: false, localModelPath: folderWith(t, "org/here"), remoteHost: hub.url });
  await open(t, "org/here");
  await rejects("network", pipeline(TASK, "org/name", { worker: false }), /org.name/);
  await rejects("invalid_argument", pipeline(TASK, `${hub.url}/org/name`), /env\.allowRemoteModels/);
  assert.equal(hub.log.length, 0);
});

test("useFSCache = false: Node keeps no copies; the option cache says otherwise", async (t) => {
  const { url } = await serveModel(t, files());
  const kept = async () => (await listCachedFiles()).filter((file) => file.url.startsWith(url)).length;
  settings(t, { useFSCache: false, useBrowserCache: true });
  const load = async (options) => (await pipeline(TASK, url, { worker: false, ...options })).dispose();
  await load();
  assert.equal(await kept(), 0);
  await load({ cache: true });
  assert.notEqual(await kept(), 0);
});

test("lists ignored settings in info.warnings", async (t) => {
  settings(t, { backends: { onnx: { wasm: {} } }, logLevel: LogLevel.ERROR });
  assert.deepEqual((await open(t, TINY)).classifier.info.warnings, [], "settings that change nothing");
  env.backends.onnx.wasm.numThreads = 1;
  env.cacheDir = "./.cache";
  env.useCustomCache = true;
  env.fetch = (...args) => fetch(...args);
  const { warnings } = (await open(t, TINY)).classifier.info;
  assert.equal(warnings.length, 4);
  for (const [i, expected] of [
    /wasm\.numThreads.*threads/,
    /cacheDir/,
    /customCache/,
    /fetch.*headers/,
  ].entries())
    assert.match(warnings[i], expected);
});

for (const [changes, message] of [
  [{ allowRemoteModel: false }, /Unknown setting env\.allowRemoteModel\b.*allowRemoteModels/],
  [{ allowRemoteModels: "no" }, /env\.allowRemoteModels must be true or false, not "no"/],
  [{ remoteHost: null }, /env\.remoteHost must be a non-empty string, not null/],
  [{ localModelPath: "" }, /env\.localModelPath must be a non-empty string, not ""/],
]) {
  test(`rejects ${JSON.stringify(changes)}`, async (t) => {
    settings(t, changes);
    await rejects("invalid_argument", pipeline(TASK, TINY, { worker: false }), message);
  });
}
