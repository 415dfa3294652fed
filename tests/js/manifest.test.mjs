// wasm-pack.toml agrees with the other files, and with the build.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import {
  converterVariant,
  enabledVariants,
  readManifest,
  rewriterVariant,
  teacherVariant,
} from "../../scripts/manifest.mjs";
import { fastestBuild } from "../../dist/builds.js";
import { FIRST_PAGES } from "../../dist/worker/threads.js";
import { rewriterSize, tasksSize, teacherSize, transferred, transferTotal } from "../../scripts/sizes.mjs";
import { grouped, rustTests, webRuns } from "../../scripts/test.mjs";
import { ROOT } from "./support.mjs";

const text = (name) => readFileSync(join(ROOT, name), "utf8");
const manifest = readManifest();
const cargo = parse(text("Cargo.toml"));
const lock = parse(text("Cargo.lock"));
const npm = JSON.parse(text("package.json"));
const npmLock = JSON.parse(text("package-lock.json"));

test("its first line says which tool reads it", () => {
  assert.match(text("wasm-pack.toml").split("\n")[0], /^# wasm-pack doesn't read this file/);
});

test("wasm-bindgen's library and command have the same version", () => {
  const wanted = manifest.tools["wasm-bindgen"];
  assert.equal(cargo.target['cfg(target_arch = "wasm32")'].dependencies["wasm-bindgen"], `=${wanted}`);
  assert.deepEqual(
    lock.package.filter(({ name }) => name === "wasm-bindgen").map(({ version }) => version),
    [wanted],
  );
});

test("binaryen is the npm package's version", () => {
  assert.equal(npm.devDependencies.binaryen, manifest.tools.binaryen);
  assert.equal(npmLock.packages["node_modules/binaryen"].version, manifest.tools.binaryen);
});

test("scripts/bindgen has the version of wasm-bindgen's library", () => {
  const wanted = manifest.tools["wasm-bindgen"];
  const bindgen = parse(text("scripts/bindgen/Cargo.toml"));
  assert.equal(bindgen.dependencies["wasm-bindgen-cli-support"], `=${wanted}`);
});

test("both toolchains are pinned", () => {
  assert.match(parse(text("rust-toolchain.toml")).toolchain.channel, /^\d+\.\d+\.\d+$/);
  assert.match(manifest.threads.toolchain, /^nightly-\d{4}-\d\d-\d\d$/);
});

test("the minimum version of Node is the one that the documents name", () => {
  const minVersion = npm.engines.node.slice(">=".length);
  for (const path of ["README.md", "docs/cli.md", "docs/recipes/node.md"])
    assert.ok(text(path).includes(`Node ${minVersion} or newer`), path);
});

test("the npm package and the crate have the same name, version and licence", () => {
  for (const field of ["name", "version", "license"]) assert.equal(npm[field], cargo.package[field], field);
  assert.equal(npmLock.version, npm.version);
});

test("npm's packages are pinned, and only needed to develop", () => {
  assert.equal(npm.dependencies, undefined);
  for (const [name, version] of Object.entries(npm.devDependencies)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(npmLock.packages[`node_modules/${name}`].version, version, name);
  }
  for (const path of ["package-lock.json", "bench/package-lock.json", "tests/packages/package-lock.json"]) {
    const resolved = Object.values(JSON.parse(text(path)).packages).filter(
      ({ resolved, link }) => resolved && !link,
    );
    assert.deepEqual(resolved, [], `${path} names no registry`);
  }
});

test("the build contains each enabled variant, the rewriter, the teacher and the converter with their types, and nothing else", () => {
  const others = [rewriterVariant, teacherVariant, converterVariant].map((variant) => variant(manifest));
  const modules = [...enabledVariants(manifest), ...others];
  const names = modules.map(([name]) => name);
  assert.deepEqual(readdirSync(join(ROOT, "dist/wasm")).sort(), names.sort());
  assert.ok(names.includes(manifest.tests.variant));
  for (const name of names) {
    assert.deepEqual(readdirSync(join(ROOT, "dist/wasm", name)).sort(), [
      "tabsense.d.ts",
      "tabsense.js",
      "tabsense_bg.wasm",
    ]);
    assert.ok(existsSync(join(ROOT, "js/wasm", name, "tabsense.d.ts")));
  }
});

test("the converter, the rewriter and the teacher are each only in their own module, and not in the engine's", () => {
  const classes = ["converter", "engine", "teacher", "torchrewriter"];
  // Searches the files for the names of the exports, because not every version of Node compiles relaxed SIMD.
  const has = (module) => {
    const bytes = readFileSync(join(ROOT, "dist/wasm", module, "tabsense_bg.wasm"));
    return classes.filter((name) => bytes.includes(`__wbg_${name}_free`));
  };
  assert.deepEqual(has("convert"), ["converter", "torchrewriter"]);
  assert.deepEqual(has("rewriter"), ["torchrewriter"]);
  assert.deepEqual(has("teacher"), ["teacher"]);
  for (const [name] of enabledVariants(manifest)) assert.deepEqual(has(name), ["engine"], name);
});

test("each variant's module is valid, and uses SIMD where it says so", () => {
  for (const [name, variant] of enabledVariants(manifest)) {
    const bytes = readFileSync(join(ROOT, "dist/wasm", name, "tabsense_bg.wasm"));
    const relaxed = variant["own-rustflags"].join(" ").includes("+relaxed-simd");
    // Node 20 supports relaxed SIMD behind a flag, later versions always.
    const flags = relaxed && fastestBuild() !== "relaxed" ? ["--experimental-wasm-relaxed-simd"] : [];
    const threads = variant.rustflags.join(" ").includes("+atomics");
    // A module with threads imports its memory.
    const script = `const m = new WebAssembly.Module(require('fs').readFileSync(process.argv[1])); console.log(WebAssembly.Module.${threads ? "imports" : "exports"}(m).some(({ kind }) => kind === 'memory'))`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...flags, "-e", script, join(ROOT, "dist/wasm", name, "tabsense_bg.wasm")],
      { encoding: "utf8" },
    );
    assert.equal(stdout.trim(), "true", stderr);
    assert.equal(threads, name.endsWith("-threads"));
    assert.ok(variant.rustflags.join(" ").includes("+simd128"));
    // The opcode of f32x4.relaxed_madd.
    assert.equal(bytes.indexOf(Buffer.from([0xfd, 0x85, 0x02])) > 0, relaxed, name);
    // The opcode of f32x4.mul: the kernels are vectorized.
    assert.ok(bytes.indexOf(Buffer.from([0xfd, 0xe6, 0x01])) > 0, "no SIMD instruction in it");
  }
});

test("a variant with threads adds only what threads need", () => {
  const { variants, threads } = manifest;
  for (const name of ["simd", "relaxed"]) {
    for (const key of ["rustflags", "cargo-args", "wasm-opt"])
      assert.deepEqual(variants[`${name}-threads`][key], [...variants[name][key], ...threads[key]]);
    assert.deepEqual(variants[`${name}-threads`]["own-rustflags"], variants[name]["own-rustflags"]);
    // The memory that JavaScript creates has to be enough for the module. The glue has the limits of the
    // memory that it would create itself.
    const [, initial, maximum] =
      /new WebAssembly\.Memory\(\{initial:(\d+),maximum:(\d+),shared:true\}\)/.exec(
        text(`dist/wasm/${name}-threads/tabsense.js`),
      );
    assert.ok(
      Number(initial) <= FIRST_PAGES && FIRST_PAGES - initial < 8,
      `${name} begins with ${initial} pages: set FIRST_PAGES in js/worker/threads.ts to a few more`,
    );
    assert.equal(Number(maximum), 65_536);
  }
});

test("each of cargo's tests runs once in a browser: with a WebGPU adapter, and no_gpu alone without", () => {
  const flag = "--enable-unsafe-webgpu";
  const [withGpu, without, relaxed] = webRuns(manifest.tests);
  assert.deepEqual([withGpu.variant, without.variant, relaxed.variant], ["simd", "simd", "relaxed"]);
  for (const name of relaxed.targets) assert.ok(withGpu.targets.includes(name), name);
  assert.ok(withGpu.chromiumArgs.includes(flag) && !without.chromiumArgs.includes(flag));
  for (const arg of manifest.tests["chromium-args"])
    assert.ok(withGpu.chromiumArgs.includes(arg) && without.chromiumArgs.includes(arg), arg);
  assert.deepEqual(without.targets, ["no_gpu"]);
  assert.ok(rustTests().includes("no_gpu"));
  assert.deepEqual([...withGpu.targets, ...without.targets].sort(), rustTests());
});

test("what a visitor transfers is within the budget", (t) => {
  const files = transferred();
  const { brotli } = transferTotal(files);
  t.diagnostic(`${brotli} bytes with brotli, of at most ${manifest.budgets["transfer-brotli"]}`);
  const names = files.map(({ file }) => file.replace(/^wasm\/[^/]+\//, "wasm/"));
  assert.deepEqual(
    names,
    ["index.js", "thread.js", "wasm/tabsense.js", "wasm/tabsense_bg.wasm", "worker.js"],
    "a file for each part, and none for Node",
  );
  assert.ok(brotli <= manifest.budgets["transfer-brotli"], `${brotli} bytes`);
  const rewriter = rewriterSize().brotli;
  t.diagnostic(`the rewriter: ${rewriter} bytes, of at most ${manifest.budgets["rewriter-brotli"]}`);
  assert.ok(rewriter <= manifest.budgets["rewriter-brotli"], `the rewriter: ${rewriter} bytes`);
  const teacher = teacherSize().brotli;
  t.diagnostic(`the teacher: ${teacher} bytes, of at most ${manifest.budgets["teacher-brotli"]}`);
  assert.ok(teacher <= manifest.budgets["teacher-brotli"], `the teacher: ${teacher} bytes`);
  const tasks = tasksSize().brotli;
  t.diagnostic(`the other tasks: ${tasks} bytes, of at most ${manifest.budgets["tasks-brotli"]}`);
  assert.ok(tasks <= manifest.budgets["tasks-brotli"], `the other tasks: ${tasks} bytes`);
});

test("suites run at the same time only if each of them is requested", () => {
  assert.deepEqual(grouped(["lint", "fuzz", "web", "js"]), [["lint"], ["fuzz", "web"], ["js"]]);
  assert.deepEqual(grouped(["web", "rust", "fuzz"]), [["fuzz", "web"], ["rust"]]);
  assert.deepEqual(grouped(["web", "js"]), [["web"], ["js"]]);
});
