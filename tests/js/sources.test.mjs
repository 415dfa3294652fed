// Every kind of source gives the same model.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Classifier } from "tabsense";
import { checkLoadOptions } from "../../dist/api/options.js";
import { resolveUrls } from "../../dist/files/sources.js";
import { FILES, filesOf, rejects, ROOT, serveModel, TINY } from "./support.mjs";

const TEXT = "a small test";

async function scoresOf(t, source, options) {
  const classifier = await Classifier.load(source, options);
  t.after(() => classifier.dispose());
  return { scores: await classifier.classify(TEXT, { topK: null }), name: classifier.info.model.name };
}

const expected = (async () => {
  const classifier = await Classifier.load(TINY);
  const scores = await classifier.classify(TEXT, { topK: null });
  await classifier.dispose();
  return scores;
})();

for (const worker of [true, false]) {
  test(`a folder, worker: ${worker}`, async (t) => {
    assert.deepEqual(await scoresOf(t, TINY, { worker }), { scores: await expected, name: "tiny-f32" });
  });

  test(`a base URL, worker: ${worker}`, async (t) => {
    const { url, requests } = await serveModel(t, filesOf());
    assert.deepEqual(await scoresOf(t, url, { worker }), { scores: await expected, name: "model" });
    assert.deepEqual(
      requests.sort(),
      [...FILES, "tokenizer_config.json"].map((name) => `/model/${name}`).sort(),
    );
  });

  test(`bytes in memory, worker: ${worker}`, async (t) => {
    assert.deepEqual((await scoresOf(t, filesOf(), { worker })).scores, await expected);
  });

  test(`Blobs, worker: ${worker}`, async (t) => {
    const blobs = Object.fromEntries(
      Object.entries(filesOf()).map(([name, bytes]) => [name, new Blob([bytes])]),
    );
    assert.deepEqual((await scoresOf(t, blobs, { worker })).scores, await expected);
  });
}

test("a base URL without its last slash, and with a query", async (t) => {
  const { url, requests } = await serveModel(t, filesOf());
  assert.deepEqual((await scoresOf(t, `${url.slice(0, -1)}?key=1`)).scores, await expected);
  assert.ok(requests.includes("/model/model.safetensors?key=1"), requests.join(" "));
});

test("ArrayBuffers", async (t) => {
  const buffers = Object.fromEntries(Object.entries(filesOf()).map(([name, bytes]) => [name, bytes.buffer]));
  assert.deepEqual((await scoresOf(t, buffers)).scores, await expected);
  assert.ok(
    Object.values(buffers).every((buffer) => buffer.byteLength > 0),
    "the caller's buffers stay",
  );
});

test("Files as dropped on a page, with others among them", async (t) => {
  const { File } = await import("node:buffer");
  const files = Object.entries(filesOf()).map(([name, bytes]) => new File([bytes], name));
  assert.deepEqual((await scoresOf(t, [new File(["x"], "README.md"), ...files])).scores, await expected);
});

test("a relative folder, and a file URL", async (t) => {
  assert.deepEqual((await scoresOf(t, `./${relative(process.cwd(), TINY)}`)).scores, await expected);
  assert.deepEqual((await scoresOf(t, pathToFileURL(TINY).href)).scores, await expected);
});

test("the URL of a folder, on disk and on a server", async (t) => {
  const { url } = await serveModel(t, filesOf());
  for (const source of [pathToFileURL(TINY), pathToFileURL(`${TINY}/`), new URL(url)])
    assert.deepEqual((await scoresOf(t, source)).scores, await expected, String(source));
  await rejects("invalid_argument", Classifier.load(new URL("data:text/plain,x")), /single file/);
});

test("the list of a file picker", async (t) => {
  const files = Object.entries(filesOf()).map(([name, bytes]) => new File([bytes], name));
  globalThis.FileList = class FileList {
    constructor() {
      Object.assign(this, files, { length: files.length });
    }
    item(i) {
      return this[i];
    }
  };
  t.after(() => delete globalThis.FileList);
  assert.deepEqual((await scoresOf(t, new FileList())).scores, await expected);
});

test("a folder whose name a hub's model could have, and without one, the hub", async (t) => {
  const { origin } = await serveModel(t, filesOf(), {}, "/models/nowhere/resolve/main/");
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  const before = process.cwd();
  t.after(() => (process.chdir(before), rmSync(folder, { recursive: true })));
  cpSync(TINY, join(folder, "models/mine"), { recursive: true });
  process.chdir(folder);
  assert.deepEqual((await scoresOf(t, "models/mine", { hub: origin })).scores, await expected);
  assert.deepEqual((await scoresOf(t, "models/nowhere", { hub: origin })).scores, await expected);
});

test("addresses of extensions and apps are base URLs", () => {
  const { hub, models } = checkLoadOptions(undefined, null);
  for (const base of [
    "chrome-extension://abc/",
    "moz-extension://abc/",
    "capacitor://localhost/",
    "app://x/",
  ]) {
    for (const source of [`${base}model/`, `${base}model`, new URL(`${base}model/`)]) {
      const { name, files } = resolveUrls(source, { hub, models }, base, () => assert.fail());
      assert.equal(name, "model");
      assert.deepEqual(files["config.json"], { url: `${base}model/config.json` });
    }
  }
});

test("a model on a hub, by its main branch", async (t) => {
  const { origin } = await serveModel(t, filesOf(), {}, "/some-org/some.model/resolve/main/");
  assert.deepEqual(await scoresOf(t, "some-org/some.model", { hub: origin }), {
    scores: await expected,
    name: "some-org/some.model",
  });
});

test("a model on a hub, at a revision", async (t) => {
  const { origin, requests } = await serveModel(t, filesOf(), {}, "/org/name/resolve/refs%2Fpr%2F1/");
  assert.deepEqual((await scoresOf(t, "org/name@refs/pr/1", { hub: `${origin}/` })).scores, await expected);
  assert.equal(requests.filter((path) => path.startsWith("/org/name/resolve/")).length, 4);
  assert.deepEqual(
    requests.filter((path) => path.startsWith("/api/")),
    ["/api/models/org/name/tree/refs%2Fpr%2F1?recursive=true"],
  );
});

test("an embedded model by its name, below a folder and below a URL", async (t) => {
  assert.deepEqual(await scoresOf(t, "tiny-f32", { models: join(ROOT, "test_data/models") }), {
    scores: await expected,
    name: "tiny-f32",
  });
  const { origin } = await serveModel(t, filesOf(), {}, "/static/models/tiny/");
  assert.deepEqual((await scoresOf(t, "tiny", { models: `${origin}/static/models` })).scores, await expected);
});

test("rejects an unknown embedded model", async () => {
  await rejects("network", Classifier.load("no-such-model"), /no-such-model/);
});

test("a folder without one of the files", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(TINY, "config.json"), join(folder, "config.json"));
  cpSync(join(TINY, "model.safetensors"), join(folder, "model.safetensors"));
  await rejects("network", Classifier.load(folder), /tokenizer\.json/);
});

test("rejects incomplete files", async () => {
  const { "tokenizer.json": _, ...others } = filesOf();
  await rejects("invalid_argument", Classifier.load(others), /tokenizer\.json/);
});

for (const [name, source] of Object.entries({
  number: 7,
  null: null,
  undefined,
  empty: "",
  "three parts": "a/b/c",
  "a way out": "../../etc@",
  "a file of the wrong type": { ...filesOf(), "config.json": "text" },
})) {
  test(`rejects a source: ${name}`, async () => {
    const kind = name === "a way out" ? "network" : "invalid_argument";
    await rejects(kind, Classifier.load(source));
  });
}
