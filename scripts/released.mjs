// Whether dist/wasm comes from a released package (`npm run build:js`), for developers without Rust.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.mjs";

const STAMPS = join(ROOT, "target/stamps");
const MARK = join(STAMPS, "released");

/** The release that dist/wasm comes from, or null if it is compiled here. */
export function releasedWasm() {
  return existsSync(MARK) ? readFileSync(MARK, "utf8") : null;
}

/** Records that dist/wasm now comes from `release`. */
export function markReleased(release) {
  mkdirSync(STAMPS, { recursive: true });
  // What was compiled here before is no longer in dist/wasm.
  for (const name of readdirSync(STAMPS))
    if (name.startsWith("wasm-")) rmSync(join(STAMPS, name), { force: true });
  writeFileSync(MARK, release);
}

/** Records that dist/wasm is compiled here from now on. */
export function unmarkReleased() {
  rmSync(MARK, { force: true });
}
