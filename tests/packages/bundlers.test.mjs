// A project for each bundler: built, served under the strictest policy, and opened in Chromium. Each file is
// emitted once, and a page fetches one .wasm file and one worker; with `tabsense/simd` (the *-simd and
// esbuild projects), no others are emitted. A PyTorch checkpoint needs one more .wasm file.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  assertVerdict,
  filesBelow,
  HERE,
  MODULES,
  open,
  ROOT,
  runIn,
  setUpConsumers,
  site,
  startBrowser,
  startServer,
  STRICT,
} from "./support.mjs";

let browser;

before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});

after(() => browser?.close());

/** The module that reads PyTorch checkpoints, and is fetched only for them. */
const REWRITER = "rewriter";

/** The module that teaches a classifier. */
const TEACHER = "teacher";

/** The package's modules for browsers; a page fetches one build. */
const BUILDS = ["relaxed", "relaxed-threads", "simd", "simd-threads", REWRITER, TEACHER];

/** The modules of `tabsense/simd`. */
const ONE_BUILD = ["simd", REWRITER, TEACHER];

const VITE = {
  build: ["bin:vite", "build", "--logLevel", "warn"],
  mounts: (folder) => ({ "/": join(folder, "dist") }),
};
const WEBPACK = ["bin:webpack", "--stats", "errors-only"];
const ROLLUP = ["bin:rollup", "--config", "--silent"];

/** Workers start under the package's policy; webpack has its own for the scripts that it loads. */
const TRUST = "require-trusted-types-for 'script'; trusted-types tabsense webpack";

/** `workers`: how many scripts of each name the output has; webpack uses numbers as names. */
const PROJECTS = [
  { name: "vite", ...VITE, builds: BUILDS, workers: { worker: 1, thread: 1 } },
  { name: "vite-simd", ...VITE, builds: ONE_BUILD, workers: { worker: 1, thread: 0 } },
  { name: "webpack", build: WEBPACK, builds: BUILDS },
  { name: "webpack-simd", build: WEBPACK, builds: ONE_BUILD },
  { name: "rollup", build: ROLLUP, builds: BUILDS, workers: { worker: 1, thread: 1 } },
  { name: "rollup-simd", build: ROLLUP, builds: ONE_BUILD, workers: { worker: 1, thread: 0 } },
  { name: "esbuild", build: ["build.js"], builds: ["simd"], workers: { worker: 1, thread: 0 } },
];

for (const { name, build, mounts = (folder) => ({ "/": folder }), builds, workers } of PROJECTS) {
  test(`${name}: built, it classifies with one .wasm file and one worker`, async (t) => {
    const folder = join(HERE, name);
    rmSync(join(folder, "dist"), { recursive: true, force: true }); // Rollup leaves old files there
    await runIn(name, build);
    await t.test("each file is emitted once", () => assertEmitted(join(folder, "dist"), builds, workers));
    for (const isolated of [false, true]) {
      const headers = { "content-security-policy": `${STRICT}; img-src data:; ${TRUST}` }; // the icons are data: URLs
      const { url, requests } = await site(t, mounts(folder), { isolated, headers });
      await assertVerdict(await open(t, browser, url));
      assertFetched(requests, isolated && hasThreads(builds));
    }
    if (builds.includes(REWRITER))
      await t.test("a checkpoint of PyTorch's", (t) => checkpoint(t, folder, mounts));
  });
}

const hasThreads = (builds) => builds.includes("simd-threads");

const digestOf = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Checks that the built page, with a checkpoint instead of its weights, fetches the module that reads it. */
async function checkpoint(t, folder, mounts) {
  const copy = mkdtempSync(join(tmpdir(), "tabsense-bundle-"));
  t.after(() => rmSync(copy, { recursive: true }));
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const own = join(MODULES, "tabsense-sentiment-en");
  const data = (...path) => readFileSync(join(ROOT, "test_data", ...path));
  const instead = [
    ["config.json", data("models/tiny-bf16/config.json")],
    ["tokenizer.json", data("models/tiny-bf16/tokenizer.json")],
    ["model.safetensors", data("torch/plain.bin")],
  ].map(([name, bytes]) => [readFileSync(join(own, name)), bytes]);
  const rewriter = digestOf(join(MODULES, "tabsense/dist/wasm", REWRITER, "tabsense_bg.wasm"));
  let emitted = null;
  let replaced = 0;
  for (const name of filesBelow(join(copy, "dist"))) {
    const path = join(copy, "dist", name);
    const content = readFileSync(path);
    if (digestOf(path) === rewriter) emitted = name;
    for (const [before, after] of instead) {
      // Vite inlines small files into its scripts.
      const [inline, other] = [before, after].map((bytes) => bytes.toString("base64"));
      const isInline = name.endsWith(".js") && content.includes(inline);
      if (!isInline && !content.equals(before)) continue;
      replaced++;
      writeFileSync(path, isInline ? String(content).replace(inline, other) : after);
    }
  }
  assert.equal(replaced, instead.length, "the model's files are there, each once");
  const headers = { "content-security-policy": `${STRICT}; img-src data:` };
  const { url, requests } = await site(t, mounts(copy), { headers });
  const { page, faults } = await open(t, browser, url);
  await page.waitForFunction(() => /\w/.test(document.querySelector("output")?.textContent ?? ""));
  assert.match(await page.locator("output").textContent(), /^\w+ 0\.\d{3}$/);
  assert.deepEqual(faults, []);
  const fetched = requests.map(({ path }) => path).filter((path) => path.endsWith(".wasm"));
  assert.equal(fetched.length, 2, fetched.join(" "));
  assert.ok(fetched.at(-1).endsWith(`/${emitted}`), `${fetched} without ${emitted}`);
}

test("esbuild's project has the one .wasm file and the one worker that the page fetches", async () => {
  const files = filesBelow(join(HERE, "esbuild/dist")).filter((path) => !path.startsWith("models/"));
  assert.deepEqual(files, [
    "main.js",
    "wasm/simd/tabsense.d.ts",
    "wasm/simd/tabsense.js",
    "wasm/simd/tabsense_bg.wasm",
    "worker-simd.js",
  ]);
});

test("vite: its development server serves the unbundled package", async (t) => {
  const [, url] = await startServer(
    t,
    process.execPath,
    [join(MODULES, ".bin/vite"), "--port", "0", "--clearScreen", "false"],
    join(HERE, "vite"),
    /(http:\/\/localhost:\d+\/)/,
  );
  const opened = await open(t, browser, url);
  await assertVerdict(opened);
  assert.equal(opened.paths.filter((path) => path.endsWith(".wasm")).length, 1, opened.paths.join(" "));
});

/**
 * Asserts that the .wasm files in the output are the package's own, byte for byte, each once, and that none
 * is inlined into a script.
 */
function assertEmitted(folder, builds, workers = null) {
  const files = filesBelow(folder);
  const emitted = files.filter((path) => path.endsWith(".wasm")).map((path) => digestOf(join(folder, path)));
  const own = builds.map((build) => digestOf(join(MODULES, `tabsense/dist/wasm/${build}/tabsense_bg.wasm`)));
  assert.deepEqual(emitted.sort(), own.sort(), files.join(" "));
  const weights = files.filter((path) => path.endsWith(".safetensors"));
  assert.equal(weights.length, 1, files.join(" "));
  const scripts = files.filter((path) => path.endsWith(".js"));
  const texts = scripts.map((path) => readFileSync(join(folder, path), "utf8"));
  texts.forEach((text, i) =>
    assert.ok(!/AGFzbQ|application\/wasm;base64/.test(text), `${scripts[i]} has a module in it`),
  );
  if (!hasThreads(builds))
    assert.equal(
      texts.join("\n").match(/\bnew Worker\((?:\w+\.tu\()?new URL/g)?.length,
      1,
      "one worker is started, whatever its script is called",
    );
  for (const [name, count] of Object.entries(workers ?? {})) {
    const found = scripts.filter((path) => new RegExp(`(^|/)${name}[^/]*\\.js$`).test(path));
    assert.equal(found.length, count, `${name}: ${files.join(" ")}`);
  }
}

/** Asserts that the page fetched one .wasm file and one worker script, or two scripts if it uses threads. */
function assertFetched(requests, threads) {
  const paths = requests.map(({ path }) => path).join(" ");
  assert.equal(requests.filter(({ path }) => path.endsWith(".wasm")).length, 1, paths);
  const scripts = new Set(requests.filter(({ dest }) => dest === "worker").map(({ path }) => path));
  assert.equal(scripts.size, threads && availableParallelism() > 1 ? 2 : 1, paths);
  assert.equal(requests.filter(({ path }) => path.endsWith(".safetensors")).length, 1, paths);
}
