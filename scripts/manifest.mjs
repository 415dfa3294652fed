// Reads wasm-pack.toml. Needs the npm packages, so import it only once they are installed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "./run.mjs";

/** A TOML file of the repository as an object. */
export function readToml(path) {
  return parse(readFileSync(join(ROOT, path), "utf8"));
}

/** The build manifest as an object, each variant with all that it is built with. */
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
  return { ...own, toolchain: threads.toolchain, ...Object.fromEntries(lists) };
}

/** The variants that are built: `[name, table]` each. */
export function enabledVariants(manifest) {
  return Object.entries(manifest.variants).filter(([, variant]) => variant.enabled);
}

/** The converter's module, as a variant: `[name, table]`. */
export function converterVariant({ variants, converter: { of, "cargo-args": args } }) {
  return ["convert", { ...variants[of], "cargo-args": [...variants[of]["cargo-args"], ...args] }];
}

/** The environment for cargo and wasm-pack to build a variant. */
export function variantEnv(variant) {
  const env = { CARGO_ENCODED_RUSTFLAGS: variant.rustflags.join("\x1f") };
  return variant.toolchain ? { ...env, RUSTUP_TOOLCHAIN: variant.toolchain } : env;
}
