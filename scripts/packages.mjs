// Debian packages: installed as root or with sudo, or else unpacked into the cache folder.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { output, run } from "./run.mjs";

const ATTEMPTS = 3;

/** Installs packages for the whole system; resolves to null, or to a sentence that says why it could not. */
export async function install(packages) {
  if (!output("apt-get", ["--version"])) return "this system has no apt-get.";
  const sudo = privilege();
  if (!sudo) return "this user may not install packages (no root, no sudo without a password).";
  return apt(sudo, ["-qq", "update"], ["-qq", "install", "-y", "--no-install-recommends", ...packages]);
}

/** Whether packages can be installed for the whole system. */
export function canInstall() {
  return privilege() !== null && output("apt-get", ["--version"]) !== null;
}

/**
 * Fetches packages, with the dependencies that this system lacks, and unpacks them into `folder`/root; needs
 * no privileges. Resolves to null, or to a sentence that says why it could not.
 */
export async function unpack(packages, folder) {
  if (!output("apt-get", ["--version"])) return "this system has no apt-get.";
  const lists = join(folder, "lists");
  const cache = join(folder, "cache");
  const root = join(folder, "root");
  for (const path of [join(lists, "partial"), join(cache, "archives", "partial"), root])
    mkdirSync(path, { recursive: true });
  const options = [
    "-qq",
    "-o",
    "Debug::NoLocking=1",
    "-o",
    `Dir::State::Lists=${lists}`,
    "-o",
    `Dir::Cache=${cache}`,
    "-o",
    "APT::Sandbox::User=",
  ];
  const failed = await apt(
    [],
    [...options, "update"],
    [...options, "install", "-y", "--no-install-recommends", "--download-only", ...packages],
  );
  if (failed) return failed;
  const archives = join(cache, "archives");
  for (const name of readdirSync(archives).filter((name) => name.endsWith(".deb"))) {
    if ((await run("dpkg", ["-x", join(archives, name), root])) !== 0)
      return `${name} could not be unpacked.`;
  }
  return existsSync(join(root, "usr")) ? null : "apt-get fetched nothing.";
}

/** The folders below `root` in which a system's libraries are. */
export function libraryFolders(root = "/") {
  const machine =
    output("dpkg-architecture", ["-qDEB_HOST_MULTIARCH"]) ??
    { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch];
  return [`usr/lib/${machine}`, `lib/${machine}`, "usr/lib64", "usr/lib"].map((path) => join(root, path));
}

/** What to put before a command to run it as root; null if this user can't. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return output("sudo", ["-n", "true"]) === null ? null : ["sudo", "-n"];
}

/** Mirrors fail at times: each command is tried several times. */
async function apt(prefix, ...commands) {
  for (const args of commands) {
    const [program, ...rest] = [...prefix, "apt-get", ...args];
    let code = 1;
    for (let attempt = 0; attempt < ATTEMPTS && code !== 0; attempt++)
      code = await run(program, rest, { env: { DEBIAN_FRONTEND: "noninteractive" } });
    if (code !== 0) return `\`apt-get ${args.join(" ")}\` failed.`;
  }
  return null;
}
