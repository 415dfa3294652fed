// `npm run audit`: every lock file of the repository against the advisories of npm and RustSec. No part of `npm test`,
// since what it says changes by the day; continuous integration runs it at each change of a lock file, and daily.

import { dirname, join } from "node:path";
import { Failure, main, output, ROOT, run } from "./run.mjs";

/** The required version of cargo-audit; the workflow installs it. */
export const CARGO_AUDIT = "0.22.2";

/** The lock files by their paths. */
export function lockFiles() {
  const listed = output("git", ["ls-files", "*package-lock.json", "*Cargo.lock"]);
  if (!listed) throw new Failure("There is no list of files: this runs in a clone of the repository.");
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
