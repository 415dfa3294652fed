// Reads wasm-pack.toml. Needs the npm packages, so import it only once they are installed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "./run.mjs";

/** The build manifest as an object. */
export function readManifest() {
  return parse(readFileSync(join(ROOT, "wasm-pack.toml"), "utf8"));
}

/** The variants that are built: `[name, table]` each. */
export function enabledVariants(manifest) {
  return Object.entries(manifest.variants).filter(([, variant]) => variant.enabled);
}

/** The environment for cargo and wasm-pack to build a variant. */
export function variantEnv(variant) {
  const env = { CARGO_ENCODED_RUSTFLAGS: variant.rustflags.join("\x1f") };
  return variant.toolchain ? { ...env, RUSTUP_TOOLCHAIN: variant.toolchain } : env;
}
