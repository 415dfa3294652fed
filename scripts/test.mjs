// Runs the tests: `npm test` runs all of them, `npm test -- js` one suite. Ends with where the time went, the
// reports of what failed and "N passed, N failed".

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setUpBrowser, writeWebdriverConfig } from "./browser.mjs";
import { build, buildPage } from "./build.mjs";
import { setUpEngines } from "./engines.mjs";
import { Failure, main, ROOT, run } from "./run.mjs";
import { setUpNested } from "./nested.mjs";
import { setUpBuild, setUpGeckodriver, setUpWebTests } from "./setup.mjs";
import { check, counted, countNode, countRust, failedIfEmpty, sum, summary } from "./test-results.mjs";
import { setUpVulkan } from "./vulkan.mjs";

/** Warnings about the documentation are errors. */
const RUSTDOC = { RUSTDOCFLAGS: "-D warnings" };

/** The tests of what happens without a WebGPU adapter: they have their own browser run. */
const NO_GPU = "no_gpu";

/** The tests of the CPU's arithmetic, which differs between build variants. */
const ARITHMETIC = "arithmetic";

/**
 * How long a file of Node's tests may take, in ms, several times what the longest takes: one that never ends
 * is a failure with a name.
 */
const FILE_TIMEOUT = 20 * 60_000;

const SUITES = {
  lint,
  rust,
  fuzz,
  web,
  js,
  network,
  page,
  engines,
  cases,
  packages,
  migration,
  docs,
  examples,
};

/** The suites that need neither a browser nor the package. */
const STANDALONE = ["lint", "rust", "fuzz"];

/**
 * Suites that run at the same time if both are requested: the browser's run with WebGPU keeps one processor
 * busy for minutes, and the fuzz targets use the other.
 */
const BESIDE = [["fuzz", "web"]];

/** How many of Node's test files run at a time, if they don't measure time or memory. */
const TOGETHER = 2;

/** Seconds of each file, suite and preparation. */
const times = [];

async function timed(name, task) {
  const start = performance.now();
  try {
    return await task();
  } finally {
    times.push([name, (performance.now() - start) / 1000]);
  }
}

async function lint() {
  const biome = join(ROOT, "node_modules/.bin/biome");
  return sum(
    check("Biome", await run(process.execPath, [biome, "ci", "."])),
    check("words", await run(process.execPath, [join(ROOT, "scripts/words.mjs")])),
  );
}

async function rust({ vulkan }) {
  const { readManifest, variantEnv } = await import("./manifest.mjs");
  const manifest = readManifest();
  const fuzzManifest = ["--manifest-path", "fuzz/Cargo.toml"];
  const clippy = ["clippy", "--quiet", "--all-targets"];
  const deny = ["--", "-D", "warnings"];
  return sum(
    check("formatting", await run("cargo", ["fmt", "--check"])),
    check("formatting of the fuzz targets", await run("cargo", ["fmt", "--check", ...fuzzManifest])),
    check("clippy on the host", await run("cargo", [...clippy, ...deny])),
    check(
      "clippy on wasm32",
      await run("cargo", [...clippy, "--features", "bench", "--target", "wasm32-unknown-unknown", ...deny], {
        env: variantEnv(manifest.variants[manifest.tests.variant]),
      }),
    ),
    ...(await clippyOnModules(manifest, deny)),
    check("documentation", await run("cargo", ["doc", "--no-deps", "--quiet"], { env: RUSTDOC })),
    check("the crate's files", await run(process.execPath, ["scripts/check-crate.mjs"])),
    check("the example classify", await classifyExample()),
    await counted("cargo test", ["cargo", "test"], { env: vulkan, count: countRust }),
  );
}

/** Runs `examples/classify.rs` on the embedded model; resolves to 0 if it prints the labels of its texts. */
async function classifyExample() {
  let text = "";
  const args = ["run", "--quiet", "--example", "classify", "--", "models/sentiment-en"];
  const texts = ["A delight from start to finish.", "", "A waste of an evening."];
  const code = await run("cargo", [...args, ...texts], { onText: (piece) => void (text += piece) });
  const expected = /^POSITIVE\t0\.\d{4}\tA delight .*\n\t\t\nNEGATIVE\t0\.\d{4}\tA waste .*\n$/;
  return code || Number(!expected.test(text));
}

/** Runs clippy on the library as it is compiled for each module: they differ in cargo's features. */
async function clippyOnModules(manifest, deny) {
  const { converterVariant, rewriterVariant, teacherVariant, variantEnv } = await import("./manifest.mjs");
  const name = manifest.tests.variant;
  const others = [converterVariant, rewriterVariant, teacherVariant].map((variant) => variant(manifest));
  const modules = [[name, manifest.variants[name]], ...others];
  const results = [];
  for (const [name, variant] of modules) {
    const args = ["--quiet", "--lib", "--target", "wasm32-unknown-unknown", ...variant["cargo-args"]];
    const code = await run("cargo", ["clippy", ...args, ...deny], { env: variantEnv(variant) });
    results.push(check(`clippy on the module ${name}`, code));
  }
  return results;
}

/** Runs each target of fuzz/ for some seconds; `npm run test:long` does so for hours. */
async function fuzz() {
  const targets = await import("./fuzz.mjs");
  try {
    const rows = await targets.fuzz();
    return { passed: rows.length, failed: 0, skipped: 0 };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    return { passed: 0, failed: 1, skipped: 0, reports: [error.message] };
  }
}

async function web({ chromium, chromedriver }) {
  await setUpWebTests();
  return runWeb(webRuns((await import("./manifest.mjs")).readManifest().tests), ({ chromiumArgs }) => {
    writeWebdriverConfig("goog:chromeOptions", { binary: chromium, args: chromiumArgs });
    return ["--chrome", "--chromedriver", chromedriver];
  });
}

/** The runs that need no graphics card, in Firefox: for `npm run test:long`, since its driver is compiled first. */
export async function webInFirefox({ firefox }) {
  await setUpWebTests();
  const geckodriver = await setUpGeckodriver();
  const { tests } = (await import("./manifest.mjs")).readManifest();
  const runs = webRuns(tests).filter(({ gpu }) => !gpu);
  const result = await runWeb(runs, () => {
    writeWebdriverConfig("moz:firefoxOptions", { binary: firefox });
    return ["--firefox", "--geckodriver", geckodriver];
  });
  if (result.failed > 0) throw new Failure(`${result.failed} tests failed in Firefox.`);
}

/**
 * Executes runs of `wasm-pack test`; `browserArgs` prepares a run's browser, and returns the arguments that
 * name it.
 */
async function runWeb(runs, browserArgs) {
  const { readManifest, variantTestEnv } = await import("./manifest.mjs");
  const { tests, variants } = readManifest();
  const timeout = { WASM_BINDGEN_TEST_TIMEOUT: String(tests["wasm-bindgen-timeout"]) };
  const results = [];
  for (const { name, variant, cargoArgs, ...run } of runs) {
    console.log(`\n== web, ${name}`);
    const options = ["--headless", ...browserArgs(run), "--mode", "no-install"];
    const env = { ...variantTestEnv(variants[variant]), ...timeout };
    const result = await timed(`web, ${name}`, () =>
      counted(`web, ${name}`, ["wasm-pack", "test", ...options, ROOT, ...cargoArgs], {
        env,
        count: countRust,
      }),
    );
    results.push([name, failedIfEmpty(`web, ${name}`, result)]);
  }
  console.log("");
  for (const [name, result] of results) console.log(`web, ${name}: ${summary(result)}`);
  return sum(...results.map(([, result]) => result));
}

/**
 * The runs in a browser, from the manifest's `[tests]`: all tests with a WebGPU adapter (usually a software
 * one); those of `tests/no_gpu` without one; and those of the CPU's arithmetic in the build `relaxed`:
 * `{ name, variant, gpu, chromiumArgs, targets, cargoArgs }` each.
 */
export function webRuns(tests) {
  const others = rustTests().filter((name) => name !== NO_GPU);
  const args = (targets) => targets.flatMap((name) => ["--test", name]);
  const { variant } = tests;
  return [
    {
      name: "with WebGPU",
      variant,
      gpu: true,
      chromiumArgs: [...tests["chromium-args"], ...tests["webgpu-args"]],
      targets: others,
      cargoArgs: ["--lib", ...args(others)],
    },
    {
      name: "without WebGPU",
      variant,
      gpu: false,
      chromiumArgs: tests["chromium-args"],
      targets: [NO_GPU],
      cargoArgs: args([NO_GPU]),
    },
    {
      name: "build relaxed",
      variant: "relaxed",
      gpu: false,
      chromiumArgs: tests["chromium-args"],
      targets: [ARITHMETIC],
      cargoArgs: args([ARITHMETIC]),
    },
  ];
}

/** The names of cargo's integration tests: the folders of `tests/` that have a `main.rs`. */
export function rustTests() {
  const tests = join(ROOT, "tests");
  return readdirSync(tests)
    .filter((name) => existsSync(join(tests, name, "main.rs")))
    .sort();
}

async function js({ chromium }) {
  return node(["tests/js", "tests/package"], { CHROMIUM: chromium }, TOGETHER);
}

/** Networks and disks that break. */
async function network({ chromium }) {
  return node(["tests/network"], { CHROMIUM: chromium }, TOGETHER);
}

async function page({ chromium }) {
  return node(["tests/page"], { CHROMIUM: chromium }, TOGETHER);
}

/** The package and the page in Chromium, Firefox and WebKitGTK. */
async function engines({ chromium }) {
  await setUpEngines();
  return node(["tests/engines"], { CHROMIUM: chromium }, TOGETHER);
}

/** The checks of `tests/cases`, some of which look at the demo page. */
async function cases({ chromium }) {
  return node(["tests/cases"], { CHROMIUM: chromium });
}

async function packages({ chromium }) {
  const { setUpConsumers } = await import("../tests/packages/support.mjs");
  await setUpConsumers();
  return node(["tests/packages"], { CHROMIUM: chromium }, TOGETHER);
}

/** Programs that were written for transformers.js, with either package. */
async function migration({ chromium }) {
  const { setUpConsumers } = await import("../tests/packages/support.mjs");
  await setUpConsumers();
  return node(["tests/migration"], { CHROMIUM: chromium }, TOGETHER);
}

async function docs({ chromium }) {
  await setUpNested("tests/docs");
  return node(["tests/docs"], { CHROMIUM: chromium }, TOGETHER);
}

async function examples({ chromium }) {
  const { setUpConsumers } = await import("../tests/packages/support.mjs");
  await setUpConsumers();
  await setUpNested("examples/rest", ["dist", "models/sentiment-en"]);
  return sum(
    await node(["tests/examples"], { CHROMIUM: chromium }, TOGETHER),
    await node(["examples/rest/test"]), // one at a time: one of them measures memory
  );
}

/**
 * Runs Node's test files below some folders, `together` at a time: one process each, so that its time is
 * known.
 */
async function node(folders, env = {}, together = 1) {
  // The largest files first, which usually take longest, so that none is left to run alone at the end.
  const size = (file) => statSync(join(ROOT, file)).size;
  const files = folders.flatMap(testFiles).sort((a, b) => size(b) - size(a));
  const results = [];
  const options = ["--test", "--test-reporter=spec", `--test-timeout=${FILE_TIMEOUT}`];
  // The output of files that run at the same time is shown when each has ended.
  const show = together === 1;
  const worker = async () => {
    for (let file = files.shift(); file; file = files.shift()) {
      const args = [...options, file];
      const result = timed(file, () =>
        counted(file, [process.execPath, ...args], { env, count: countNode, show }),
      );
      results.push(failedIfEmpty(file, await result));
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  return sum(...results);
}

function testFiles(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => `${folder}/${name}`);
}

/** The suites in their order, in groups that run at the same time. */
export function grouped(names) {
  const pairOf = (name) =>
    BESIDE.find((pair) => pair.includes(name) && pair.every((one) => names.includes(one)));
  const groups = names.map((name) => pairOf(name) ?? [name]);
  return groups.filter((group, i) => groups.indexOf(group) === i);
}

await main(import.meta.url, async (args) => {
  const names = args.length > 0 ? args : Object.keys(SUITES);
  const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
  if (unknown)
    throw new Failure(`There is no suite ${unknown}. The suites are: ${Object.keys(SUITES).join(", ")}.`);
  await setUpBuild();
  const browser = names.some((name) => !STANDALONE.includes(name)) ? await setUpBrowser() : {};
  const vulkan = names.includes("rust") ? await setUpVulkan() : {};
  if (names.some((name) => ![...STANDALONE, "web"].includes(name))) await timed("build", build);
  if (names.some((name) => ["page", "engines", "cases"].includes(name)))
    await timed("build of the page", buildPage);
  const results = [];
  for (const group of grouped(names)) {
    console.log(`\n== ${group.join(" and ")}`);
    const running = group.map(async (name) => {
      const result = await timed(`suite ${name}`, () => SUITES[name]({ ...browser, vulkan }));
      return [name, failedIfEmpty(name, result)];
    });
    results.push(...(await Promise.all(running)));
  }
  console.log("\nseconds:");
  for (const [name, seconds] of times.sort(([, a], [, b]) => b - a))
    console.log(`${seconds.toFixed(1).padStart(7)}  ${name}`);
  const all = sum(...results.map(([, result]) => result));
  // At the end, because the output of half an hour may lie between a failure and here.
  if (all.failed > 0) console.log(`\nfailures:\n\n${all.reports.join("\n\n")}`);
  console.log("");
  for (const [name, result] of results) console.log(`${name}: ${summary(result)}`);
  console.log(summary(all));
  if (all.failed > 0) process.exitCode = 1;
});
