import { rmSync, copyFileSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
// As wrangler does: one module, with the conditions of workerd, and the .wasm files as separate modules.
await build({
  entryPoints: ["main.js"],
  bundle: true,
  format: "esm",
  outdir: "dist",
  conditions: ["workerd", "worker", "browser"],
  external: ["*.wasm"],
});
mkdirSync("dist/tabsense/wasm", { recursive: true });
copyFileSync("../node_modules/tabsense/dist/wasm/simd/tabsense_bg.wasm", "dist/tabsense/wasm/simd.wasm");
