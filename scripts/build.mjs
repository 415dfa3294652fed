// Builds the package into dist/: each enabled variant of wasm-pack.toml, the rewriter, the teacher and the
// converter, then the TypeScript. Unchanged parts are skipped.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { releasedWasm, unmarkReleased } from "./released.mjs";
import { Failure, main, must, output, ROOT } from "./run.mjs";
import { setUpBindgen, setUpBuild } from "./setup.mjs";
import { hashOf, unlessStamped } from "./stamp.mjs";

const RUST_INPUTS = [
  "Cargo.toml",
  "Cargo.lock",
  "build.rs",
  "rust-toolchain.toml",
  "wasm-pack.toml",
  "src",
  "shaders",
  "scripts/bindgen/Cargo.lock",
  "scripts/bindgen/src",
];

/**
 * Builds what has changed; prints the sizes if anything has. `converter`: whether to build the command line's
 * converter too, which no page loads.
 */
export async function build({ converter = true } = {}) {
  const { converterVariant, enabledVariants, readManifest, rewriterVariant, teacherVariant } = await import(
    "./manifest.mjs"
  );
  const manifest = readManifest();
  const variants = [...enabledVariants(manifest), rewriterVariant(manifest), teacherVariant(manifest)];
  const modules = converter ? [...variants, converterVariant(manifest)] : variants;
  const release = releasedWasm();
  if (release) {
    console.log(`build: using the WebAssembly of ${release} (\`npm run build\` compiles it from Rust)`);
    return void (await buildTypeScript(modules.map(([name]) => name)));
  }
  // One queue per toolchain: the end of a compilation, which links and optimizes, keeps only one processor
  // busy.
  const queues = new Map(modules.map(([, { toolchain }]) => [toolchain, queue()]));
  const steps = modules.map(([name, variant]) =>
    buildVariant(manifest, name, variant, queues.get(variant.toolchain)),
  );
  const built = await Promise.all([...steps, buildTypeScript(modules.map(([name]) => name))]);
  for (const [name] of modules) withoutBlobWorker(join(ROOT, "dist/wasm", name, "tabsense.js"));
  await buildLicenses();
  if (built.includes(true)) (await import("./sizes.mjs")).printSizes();
}

/** Writes the licenses of what the package contains. */
function buildLicenses() {
  const hash = hashOf(["Cargo.lock", "package-lock.json", "js", "scripts/licenses.mjs", "scripts/sbom.mjs"]);
  const path = "dist/THIRD-PARTY-LICENSES.txt";
  return unlessStamped("target/stamps/licenses", hash, [path], async () => {
    const { licenses } = await import("./licenses.mjs");
    writeFileSync(join(ROOT, path), await licenses());
  });
}

/** Runs tasks one after the other. After a failure no other starts: they fail with the same error. */
function queue() {
  let last = Promise.resolve();
  return (task) => (last = last.then(task));
}

/** Builds the demo page into www/dist, from the package as it is built. */
export async function buildPage() {
  const hash = hashOf([
    "www/index.html",
    "www/vite.config.ts",
    "www/promises.ts",
    "www/sample.ts",
    "www/offline",
    "www/src",
    "www/public",
    "js/csv",
    "docs/security.md",
    "models/sentiment-en",
    "test_data/sentiment_validation.jsonl",
    "package-lock.json",
    "dist",
  ]);
  await unlessStamped("target/stamps/page", hash, ["www/dist/index.html", "www/dist/sw.js"], async () => {
    console.log("build: the demo page");
    await must(process.execPath, [
      join(ROOT, "node_modules/.bin/vite"),
      "build",
      "www",
      "--logLevel",
      "warn",
    ]);
  });
}

/** Compiles a variant; `outDir` gets tabsense.js and tabsense_bg.wasm. Equal to `wasm-pack build --target web`. */
export async function compile(variant, outDir, { features = [] } = {}) {
  const { readManifest, variantEnv } = await import("./manifest.mjs");
  const bindgen = setUpBindgen(readManifest().tools["wasm-bindgen"]); // compiles along with the crate at first
  bindgen.catch(() => {}); // awaited below, unless the crate fails first
  const target = "wasm32-unknown-unknown";
  // Two toolchains share no compiled files, and cargo lets only one at a time use a folder.
  const folder = join(ROOT, "target", variant.toolchain);
  const cargo = ["rustc", "--lib", "--release", "--target", target, "--target-dir", folder];
  if (features.length > 0) cargo.push("--features", features.join(","));
  await must("cargo", [...cargo, ...variant["cargo-args"], "--", ...variant["own-rustflags"]], {
    env: variantEnv(variant),
  });
  await must(await bindgen, [join(folder, target, "release/tabsense.wasm"), outDir, "tabsense"]);
}

/** Optimizes a .wasm file with the manifest's options. */
export async function wasmOpt(manifest, variant, input, out) {
  await must(process.execPath, [
    join(ROOT, "node_modules/.bin/wasm-opt"),
    input,
    "-o",
    out,
    ...manifest["wasm-opt"].options,
    ...variant["wasm-opt"],
  ]);
}

/** Compiles a variant when its turn comes; wasm-opt then runs during the next one's compilation. */
async function buildVariant(manifest, name, variant, compiling) {
  const outputs = ["tabsense.js", "tabsense_bg.wasm"].map((file) => `dist/wasm/${name}/${file}`);
  const [glue, wasm] = outputs.map((path) => join(ROOT, path));
  const { variantEnv } = await import("./manifest.mjs");
  const hash = hashOf(RUST_INPUTS, [
    output("rustc", ["--version"], { env: { ...process.env, ...variantEnv(variant) } }),
  ]);
  return unlessStamped(`target/stamps/wasm-${name}`, hash, outputs, async () => {
    const packed = join(ROOT, "target/wasm", name);
    rmSync(packed, { recursive: true, force: true });
    await compiling(() => {
      console.log(`build: ${name} (Rust to WebAssembly)`);
      return compile(variant, packed);
    });
    mkdirSync(dirname(wasm), { recursive: true });
    await wasmOpt(manifest, variant, join(packed, "tabsense_bg.wasm"), wasm);
    copyFileSync(join(packed, "tabsense.js"), glue);
  });
}

async function buildTypeScript(variants) {
  const types = ["wasm-module.d.ts", ...variants.map((name) => `wasm/${name}/tabsense.d.ts`)];
  const outputs = [
    "dist/index.js",
    "dist/cli.js",
    "dist/worker-simd.js",
    "dist/edge.js",
    ...types.map((file) => `dist/${file}`),
  ];
  return unlessStamped(
    "target/stamps/typescript",
    hashOf(["js", "tsconfig.json", "package-lock.json", "scripts/build.mjs"]),
    outputs,
    async () => {
      console.log("build: TypeScript");
      // A module that no longer exists must not stay in the package.
      for (const name of existsSync(join(ROOT, "dist")) ? readdirSync(join(ROOT, "dist")) : []) {
        if (name !== "wasm") rmSync(join(ROOT, "dist", name), { recursive: true });
      }
      await must(process.execPath, [join(ROOT, "node_modules/.bin/tsc"), "-p", "tsconfig.json"]);
      for (const file of types) {
        mkdirSync(dirname(join(ROOT, "dist", file)), { recursive: true });
        copyFileSync(join(ROOT, "js", file), join(ROOT, "dist", file));
      }
      await bundle();
    },
  );
}

/**
 * Removes a worker with a blob: URL from a build's JavaScript. wasm-bindgen adds it for engines without
 * `Atomics.waitAsync`, which get no build with threads (`supportsThreads`): it would never run, but a reader of
 * the package couldn't know that.
 */
function withoutBlobWorker(glue) {
  const text = readFileSync(glue, "utf8");
  const workerCode =
    /const val = `onmessage = [^`]*Atomics\.wait\([^`]*`;\s*const ret = [^\n]*createObjectURL[^\n]*\n/;
  if (!text.includes("createObjectURL")) return;
  if (!workerCode.test(text))
    throw new Failure(`${glue} makes a blob: URL in a way that scripts/build.mjs doesn't know.`);
  writeFileSync(glue, text.replace(workerCode, 'const ret = "";\n'));
}

/**
 * Bundles what a browser loads, one file each: modules that import modules would cost it a round trip per
 * level. Node reads them from disk unbundled, except for the lexicon, which contains a library that is not a
 * dependency of the package. The command line is one file, too, with the libraries that only it needs.
 */
async function bundle() {
  const { build: esbuild } = await import("esbuild");
  const options = {
    absWorkingDir: ROOT,
    outdir: "dist",
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    external: ["./wasm/*"],
    logLevel: "warning",
  };
  await esbuild({
    ...options,
    entryPoints: ["js/index.ts", "js/worker.ts", "js/thread.ts"],
    plugins: [separateModules],
  });
  const simd = { simd: "js/simd.ts", "worker-simd": "js/worker.ts", edge: "js/edge.ts" };
  await esbuild({ ...options, entryPoints: simd, plugins: [oneBuild, separateModules] });
  await esbuild({ ...options, entryPoints: ["js/lexicon.ts", "js/tasks.ts"], plugins: [separateModules] });
  await esbuild({ ...options, entryPoints: ["js/cli.ts"], platform: "node", plugins: [separateModules] });
  // Code that is only in these bundles is not a module of the package. The entries' types refer to those of
  // two.
  for (const name of ["platform/browser", "platform/edge"]) rmSync(join(ROOT, "dist", `${name}.js`));
  for (const name of [
    "platform/trusted",
    "platform/worker-from-elsewhere",
    "files/browser-store",
    "builds-simd",
    "start-worker",
    "start-worker-simd",
  ]) {
    for (const end of ["js", "d.ts"]) rmSync(join(ROOT, "dist", `${name}.${end}`));
  }
  for (const folder of ["cli", "csv"]) rmSync(join(ROOT, "dist", folder), { recursive: true });
}

/** Leaves modules that are loaded later, if at all, out of the bundles, which are next to them. */
const separateModules = {
  name: "separate modules",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/(lexicon|tasks)\.js$/ }, ({ path }) => ({
      path: path.slice(1),
      external: true,
    }));
  },
};

/** Replaces the modules that know all builds with those that know one. */
const oneBuild = {
  name: "one build",
  setup({ onResolve }) {
    onResolve({ filter: /\/(builds|start-worker)\.js$/ }, ({ path, importer }) => {
      // The replacement itself imports from the module that it replaces.
      if (importer.endsWith("builds-simd.ts")) return null;
      return { path: join(ROOT, "js", basename(path).replace(".js", "-simd.ts")) };
    });
  },
};

await main(import.meta.url, async () => {
  unmarkReleased();
  await setUpBuild();
  await build();
});
