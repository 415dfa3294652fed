// Child processes for the scripts: one that prints as it runs, one whose output is read, and where the
// project is.

import { spawn, spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where tools that are not on PATH are kept, for all checkouts of this project. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tabsense");

/** An error whose message is a sentence for the user, who needs no stack trace. */
export class Failure extends Error {}

/** Puts folders in front of PATH, for this process and its children. */
export function addToPath(...folders) {
  const now = (process.env.PATH ?? "").split(delimiter);
  process.env.PATH = [...folders.filter((folder) => !now.includes(folder)), ...now].join(delimiter);
}

/**
 * Runs a program in the repository's root with its output shown (unless `show` is false); `onText` is called
 * with the output, too. Resolves to the exit code, which is 127 for a program that can't be started.
 */
export function run(program, args, { env = {}, cwd = ROOT, onText, show = true } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", onText ? "pipe" : "inherit", onText ? "pipe" : "inherit"],
    });
    for (const [from, to] of onText
      ? [
          [child.stdout, process.stdout],
          [child.stderr, process.stderr],
        ]
      : []) {
      from.setEncoding("utf8");
      from.on("data", (text) => {
        if (show) to.write(text);
        onText(text);
      });
    }
    child.on("error", (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(127);
    });
    child.on("close", (code, signal) => {
      if (signal !== null) console.error(`${program} was killed by ${signal}.`);
      resolve(code ?? 1);
    });
  });
}

/** Like `run`, but a failure throws. */
export async function must(program, args, options) {
  const code = await run(program, args, options);
  if (code !== 0) throw new Failure(`\`${[program, ...args].join(" ")}\` failed (exit code ${code}).`);
}

/** What a program prints, or null if it fails or doesn't exist. */
export function output(program, args, options = {}) {
  const { status, stdout } = spawnSync(program, args, { cwd: ROOT, encoding: "utf8", ...options });
  return status === 0 ? stdout.trim() : null;
}

/**
 * Runs a script's main function if the script itself was started, and prints only the message of a `Failure`.
 */
export async function main(moduleUrl, start) {
  if (process.argv[1] !== fileURLToPath(moduleUrl)) return;
  try {
    await start(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}
