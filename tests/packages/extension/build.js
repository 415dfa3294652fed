import { cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

process.chdir(import.meta.dirname);
rmSync("dist", { recursive: true, force: true });
await build({ entryPoints: ["main.js"], bundle: true, minify: true, format: "esm", outdir: "dist" });

// esbuild does not follow `new URL("…", import.meta.url)`: what the package looks for beside its own module
// is laid beside the bundle.
const installed = "../node_modules";
for (const path of ["worker-simd.js", "wasm/simd"])
  cpSync(`${installed}/tabsense/dist/${path}`, `dist/${path}`, { recursive: true });
cpSync(`${installed}/tabsense-sentiment-en`, "dist/models/sentiment-en", { recursive: true });
