// The packed packages: whether they could be published, and what their files must not do.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { checkTarball, fieldFaults, fileFaults } from "../../scripts/check-packages.mjs";
import { command, filesBelow, HERE, MODULES, PACKAGES, ROOT, setUpConsumers, tarballs } from "./support.mjs";

await setUpConsumers();

/** The one line that starts the worker if the package comes from another origin. */
const SHIM =
  /new Blob\(\[`import \$\{JSON\.stringify\(\w+\.href\)\};`\],\s*\{\s*type:\s*"text\/javascript"\s*\}\),\s*\w+\s*=\s*URL\.createObjectURL\(\w+\)/;

for (const tarball of tarballs())
  test(`could be published: ${basename(tarball).replace(/-\d+\.\d+\.\d+.*/, "")}`, async () => {
    assert.deepEqual(await checkTarball(tarball), []);
  });

test("refuses a file that no list names, and the absence of one that it does", () => {
  const files = ["LICENSE", "NOTICE", "README.md", "config.json", "index.d.ts", "index.js", "package.json"];
  const tokenizer = ["tokenizer.json", "tokenizer_config.json"];
  assert.deepEqual(fileFaults("tabsense-sentiment-en", [...files, ...tokenizer, "model.safetensors"]), []);
  assert.deepEqual(fileFaults("tabsense-sentiment-en", [...files, ...tokenizer, "train/train.py"]), [
    "tabsense-sentiment-en: model.safetensors is missing from the package.",
    "tabsense-sentiment-en: train/train.py is in the package. List it or leave it out.",
  ]);
  const dist = fileFaults("tabsense", ["dist/index.js", "dist/index.js.map", "dist/wasm/simd/tabsense.wasm"]);
  assert.ok(dist.includes("tabsense: dist/index.js.map is in the package. List it or leave it out."));
  assert.ok(dist.includes("tabsense: dist/wasm/simd/tabsense_bg.wasm is missing from the package."));
});

test("refuses a package without a licence, provenance or with a script at installation", () => {
  const good = {
    name: "x",
    version: "1.0.0",
    license: "MIT",
    publishConfig: { access: "public", provenance: true },
  };
  assert.deepEqual(fieldFaults(good), []);
  assert.match(fieldFaults({ ...good, license: undefined })[0], /no "license"/);
  assert.match(fieldFaults({ ...good, publishConfig: { access: "public" } })[0], /"provenance": true/);
  assert.match(
    fieldFaults({ ...good, scripts: { postinstall: "node x.mjs" } })[0],
    /"postinstall" would run/,
  );
});

test("refuses what publint and attw refuse", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-broken-"));
  try {
    cpSync(join(MODULES, "tabsense-sentiment-en"), folder, { recursive: true });
    rmSync(join(folder, "model.safetensors"));
    writeFileSync(join(folder, "index.d.ts"), 'export { default } from "./nowhere";');
    const name = (await command("npm", ["pack", "--loglevel=error"], folder)).trim();
    const faults = (await checkTarball(join(folder, name))).join("\n");
    for (const fault of [/model\.safetensors is missing/, /publint run .* failed/, /attw .* failed/])
      assert.match(faults, fault);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("all packages are of one version, name each other's, and install nothing along with them", () => {
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
      // Names of copies in the browser's cache; no server can have this domain (RFC 2606).
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
