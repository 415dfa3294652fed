// `npm run bench:kernels`: builds the package with the kernels' timing loops in, and runs them in Chromium.

import { join } from "node:path";
import { setUpBrowser } from "./browser.mjs";
import { wasmOpt, wasmPack } from "./build.mjs";
import { main, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

await main(import.meta.url, async () => {
  await setUpBuild();
  const { chromium } = await setUpBrowser();
  const { readManifest } = await import("./manifest.mjs");
  const manifest = readManifest();
  const variant = manifest.variants[manifest.tests.variant];
  const packageDir = join(ROOT, "target/bench-package");
  await wasmPack(variant, packageDir, { features: ["bench"] });
  const wasm = join(packageDir, "tabsense_bg.wasm");
  await wasmOpt(manifest, variant, wasm, wasm);
  const { run } = await import("../bench/kernels/run.mjs");
  await run({ packageDir, chromium });
});
