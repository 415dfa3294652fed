// Builds the package into dist/: each enabled variant of wasm-pack.toml and the converter, then the TypeScript. What is unchanged is skipped.

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { main, must, output, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";
import { hashOf, unlessStamped } from "./stamp.mjs";

const RUST_INPUTS = ["Cargo.toml", "Cargo.lock", "wasm-pack.toml", "src", "shaders"];

/** Builds what has changed; prints the sizes where anything has. */
export async function build() {
  const { converterVariant, enabledVariants, readManifest } = await import("./manifest.mjs");
  const manifest = readManifest();
  const modules = [...enabledVariants(manifest), converterVariant(manifest)];
  let built = false;
  for (const [name, variant] of modules) built = (await buildVariant(manifest, name, variant)) || built;
  built = (await buildTypeScript(modules.map(([name]) => name))) || built;
  if (built) (await import("./sizes.mjs")).printSizes();
}

/** Builds the demo page into www/dist, from the package as it is built. */
export async function buildPage() {
  const hash = hashOf(["www/index.html", "www/vite.config.ts", "www/sample.ts", "www/offline", "www/src", "www/public", "models/sentiment-en", "test_data/sentiment_validation.jsonl", "package-lock.json", "dist"]);
  await unlessStamped("target/stamps/page", hash, ["www/dist/index.html", "www/dist/sw.js"], async () => {
    console.log("build: the demo page");
    await must(process.execPath, [join(ROOT, "node_modules/.bin/vite"), "build", "www", "--logLevel", "warn"]);
  });
}

/** Runs wasm-pack for a variant, with the manifest's flags; the output folder gets the glue and the .wasm. */
export async function wasmPack(variant, outDir, { features = [] } = {}) {
  const { variantEnv } = await import("./manifest.mjs");
  const cargo = [...variant["cargo-args"], ...(features.length > 0 ? ["--features", features.join(",")] : [])];
  const options = ["--target", "web", "--release", "--mode", "no-install", "--no-pack", "--no-typescript", "--no-gitignore"];
  const args = ["build", ROOT, ...options, "--out-dir", outDir, "--out-name", "tabsense", ...(cargo.length > 0 ? ["--", ...cargo] : [])];
  await must("wasm-pack", args, { env: variantEnv(variant) });
}

/** Optimizes a .wasm file with the manifest's options. */
export async function wasmOpt(manifest, variant, input, out) {
  await must(process.execPath, [join(ROOT, "node_modules/.bin/wasm-opt"), input, "-o", out, ...manifest["wasm-opt"].options, ...variant["wasm-opt"]]);
}

async function buildVariant(manifest, name, variant) {
  const outputs = ["tabsense.js", "tabsense_bg.wasm"].map((file) => `dist/wasm/${name}/${file}`);
  const [glue, wasm] = outputs.map((path) => join(ROOT, path));
  const { variantEnv } = await import("./manifest.mjs");
  const hash = hashOf(RUST_INPUTS, [output("rustc", ["--version"], { env: { ...process.env, ...variantEnv(variant) } })]);
  return unlessStamped(`target/stamps/wasm-${name}`, hash, outputs, async () => {
    console.log(`build: ${name} (Rust to WebAssembly)`);
    const packed = join(ROOT, "target/wasm", name);
    rmSync(packed, { recursive: true, force: true });
    await wasmPack(variant, packed);
    mkdirSync(dirname(wasm), { recursive: true });
    await wasmOpt(manifest, variant, join(packed, "tabsense_bg.wasm"), wasm);
    copyFileSync(join(packed, "tabsense.js"), glue);
  });
}

async function buildTypeScript(variants) {
  const types = variants.map((name) => `wasm/${name}/tabsense.d.ts`);
  const outputs = ["dist/index.js", "dist/cli.js", ...types.map((file) => `dist/${file}`)];
  return unlessStamped("target/stamps/typescript", hashOf(["js", "tsconfig.json", "package-lock.json", "scripts/build.mjs"]), outputs, async () => {
    console.log("build: TypeScript");
    // A module that is no more must not stay in the package.
    for (const name of existsSync(join(ROOT, "dist")) ? readdirSync(join(ROOT, "dist")) : []) {
      if (/\.(js|d\.ts)$/.test(name)) rmSync(join(ROOT, "dist", name));
    }
    await must(process.execPath, [join(ROOT, "node_modules/.bin/tsc"), "-p", "tsconfig.json"]);
    for (const file of types) {
      mkdirSync(dirname(join(ROOT, "dist", file)), { recursive: true });
      copyFileSync(join(ROOT, "js", file), join(ROOT, "dist", file));
    }
    await bundle();
  });
}

/** What a browser loads, as a file each: modules that import modules would cost it a round trip a level. Node reads them from disk as they are. */
async function bundle() {
  const { build: esbuild } = await import("esbuild");
  await esbuild({
    absWorkingDir: ROOT,
    entryPoints: ["index", "worker", "thread"].map((name) => `js/${name}.ts`),
    outdir: "dist",
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["./wasm/*"],
    logLevel: "warning",
  });
}

await main(import.meta.url, async () => {
  await setUpBuild();
  await build();
});
