// Installs what a build needs and prints a line for each step; if nothing is missing, it does and prints
// nothing.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { install } from "./packages.mjs";
import { releasedWasm } from "./released.mjs";
import { addToPath, CACHE, Failure, main, must, output, ROOT, run } from "./run.mjs";
import { which } from "./browser.mjs";
import { hashOf, unlessStamped } from "./stamp.mjs";

/** The environment to compile a tool with: flags for the WebAssembly build must not apply. */
const HOST = { RUSTFLAGS: "", CARGO_ENCODED_RUSTFLAGS: undefined, CARGO_BUILD_TARGET: undefined };

/** Makes everything that a build needs available, on the PATH of this process. */
export async function setUpBuild() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [minMajor, minMinor] = engines.node.slice(">=".length).split(".").map(Number);
  if (major < minMajor || (major === minMajor && minor < minMinor))
    throw new Failure(
      `Node ${process.versions.node} is too old: install Node ${minMajor}.${minMinor} or newer.`,
    );
  await setUpNpm();
  if (releasedWasm()) return;
  const { enabledVariants, readManifest } = await import("./manifest.mjs");
  const manifest = readManifest();
  await rust();
  for (const toolchain of new Set(
    enabledVariants(manifest)
      .map(([, variant]) => variant.toolchain)
      .filter(Boolean),
  ))
    await standardLibrary(toolchain);
  await compiler();
}

/** Installs what the tests in a browser need as well: wasm-pack, and wasm-bindgen's test runner. */
export async function setUpWebTests() {
  const { tools } = (await import("./manifest.mjs")).readManifest();
  await cargoTool("wasm-pack", "wasm-pack", tools["wasm-pack"]);
  await cargoTool("wasm-bindgen", "wasm-bindgen-cli", tools["wasm-bindgen"]);
}

/** Installs the driver that `wasm-pack test` needs for Firefox; resolves to its path. */
export async function setUpGeckodriver() {
  const { tools } = (await import("./manifest.mjs")).readManifest();
  await cargoTool("geckodriver", "geckodriver", tools.geckodriver);
  return which("geckodriver");
}

let bindgen;

/** Compiles scripts/bindgen, once for all checkouts of this project; resolves to the program's path. */
export function setUpBindgen(version) {
  bindgen ??= (async () => {
    const target = join(CACHE, "tools", `bindgen-${version}`);
    const program = join(target, "debug/bindgen");
    if (!existsSync(program)) console.log(`set-up: wasm-bindgen ${version} (compiles for a minute)`);
    const manifest = join(ROOT, "scripts/bindgen/Cargo.toml");
    const args = ["build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target];
    await must("cargo", args, { env: HOST });
    return program;
  })();
  return bindgen;
}

/** Installs this project's npm packages if they are missing or outdated. */
export async function setUpNpm() {
  const stamp = "node_modules/.tabsense-installed";
  const hash = hashOf(["package-lock.json"], [process.platform, process.arch]);
  await unlessStamped(stamp, hash, ["node_modules/.bin/tsc"], async () => {
    console.log("set-up: npm packages");
    // `npm publish --dry-run` runs prepack, whose npm inherits the setting.
    await must("npm", ["ci", "--dry-run=false", "--no-fund", "--no-audit", "--loglevel=error"]);
  });
}

/** Cargo, and the toolchain that rust-toolchain.toml names. */
async function rust() {
  const { toolchain } = (await import("./manifest.mjs")).readToml("rust-toolchain.toml");
  if (!output("rustup", ["--version"]))
    addToPath(join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "bin"));
  if (!output("cargo", ["--version"]) && !output("rustup", ["--version"]))
    throw new Failure("Rust is missing: install it with rustup (https://rustup.rs) and run this again.");
  const [target] = toolchain.targets;
  const libraries = output("rustc", ["--print", "target-libdir", "--target", target]);
  if (libraries && existsSync(libraries)) return;
  console.log(`set-up: Rust ${toolchain.channel} for ${target}`);
  await must("rustup", [
    "toolchain",
    "install",
    toolchain.channel,
    "--profile",
    toolchain.profile,
    ...toolchain.components.flatMap((name) => ["--component", name]),
    "--target",
    target,
    "--no-self-update",
  ]);
}

/**
 * Installs a toolchain next to the default one, with the standard library's source: variants with threads
 * recompile it.
 */
async function standardLibrary(toolchain) {
  const sysroot = output("rustc", ["--print", "sysroot"], {
    env: { ...process.env, RUSTUP_TOOLCHAIN: toolchain },
  });
  if (sysroot && existsSync(join(sysroot, "lib/rustlib/src/rust/library/std"))) return;
  console.log(`set-up: Rust's ${toolchain} toolchain, for the variants with threads`);
  const args = [
    "toolchain",
    "install",
    toolchain,
    "--profile",
    "minimal",
    "--component",
    "rust-src",
    "--target",
    "wasm32-unknown-unknown",
    "--no-self-update",
  ];
  if ((await run("rustup", args)) === 0) return;
  throw new Failure(
    `Rust's ${toolchain} toolchain could not be installed, which the variants with threads are compiled with. Run \`rustup ${args.join(" ")}\` where there is a connection, or set \`enabled = false\` for them in wasm-pack.toml.`,
  );
}

/** Installs what the fuzz targets need as well: libFuzzer is C++. */
export async function setUpFuzzing() {
  await setUpBuild();
  await compiler("c++", ["g++"], "a C++ compiler, which libFuzzer is compiled with");
}

/** Cargo links the build scripts of dependencies with the system's C compiler. */
async function compiler(
  program = "cc",
  packages = ["gcc", "libc6-dev"],
  what = "a C compiler, which cargo links with",
) {
  if (output(program, ["--version"])) return;
  console.log(`set-up: ${what}`);
  const failed = await install(packages);
  if (failed)
    throw new Failure(
      `${program} is missing, ${what}, and it could not be installed: ${failed} Install the package \`${packages[0]}\` and run this again.`,
    );
}

/** Provides a tool of exactly `version`: the one on PATH, or this project's own. */
async function cargoTool(program, crate, version) {
  const isRight = (path) => output(path, ["--version"])?.split(/\s/)[1] === version;
  if (isRight(program)) return;
  const root = join(CACHE, "tools", `${program}-${version}`);
  const bin = join(root, "bin");
  if (!isRight(join(bin, program))) {
    console.log(`set-up: ${crate} ${version} (compiles for some minutes)`);
    const args = ["install", crate, "--version", version, "--root", root, "--force", "--quiet"];
    // Quick to compile, because the tools have little to do. In `/`, cargo reads no configuration of this
    // project.
    const quick = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "1", CARGO_PROFILE_RELEASE_LTO: "off" };
    const { channel } = (await import("./manifest.mjs")).readToml("rust-toolchain.toml").toolchain;
    const env = { ...process.env, ...HOST, ...quick, RUSTUP_TOOLCHAIN: channel };
    const options = { cwd: "/", env };
    // A release's lock file may name versions that the registry does not have: then those that it has are
    // used.
    if (output("cargo", [...args, "--locked"], options) === null) await must("cargo", args, options);
    if (!isRight(join(bin, program)))
      throw new Failure(
        `${join(bin, program)} does not run after its installation. Delete ${root} and run this again.`,
      );
  }
  addToPath(bin);
}

await main(import.meta.url, setUpBuild);
