// Reads wasm-pack.toml. Needs the npm packages, so import it only once they are installed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "./run.mjs";

/** A TOML file of the repository as an object. */
export function readToml(path) {
  return parse(readFileSync(join(ROOT, path), "utf8"));
}

/** The build manifest as an object, each variant with everything that it is built with. */
export function readManifest() {
  const manifest = readToml("wasm-pack.toml");
  for (const [name, variant] of Object.entries(manifest.variants))
    if (variant.of) manifest.variants[name] = withThreads(manifest, variant);
  return manifest;
}

/** A variant that is another one with threads. */
function withThreads({ variants, threads }, { of, ...own }) {
  const lists = ["rustflags", "cargo-args", "wasm-opt"].map((key) => [
    key,
    [...variants[of][key], ...threads[key]],
  ]);
  const { "own-rustflags": ownRustflags } = variants[of];
  return {
    ...own,
    toolchain: threads.toolchain,
    "own-rustflags": ownRustflags,
    ...Object.fromEntries(lists),
  };
}

/** The variants that are built: `[name, table]` each. */
export function enabledVariants(manifest) {
  return Object.entries(manifest.variants).filter(([, variant]) => variant.enabled);
}

/** The converter's module, as a variant: `[name, table]`. */
export function converterVariant(manifest) {
  return ["convert", moduleVariant(manifest, manifest.converter)];
}

/** The module that reads PyTorch checkpoints, as a variant: `[name, table]`. */
export function rewriterVariant(manifest) {
  return ["rewriter", moduleVariant(manifest, manifest.rewriter)];
}

/** The module that teaches a classifier, as a variant: `[name, table]`. */
export function teacherVariant(manifest) {
  return ["teacher", moduleVariant(manifest, manifest.teacher)];
}

function moduleVariant({ variants }, { of, "cargo-args": args }) {
  return { ...variants[of], "cargo-args": [...variants[of]["cargo-args"], ...args] };
}

/** The environment for wasm-pack to test a variant, including the flags for this crate only. */
export function variantTestEnv(variant) {
  const own = variant["own-rustflags"];
  if (own.length === 0) return variantEnv(variant);
  return {
    ...variantEnv(variant),
    RUSTC_WORKSPACE_WRAPPER: join(ROOT, "scripts/rustc-own.mjs"),
    TABSENSE_OWN_RUSTFLAGS: own.join("\x1f"),
  };
}

/** The environment for cargo to build a variant; flags for this crate only are arguments of `cargo rustc`. */
export function variantEnv(variant) {
  const env = { CARGO_ENCODED_RUSTFLAGS: variant.rustflags.join("\x1f") };
  return variant.toolchain ? { ...env, RUSTUP_TOOLCHAIN: variant.toolchain } : env;
}
