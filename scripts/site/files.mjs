// The Markdown files of the repository.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run.mjs";

export { ROOT };

/** Their paths: those that git keeps, and new ones that it does not ignore. */
export function markdownFiles() {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "*.md"];
  const paths = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\n");
  return paths.filter((path) => path && existsSync(join(ROOT, path))).sort();
}
