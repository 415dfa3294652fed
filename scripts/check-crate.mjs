// `npm run check:crate`: checks that the crate packs the files needed to compile it, and no others, in a
// small archive. With `--verify` cargo also compiles what it has packed, as it does before it publishes.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { compare } from "./check-packages.mjs";
import { Failure, main, must, output, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

/** The files of the crate: paths, and patterns that at least one file must match. */
const FILES = [
  ".cargo_vcs_info.json",
  "Cargo.lock",
  "Cargo.toml",
  "Cargo.toml.orig",
  "LICENSE",
  "NOTICE",
  "README.md",
  "build.rs",
  "examples/classify.rs",
  /^shaders\/(?:[a-z]+\/)?[a-z0-9_]+\.wgsl$/,
  /^src\/(?:[a-z0-9_]+\/)*[a-z0-9_]+\.rs$/,
];

/** The maximum size of the archive, in bytes. A model or test data packed by mistake would be megabytes. */
const MAX_BYTES = 500_000;

/** Before a release's commit, its version has already changed. */
const DIRTY = "--allow-dirty";

/** A sentence for each file that is missing from `files`, and for each that should not be there. */
export function crateFaults(files) {
  const { missing, unexpected } = compare(FILES, files);
  return [
    ...missing.map((rule) => `${rule} is missing from the crate.`),
    ...unexpected.map((file) => `${file} is in the crate. Leave it out in Cargo.toml, or list it.`),
  ];
}

await main(import.meta.url, async (args) => {
  await setUpBuild();
  const listed = output("cargo", ["package", "--list", "--locked", DIRTY, "--quiet"]);
  if (listed === null) throw new Failure("cargo package --list failed. Run it to see why.");
  const faults = crateFaults(listed.split("\n"));
  if (faults.length > 0) throw new Failure(faults.join("\n"));
  const how = args.includes("--verify") ? ["publish", "--dry-run"] : ["package", "--no-verify"];
  await must("cargo", [...how, "--locked", DIRTY, "--quiet"]);
  const [, version] = /^version = "(.*)"$/m.exec(readFileSync(join(ROOT, "Cargo.toml"), "utf8"));
  const { size } = statSync(join(ROOT, `target/package/tabsense-${version}.crate`));
  console.log(`the crate has ${listed.split("\n").length} files, ${size.toLocaleString("en")} bytes`);
  if (size > MAX_BYTES)
    throw new Failure(`The crate has ${size} bytes, more than ${MAX_BYTES}. Leave files out in Cargo.toml.`);
});
