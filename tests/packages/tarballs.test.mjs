// The packed packages: what is in them, what the checkers of packages say, and what their files don't do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import {
  command,
  filesBelow,
  HERE,
  MODULES,
  PACKAGES,
  ROOT,
  runIn,
  setUpConsumers,
  tarballs,
} from "./support.mjs";

before(setUpConsumers);

/** The one line that starts the worker where the package comes from another origin. */
const SHIM =
  /new Blob\(\[`import \$\{JSON\.stringify\(\w+\.href\)\};`\],\s*\{\s*type:\s*"text\/javascript"\s*\}\),\s*\w+\s*=\s*URL\.createObjectURL\(\w+\)/;

const inTarball = async (path) =>
  (await command("tar", ["-tzf", path], HERE))
    .trim()
    .split("\n")
    .map((name) => name.replace(/^package\//, ""))
    .sort();

for (const [name, further] of Object.entries({
  "sentiment-en": ["model.safetensors"],
  "sentiment-en-1": ["model.safetensors"],
  "minilm-en": [
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
  ],
  "pii-en": ["onnx/model_q4.onnx"],
}))
  test(`the package of ${name} holds its files, and nothing else`, async () => {
    assert.deepEqual(
      await inTarball(tarballs().find((path) => new RegExp(`tabsense-${name}-\\d+\\.`).test(path))),
      [
        "LICENSE",
        "NOTICE",
        "README.md",
        "config.json",
        "index.d.ts",
        "index.js",
        ...further,
        "package.json",
        "tokenizer.json",
        "tokenizer_config.json",
      ].sort(),
    );
  });

test("all packages have the same version and no dependencies but each other", () => {
  const [own, ...models] = PACKAGES.map((name) =>
    JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")),
  );
  assert.equal(own.dependencies, undefined);
  assert.equal(Object.keys(own.peerDependencies).length, models.length);
  for (const model of models) {
    assert.equal(own.version, model.version);
    assert.equal(own.peerDependencies[model.name], `^${model.version}`);
    assert.deepEqual(own.peerDependenciesMeta[model.name], { optional: true });
    assert.equal(model.dependencies, undefined);
  }
});

test("types come first in every condition, and all named files exist", () => {
  for (const name of PACKAGES) {
    const folder = join(MODULES, name);
    const check = (entry) => {
      if (typeof entry === "string")
        return assert.doesNotThrow(() => readFileSync(join(folder, entry)), entry);
      const keys = Object.keys(entry);
      if (Object.values(entry).some((value) => typeof value === "string"))
        assert.equal(keys[0], "types", JSON.stringify(entry));
      for (const value of Object.values(entry)) check(value);
    };
    for (const entry of Object.values(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).exports))
      check(entry);
  }
});

test("publint --strict and attw find nothing", async () => {
  for (const path of tarballs()) {
    await runIn(".", ["bin:publint", "run", path, "--strict"]);
    // A file of weights is no module.
    await runIn(".", [
      "bin:attw",
      path,
      "--profile",
      "esm-only",
      "--no-emoji",
      "--exclude-entrypoints",
      "./model.safetensors",
      "./onnx/model_q4.onnx",
    ]);
  }
});

test("importing touches nothing: no file but the modules, no worker, no timer that keeps the process", async () => {
  const script = `
    for (const name of ["fetch", "Worker", "WebAssembly"]) Object.defineProperty(globalThis, name, { get: () => { throw new Error(name + " was touched"); } });
    const names = await Promise.all(["tabsense", "tabsense/simd", "tabsense/model/minilm-en", "tabsense/model/pii-en", "tabsense/model/sentiment-en", "tabsense/model/sentiment-en-1"].map((name) => import(name)));
    await new Promise((resolve) => setTimeout(resolve, 50)); // the modules' own files are closed
    const active = process.getActiveResourcesInfo();
    console.log(names.map((module) => Object.keys(module).sort().join(" ")).join("\\n"));
    console.log(JSON.stringify(active));`;
  const exported =
    "Classifier ERROR_KINDS Embedder LogLevel TabsenseError Tagger TaughtClassifier ZeroShot clearCachedFiles env listCachedFiles pipeline";
  for (const conditions of [
    [],
    ["--conditions=browser"],
    ["--conditions=worker"],
    ["--conditions=workerd"],
  ]) {
    const lines = (
      await command(
        process.execPath,
        [...conditions, "--input-type=module", "-e", script],
        join(HERE, "node"),
      )
    )
      .trim()
      .split("\n");
    assert.deepEqual(
      lines,
      [exported, exported, "default", "default", "default", "default", "[]"],
      conditions.join(" "),
    );
  }
  assert.equal(await command(process.execPath, ["-e", "import('tabsense')"], join(HERE, "node")), "");
});

test("every entry exports the same names", async () => {
  const names = (condition) =>
    command(
      process.execPath,
      [
        ...condition,
        "-p",
        "import('tabsense').then((module) => console.log(Object.keys(module).sort().join()))",
      ],
      join(HERE, "node"),
    );
  const all = await Promise.all([[], ["--conditions=browser"], ["--conditions=workerd"]].map(names));
  assert.equal(new Set(all).size, 1, all.join("\n"));
});

test("no eval, no script from a blob: or data: URL, no address of a third party", () => {
  const folder = join(MODULES, "tabsense/dist");
  const hub = "https://huggingface.co";
  for (const path of filesBelow(folder).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(folder, path), "utf8").replace(SHIM, "");
    for (const forbidden of [
      /\beval\s*\(/,
      /\bnew Function\b/,
      /\bFunction\s*\(\s*["'`]/,
      /createObjectURL/,
      /importScripts/,
      /["'`](blob|data):[^"'`]*(javascript|ecmascript)/,
      /set(Timeout|Interval)\s*\(\s*["'`]/,
      /document\.write/,
      /innerHTML/,
    ]) {
      assert.equal(forbidden.exec(text)?.[0], undefined, path);
    }
    const addresses = [...text.matchAll(/["'`(](https?:\/\/[^\s"'`$)]+)/g)]
      .map(([, address]) => address)
      // Names of copies in the browser's cache: no server can have them (RFC 2606).
      .filter((address) => address !== hub && !address.startsWith("https://tabsense.invalid/"));
    assert.deepEqual(addresses, [], path);
  }
});

test("the types of the model's package, of the edge and of a compiled module hold in the strictest project", async () => {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const flags = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--target",
    "es2022",
    "--lib",
    "es2022,dom,dom.iterable",
    "--types",
    "",
    "--skipLibCheck",
    "false",
  ];
  for (const [module, resolution, conditions] of [
    ["nodenext", "nodenext", []],
    ["esnext", "bundler", []],
    ["esnext", "bundler", ["--customConditions", "browser"]],
    ["esnext", "bundler", ["--customConditions", "workerd"]],
  ]) {
    await command(
      process.execPath,
      [tsc, ...flags, "--module", module, "--moduleResolution", resolution, ...conditions, "types.ts"],
      join(HERE, "types"),
    );
  }
});
