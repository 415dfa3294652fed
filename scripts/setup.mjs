// Sets up what building needs and prints a line for each thing it does; where nothing is missing, it does and
// prints nothing.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { install } from "./packages.mjs";
import { addToPath, CACHE, Failure, main, must, output, run } from "./run.mjs";
import { hashOf, unlessStamped } from "./stamp.mjs";

/** Makes everything available that a build needs, on PATH of this process. */
export async function setUpBuild() {
  if (Number(process.versions.node.split(".")[0]) < 20)
    throw new Failure(`Node ${process.versions.node} is too old: install Node 20 or newer.`);
  await setUpNpm();
  const { enabledVariants, readManifest } = await import("./manifest.mjs");
  const manifest = readManifest();
  const { tools } = manifest;
  await rust();
  for (const toolchain of new Set(
    enabledVariants(manifest)
      .map(([, variant]) => variant.toolchain)
      .filter(Boolean),
  ))
    await standardLibrary(toolchain);
  await compiler();
  await cargoTool("wasm-pack", "wasm-pack", tools["wasm-pack"]);
  await cargoTool("wasm-bindgen", "wasm-bindgen-cli", tools["wasm-bindgen"]);
}

/** Installs the package's own npm packages where they are missing or others. */
export async function setUpNpm() {
  const stamp = "node_modules/.tabsense-installed";
  const hash = hashOf(["package-lock.json"], [process.platform, process.arch]);
  await unlessStamped(stamp, hash, ["node_modules/.bin/tsc"], async () => {
    console.log("set-up: npm packages");
    await must("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
  });
}

async function rust() {
  if (!output("cargo", ["--version"]))
    addToPath(join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "bin"));
  if (!output("cargo", ["--version"]))
    throw new Failure("Rust is missing: install it with rustup (https://rustup.rs) and run this again.");
  const libraries = output("rustc", ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]);
  if (libraries && existsSync(libraries)) return;
  console.log("set-up: Rust target wasm32-unknown-unknown");
  await must("rustup", ["target", "add", "wasm32-unknown-unknown"]);
}

/**
 * A toolchain beside the default one, with the standard library's source: variants with threads compile it
 * anew.
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

/** Cargo links the build scripts of dependencies with the system's C compiler. */
async function compiler() {
  if (output("cc", ["--version"])) return;
  console.log("set-up: a C compiler, which cargo links with");
  const failed = await install(["gcc", "libc6-dev"]);
  if (failed)
    throw new Failure(
      `There is no C compiler (cc), which cargo links with, and it could not be installed: ${failed} Install the package \`gcc\` and run this again.`,
    );
}

/** A tool of exactly `version`: the one on PATH, or one of this project's own. */
async function cargoTool(program, crate, version) {
  const isRight = (path) => output(path, ["--version"])?.split(" ")[1] === version;
  if (isRight(program)) return;
  const root = join(CACHE, "tools", `${program}-${version}`);
  const bin = join(root, "bin");
  if (!isRight(join(bin, program))) {
    console.log(`set-up: ${crate} ${version} (compiles for some minutes)`);
    const args = ["install", crate, "--version", version, "--root", root, "--force", "--quiet"];
    // Flags that are meant for the WebAssembly build have no place here.
    const options = { cwd: "/", env: { ...process.env, RUSTFLAGS: "", CARGO_BUILD_TARGET: undefined } };
    // A release's lock file may name versions that the registry does not have: then those that it has are
    // taken.
    if (output("cargo", [...args, "--locked"], options) === null) await must("cargo", args, options);
    if (!isRight(join(bin, program)))
      throw new Failure(
        `${join(bin, program)} does not run after its installation. Delete ${root} and run this again.`,
      );
  }
  addToPath(bin);
}

await main(import.meta.url, setUpBuild);
