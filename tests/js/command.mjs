// Helpers for the command-line tests: run the command, and create a folder for its files.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, TINY } from "./support.mjs";

export const CLI = join(ROOT, "dist/cli.js");

/** Runs the command until it ends; `input` is its standard input. */
export function tabsense(args, { input = "", cwd = ROOT } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    cwd,
    input,
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** `tabsense classify` with the tiny model. */
export function classify(args, options) {
  return tabsense(["classify", ...args, "--model", TINY], options);
}

/** Runs `classify` with the tiny model, which must succeed. */
export function classified(args, options) {
  const { status, stdout, stderr } = classify(args, options);
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

/** Starts the command; `ended` resolves to its exit code, or the signal that ended it, and its output. */
export function start(args, { node = [], ...options } = {}) {
  const child = spawn(process.execPath, [...node, CLI, ...args], { cwd: ROOT, ...options });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name]?.setEncoding("utf8").on("data", (text) => (printed[name] += text));
  const ended = new Promise((resolve) =>
    child.once("close", (code, signal) => resolve({ how: signal ?? code, ...printed })),
  );
  return { child, ended, printed };
}

/** A folder of files for one test: `{ folder, path, write }`. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (name) => join(folder, name);
  const write = (name, content) => (writeFileSync(path(name), content), path(name));
  return { folder, path, write };
}

/** The objects of JSON Lines. */
export function objects(text) {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
