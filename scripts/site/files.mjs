// The Markdown files of the repository.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run.mjs";

const LIST = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "*.md"];

let found;

/** Their paths: those that git tracks, and new ones that it does not ignore. */
export function markdownFiles() {
  found ??= execFileSync("git", LIST, { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter((path) => path && existsSync(join(ROOT, path)))
    .sort();
  return found;
}
