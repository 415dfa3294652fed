// The package as its users get it: packed, and installed into an empty project.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Packs the package and installs the tarball; yields the project's folder and the tarball's list of files. */
export function installTarball() {
  const project = mkdtempSync(join(tmpdir(), "tabsense-project-"));
  const npm = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const packed = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", project], ROOT));
  // A list in older npm, a record by package name in newer.
  const { filename, files } = Object.values(packed)[0];
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", version: "1.0.0", type: "module", private: true }));
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], project);
  return { project, filename, files: files.map(({ path }) => path).sort(), remove: () => rmSync(project, { recursive: true, force: true }) };
}
