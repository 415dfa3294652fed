// `npm run test:long`: tests that deserve more time than `npm test` gives them: properties on a hundred times
// as many cases, a hundred million inputs of the fuzz targets, Rust's tests in Firefox, whose driver is
// compiled first, and soak tests of what must not grow, repeated more often (about 40 minutes, ten of them
// the REST example under load).

import { setUpBrowser } from "./browser.mjs";
import { build, buildPage } from "./build.mjs";
import { programsOf, setUpEngines } from "./engines.mjs";
import { fuzz } from "./fuzz.mjs";
import { setUpNested } from "./nested.mjs";
import { main, must } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";
import { webInFirefox } from "./test.mjs";

/** How many times as many cases a property is tested on. */
const FACTOR = 100;

/** The property tests of JavaScript. */
const PROPERTIES = ["tests/js/csv-properties.test.mjs", "tests/js/files-properties.test.mjs"];

/** Inputs of all fuzz targets together, and how long each runs at a time, in seconds. */
const EXECUTIONS = 100_000_000;
const FUZZ_SECONDS = 120;

/** The test files that run for as long as `tests/soak.mjs` says. */
const SOAKS = [
  "tests/package/browser-days.test.mjs",
  "tests/package/browser-life.test.mjs",
  "tests/package/browser-webgpu.test.mjs",
  "tests/page/memory.test.mjs",
  "examples/rest/test/load.test.mjs",
];

await main(import.meta.url, async () => {
  await setUpBuild();
  await must("cargo", ["test", "properties"], { env: { TABSENSE_CASES_FACTOR: String(FACTOR) } });
  const cases = { TABSENSE_CASES_FACTOR: String(FACTOR) };
  await must(process.execPath, ["--test", ...PROPERTIES], { env: cases });
  await fuzz({ seconds: FUZZ_SECONDS, executions: EXECUTIONS });
  await setUpEngines();
  await webInFirefox(programsOf("firefox"));
  const { chromium } = await setUpBrowser();
  await build();
  await buildPage();
  await setUpNested("examples/rest", ["dist", "models/sentiment-en"]);
  // One at a time: other computations would affect the memory figures.
  const args = ["--test", "--test-concurrency=1", ...SOAKS];
  await must(process.execPath, args, { env: { CHROMIUM: chromium, TABSENSE_LONG: "1" } });
});
