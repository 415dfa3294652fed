// `npm run audit`: checks every lock file of the repository against the advisories of npm and RustSec. Not
// part of `npm test`, because its result changes from day to day; continuous integration runs it on each
// change of a lock file, and daily.

import { dirname, join } from "node:path";
import { Failure, main, output, ROOT, run } from "./run.mjs";

/** The required version of cargo-audit, which the workflow installs. */
export const CARGO_AUDIT = "0.22.2";

/** The lock files by their paths. */
export function lockFiles(root = ROOT) {
  const listed = output("git", ["ls-files", "*package-lock.json", "*Cargo.lock"], { cwd: root });
  if (!listed) throw new Failure("git lists no lock file. Run this in a clone of the repository.");
  return listed.split("\n");
}

await main(import.meta.url, async () => {
  if (output("cargo", ["audit", "--version"]) === null)
    throw new Failure(`cargo-audit is missing: cargo install cargo-audit --locked --version ${CARGO_AUDIT}`);
  const failed = [];
  for (const path of lockFiles()) {
    console.log(`\n== ${path}`);
    const code = path.endsWith("Cargo.lock")
      ? await run("cargo", ["audit", "--deny", "warnings", "--file", path])
      : await run("npm", ["audit", "--package-lock-only"], { cwd: join(ROOT, dirname(path)) });
    if (code !== 0) failed.push(path);
  }
  if (failed.length > 0) throw new Failure(`\nAdvisories, or no answer, for: ${failed.join(", ")}`);
});
