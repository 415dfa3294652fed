// The entry for edge runtimes: its errors if something is missing. Runs in Node; tests/packages uses workerd.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { Classifier, TabsenseError } from "../../dist/edge.js";
import { filesOf, ROOT, serveModel, tiny } from "./support.mjs";

const wasm = await WebAssembly.compile(readFileSync(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")));

/** The entry is a bundle with its own error class. */
async function refused(kind, source, options, message) {
  await assert.rejects(Classifier.load(source, options), (error) => {
    assert.ok(error instanceof TabsenseError, error.stack);
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test("with the module it answers as Node does, from files and from a server", async (t) => {
  const expected = await (await tiny(t, { device: "cpu" })).classify(["a text", "another one"], {
    topK: null,
  });
  const { origin } = await serveModel(t, filesOf(), {}, "/models/tiny/");
  for (const [source, options] of [
    [filesOf(), {}],
    [`${origin}/models/tiny`, {}],
    ["tiny", { models: `${origin}/models` }],
  ]) {
    const classifier = await Classifier.load(source, { wasm, ...options });
    assert.deepEqual(await classifier.classify(["a text", "another one"], { topK: null }), expected);
    assert.deepEqual(
      [classifier.info.build, classifier.info.threads, classifier.info.webgpu.reason],
      ["simd", 1, "Edge runtimes have no WebGPU."],
    );
    await classifier.dispose();
  }
});

test("without the module, it says how to import it", () =>
  refused("environment", filesOf(), {}, /import wasm from "tabsense\/wasm\/simd\.wasm"/));

test("a module's address is not enough", () =>
  refused(
    "environment",
    filesOf(),
    { wasm: pathToFileURL(join(ROOT, "dist/wasm/simd/tabsense_bg.wasm")) },
    /Pass the imported module as the option `wasm`/,
  ));

test("`worker: undefined` is the default", async () => {
  const classifier = await Classifier.load(filesOf(), { wasm, worker: undefined });
  assert.equal((await classifier.classify("a text")).length, 1);
  await classifier.dispose();
});

test("there is no worker", () =>
  refused("environment", filesOf(), { wasm, worker: true }, /Remove the option `worker`/));

test("there is no page to be relative to, and no disk", async () => {
  for (const source of ["/models/tiny/", "./tiny/", "sentiment-en"])
    await refused("invalid_argument", source, { wasm }, /no page that .* could be relative to.*absolute URL/);
  await refused(
    "invalid_argument",
    "sentiment-en",
    { wasm, models: "models/" },
    /`models` as an absolute URL/,
  );
});
