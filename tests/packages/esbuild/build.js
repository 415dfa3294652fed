import { cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({ entryPoints: ["main.js"], bundle: true, minify: true, format: "esm", outdir: "dist" });

// esbuild does not follow `new URL("…", import.meta.url)`: copy what the package loads that way.
const installed = "../node_modules";
for (const path of ["worker-simd.js", "wasm/simd"])
  cpSync(`${installed}/tabsense/dist/${path}`, `dist/${path}`, { recursive: true });
cpSync(`${installed}/tabsense-sentiment-en`, "dist/models/sentiment-en", { recursive: true });
