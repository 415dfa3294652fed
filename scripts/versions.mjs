// Writes a version, and the project's addresses, into every file that states them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lockFiles } from "./audit.mjs";

/** The addresses that the root's package.json states for all packages. */
export const ADDRESSES = ["repository", "homepage", "bugs"];

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** The files that state the version, by their paths in `root`, each with its new text. */
export function withVersion(root, version) {
  const read = (path) => readFileSync(join(root, path), "utf8");
  const own = JSON.parse(read("package.json"));
  const workspaces = new Map(
    own.workspaces.map((folder) => [folder, JSON.parse(read(`${folder}/package.json`))]),
  );
  const names = [own.name, ...Array.from(workspaces.values(), ({ name }) => name)];
  const files = new Map([["package.json", json(versioned(own, version, names))]]);
  for (const [folder, manifest] of workspaces)
    files.set(`${folder}/package.json`, json(addressed(versioned(manifest, version, names), own, folder)));
  files.set("Cargo.toml", cargoManifest(read("Cargo.toml"), version, own));
  for (const path of lockFiles(root)) {
    const text = read(path);
    const lock = path.endsWith("Cargo.lock") ? cargoLock : npmLock;
    const changed = lock(text, version, names);
    if (changed !== text) files.set(path, changed);
  }
  return files;
}

/** A package with the version, which accepts the others starting at the same version. */
function versioned(manifest, version, names) {
  const { peerDependencies: peers } = manifest;
  if (!peers) return { ...manifest, version };
  const ranges = Object.keys(peers).map((name) => [name, names.includes(name) ? `^${version}` : peers[name]]);
  return { ...manifest, version, peerDependencies: Object.fromEntries(ranges) };
}

/** A workspace's package with the root's addresses. npm's provenance compares `repository` with the workflow's. */
function addressed(manifest, own, directory) {
  const { repository, homepage, bugs } = own;
  const { url } = typeof repository === "string" ? { url: repository } : repository;
  return { ...manifest, repository: { type: "git", url, directory }, homepage, bugs };
}

/** Cargo.toml with the version and the addresses, which follow the licence. */
function cargoManifest(text, version, { repository, homepage }) {
  const url = (repository.url ?? repository).replace(/^git\+/, "").replace(/\.git$/, "");
  return text
    .replace(/^(?:repository|homepage) = .*\n/gm, "")
    .replace(/^version = .*$/m, () => `version = "${version}"`)
    .replace(/^license = .*$/m, (line) => `${line}\nrepository = "${url}"\nhomepage = "${homepage}"`);
}

/** A package-lock.json: the packages that are in the repository, not those from a registry. */
function npmLock(text, version, names) {
  const lock = JSON.parse(text);
  const isOwn = (path, { name = path.split("node_modules/").at(-1), integrity }) =>
    names.includes(name) && !integrity;
  for (const [path, entry] of Object.entries(lock.packages))
    if (entry.version && isOwn(path, entry)) lock.packages[path] = versioned(entry, version, names);
  if (names.includes(lock.name)) lock.version = version;
  return json(lock);
}

/** A Cargo.lock: crates without a source are in the repository. */
function cargoLock(text, version, names) {
  return text.replace(/^(name = "(.*)"\nversion = )".*"(?!\nsource)/gm, (all, start, name) =>
    names.includes(name) ? `${start}"${version}"` : all,
  );
}
