// `npm run test:long`: the tests that are worth more time than `npm test` gives them: properties on more cases, then
// the tokenizers' fuzz targets. Options are those of `cargo test`.

import { fuzz } from "./fuzz.mjs";
import { main, must } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

/** How many times as many cases a property is tried on. */
const FACTOR = 100;

await main(import.meta.url, async (args) => {
  await setUpBuild();
  const cargo = ["test", "--test", "properties", ...args];
  await must("cargo", cargo, { env: { TABSENSE_CASES_FACTOR: String(FACTOR) } });
  await fuzz();
});
