// Runs the tests: `npm test` all of them, `npm test -- js` one suite. Ends with "N passed, N failed".

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setUpBrowser, writeWebdriverConfig } from "./browser.mjs";
import { build, buildPage } from "./build.mjs";
import { Failure, main, ROOT, run } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

const SUITES = { rust, web, js, page };

async function rust() {
  const { readManifest, variantEnv } = await import("./manifest.mjs");
  const manifest = readManifest();
  const lint = ["clippy", "--quiet", "--all-targets"];
  const deny = ["--", "-D", "warnings"];
  return sum(
    check("formatting", await run("cargo", ["fmt", "--check"])),
    check("clippy on the host", await run("cargo", [...lint, ...deny])),
    check("clippy on wasm32", await run("cargo", [...lint, "--features", "bench", "--target", "wasm32-unknown-unknown", ...deny], { env: variantEnv(manifest.variants[manifest.tests.variant]) })),
    await counted("cargo", ["test"], {}, countRust),
  );
}

async function web({ chromium, chromedriver }) {
  const { readManifest, variantEnv } = await import("./manifest.mjs");
  const { tests, variants } = readManifest();
  writeWebdriverConfig(chromium, tests["chromium-args"]);
  const env = { ...variantEnv(variants[tests.variant]), WASM_BINDGEN_TEST_TIMEOUT: String(tests["wasm-bindgen-timeout"]) };
  return counted("wasm-pack", ["test", "--headless", "--chrome", "--chromedriver", chromedriver, "--mode", "no-install"], env, countRust);
}

async function js({ chromium }) {
  return node(["tests/js", "tests/package"], { CHROMIUM: chromium });
}

async function page({ chromium }) {
  return node(["tests/page"], { CHROMIUM: chromium });
}

/** Runs Node's test files below some folders. They are listed here, for a folder means different things to Node 20 and 22. */
async function node(folders, env) {
  const files = folders.flatMap(testFiles);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  return counted(process.execPath, ["--test", "--test-reporter=spec", ...files], env, countNode);
}

function testFiles(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".test.mjs")).sort().map((name) => `${folder}/${name}`);
}

/** Counts a program's tests from what it prints. A failure that shows in the exit code alone counts as one. */
async function counted(program, args, env, count) {
  let text = "";
  const code = await run(program, args, { env, onText: (piece) => void (text += piece) });
  const result = count(text.replace(/\x1b\[[0-9;]*m/g, ""));
  if (code !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

function countRust(text) {
  const all = [...text.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  return sum(...all.map(([, passed, failed, skipped]) => ({ passed: Number(passed), failed: Number(failed), skipped: Number(skipped) })));
}

function countNode(text) {
  const last = (word) => Number([...text.matchAll(new RegExp(`^ℹ ${word} (\\d+)`, "gm"))].at(-1)?.[1] ?? 0);
  return { passed: last("pass"), failed: last("fail") + last("cancelled"), skipped: last("skipped") + last("todo") };
}

function check(name, code) {
  console.log(`${name}: ${code === 0 ? "ok" : "FAILED"}`);
  return { passed: Number(code === 0), failed: Number(code !== 0), skipped: 0 };
}

function sum(...results) {
  return results.reduce((all, { passed, failed, skipped }) => ({ passed: all.passed + passed, failed: all.failed + failed, skipped: all.skipped + skipped }), { passed: 0, failed: 0, skipped: 0 });
}

function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

await main(import.meta.url, async (args) => {
  const names = args.length > 0 ? args : Object.keys(SUITES);
  const unknown = names.find((name) => !Object.hasOwn(SUITES, name));
  if (unknown) throw new Failure(`There is no suite ${unknown}. The suites are: ${Object.keys(SUITES).join(", ")}.`);
  await setUpBuild();
  const browser = names.some((name) => name !== "rust") ? await setUpBrowser() : {};
  if (names.some((name) => name === "js" || name === "page")) await build();
  if (names.includes("page")) await buildPage();
  const results = [];
  for (const name of names) {
    console.log(`\n== ${name}`);
    const result = await SUITES[name](browser);
    if (result.passed + result.failed === 0) {
      console.log(`${name}: no test ran, which counts as a failure`);
      result.failed = 1;
    }
    results.push([name, result]);
  }
  console.log("");
  for (const [name, result] of results) console.log(`${name}: ${line(result)}`);
  const all = sum(...results.map(([, result]) => result));
  console.log(line(all));
  if (all.failed > 0) process.exitCode = 1;
});
