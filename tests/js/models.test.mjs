// Models as URLs of their files, as model packages export them, and an engine compiled by the caller.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { Classifier } from "tabsense";
import model from "tabsense/model/sentiment-en";
import first from "tabsense/model/sentiment-en-1";
import { FILES, filesOf, rejects, ROOT, serveModel, TINY, tiny } from "./support.mjs";

const onDisk = () => Object.fromEntries(FILES.map((name) => [name, pathToFileURL(join(TINY, name))]));

/** A source's answer, and the model's name. */
async function answer(t, source, options) {
  const classifier = await Classifier.load(source, options);
  t.after(() => classifier.dispose());
  return { name: classifier.info.model.name, scores: await classifier.classify("a text", { topK: null }) };
}

test("the embedded model's package names its files, and the model", async (t) => {
  assert.deepEqual(Object.keys(model.files).sort(), [...FILES, "tokenizer_config.json"].sort());
  const { name, scores } = await answer(t, model);
  assert.equal(name, "sentiment-en");
  assert.deepEqual(scores.map(({ label }) => label).sort(), ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
});

test("a generation of a model is a package of its own, and so is its folder", async (t) => {
  const { name, scores } = await answer(t, "sentiment-en@1");
  assert.equal(name, "sentiment-en@1");
  assert.deepEqual(scores.map(({ label }) => label).sort(), ["NEGATIVE", "POSITIVE"]);
  assert.deepEqual(await answer(t, first), { name, scores });
  await rejects(
    "network",
    Classifier.load("sentiment-en@7"),
    /no package tabsense-sentiment-en-7 is installed/,
  );
});

test("URLs of files: on disk, on a server, and with the file in it", async (t) => {
  const { scores } = await answer(t, TINY);
  const { url } = await serveModel(t, filesOf());
  const config = readFileSync(join(TINY, "config.json"));
  const sources = [
    onDisk(),
    { name: "tiny", files: onDisk() },
    Object.fromEntries(FILES.map((name) => [name, new URL(name, url)])),
    { ...onDisk(), "config.json": new URL(`data:application/json;base64,${config.toString("base64")}`) },
    {
      ...onDisk(),
      "config.json": new URL(`data:application/json,${encodeURIComponent(config)}`),
      "tokenizer.json": filesOf()["tokenizer.json"],
    },
  ];
  for (const source of sources) {
    for (const worker of [true, false])
      assert.deepEqual(await answer(t, source, { worker }), { name: source.name ?? "files", scores });
  }
});

test("rejects files and sources that aren't a model", async () => {
  await rejects(
    "invalid_argument",
    Classifier.load({ ...onDisk(), "config.json": TINY }),
    /config\.json must be a Blob.*URL/,
  );
  await rejects(
    "invalid_argument",
    Classifier.load({ name: "x", files: null }),
    /a string or its files, not null/,
  );
  await rejects("invalid_argument", Classifier.load({ name: "x", files: {} }), /lacks config\.json/);
  await rejects(
    "network",
    Classifier.load({
      ...onDisk(),
      "model.safetensors": new URL("none.safetensors", pathToFileURL(`${TINY}/`)),
    }),
    /none\.safetensors could not be read/,
  );
});

test("accepts a compiled module as the engine", async (t) => {
  const wasm = await WebAssembly.compile(readFileSync(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")));
  for (const worker of [true, false]) {
    const classifier = await tiny(t, { wasm, worker });
    assert.equal(classifier.info.build, "simd");
    assert.equal((await classifier.classify("a text")).length, 1);
  }
});

test("rejects another build as the engine", async () => {
  await rejects(
    "invalid_argument",
    Classifier.load(TINY, { wasm: new Uint8Array(8) }),
    /wasm must be a URL or a WebAssembly\.Module/,
  );
  const empty = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await rejects("environment", Classifier.load(TINY, { wasm: empty }), /could not be started/);
});
