// `npm run build:js [PACKAGE]`: builds without Rust. The WebAssembly comes from the package's last release,
// or from PACKAGE: anything that `npm pack` accepts, such as `tabsense@0.2.0` or a tarball. `npm run demo`
// and the tests of JavaScript use it from then on; `npm run build` compiles it from Rust again.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { Failure, main, output, ROOT } from "./run.mjs";
import { markReleased } from "./released.mjs";
import { setUpNpm } from "./setup.mjs";

/**
 * Puts the WebAssembly of a released package into the folder `to`; returns the release's name and version.
 */
export function takeReleased(spec, to, { cwd = ROOT } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-release-"));
  try {
    const args = ["pack", spec, "--json", "--ignore-scripts", "--pack-destination", folder];
    const packed = output("npm", args, { cwd });
    if (!packed)
      throw new Failure(
        `${spec} could not be fetched with npm. Name a release (npm run build:js -- tabsense@VERSION) or a tarball, or compile the WebAssembly with Rust (npm run build).`,
      );
    const { name, version, filename } = Object.values(JSON.parse(packed))[0];
    if (output("tar", ["-xzf", filename], { cwd: folder }) === null)
      throw new Failure(`${filename} could not be unpacked with tar.`);
    const from = join(folder, "package/dist/wasm");
    const needed = readdirSync(join(ROOT, "js/wasm"));
    const missing = needed.filter((module) => !existsSync(join(from, module, "tabsense_bg.wasm")));
    if (missing.length > 0)
      throw new Failure(
        `${name} ${version} lacks the WebAssembly modules ${missing.join(", ")}. Take a newer release, or compile them with Rust (npm run build).`,
      );
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
    return `${name} ${version}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(import.meta.url, async ([spec]) => {
  const { name } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  await setUpNpm();
  const cwd = process.env.INIT_CWD ?? ROOT;
  markReleased(takeReleased(spec ?? `${name}@latest`, join(ROOT, "dist/wasm"), { cwd }));
  await build();
});
