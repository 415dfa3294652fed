// `npm run bench:kernels`: builds each enabled variant including the kernels' timing loops, and runs them in
// Chromium; `-- NAME`: only that variant.

import { join } from "node:path";
import { setUpBrowser } from "./browser.mjs";
import { compile, wasmOpt } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

await main(import.meta.url, async ([only]) => {
  await setUpBuild();
  const { chromium } = await setUpBrowser();
  const { enabledVariants, readManifest } = await import("./manifest.mjs");
  const manifest = readManifest();
  const variants = enabledVariants(manifest).filter(([name]) => only === undefined || name === only);
  if (variants.length === 0)
    throw new Failure(
      `There is no variant ${only}. The variants are: ${enabledVariants(manifest)
        .map(([name]) => name)
        .join(", ")}.`,
    );
  const { run } = await import("../bench/kernels/run.mjs");
  for (const [name, variant] of variants) {
    const packageDir = join(ROOT, "target/bench-package", name);
    await compile(variant, packageDir, { features: ["bench"] });
    const wasm = join(packageDir, "tabsense_bg.wasm");
    await wasmOpt(manifest, variant, wasm, wasm);
    console.log(`\nvariant ${name}`);
    await run({ packageDir, chromium });
  }
});
