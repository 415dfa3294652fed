// `npm run build:js`: the WebAssembly of a released package, for a checkout without Rust.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeReleased } from "../../scripts/build-js.mjs";
import { Failure } from "../../scripts/run.mjs";
import { installTarball, ROOT } from "./support.mjs";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-build-js-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("takes every WebAssembly module out of a release's tarball", (t) => {
  const { project, filename, remove } = installTarball();
  t.after(remove);
  const to = join(scratch(t), "wasm");
  assert.equal(takeReleased(join(project, filename), to), `tabsense ${version}`);
  const modules = readdirSync(join(ROOT, "dist/wasm"));
  assert.deepEqual(readdirSync(to).sort(), modules.sort());
  for (const module of modules)
    for (const file of ["tabsense.js", "tabsense_bg.wasm"])
      assert.deepEqual(
        readFileSync(join(to, module, file)),
        readFileSync(join(ROOT, "dist/wasm", module, file)),
      );
});

test("names the modules that a release lacks, and leaves what is there", (t) => {
  const folder = scratch(t);
  const [old, to] = [join(folder, "old"), join(folder, "wasm")];
  mkdirSync(join(old, "dist/wasm/simd"), { recursive: true });
  writeFileSync(join(old, "package.json"), JSON.stringify({ name: "tabsense", version: "0.0.1" }));
  writeFileSync(join(old, "dist/wasm/simd/tabsense_bg.wasm"), "");
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: old, stdio: "ignore" });
  mkdirSync(to);
  writeFileSync(join(to, "kept"), "");
  assert.throws(
    () => takeReleased(join(folder, "tabsense-0.0.1.tgz"), to),
    (error) =>
      error instanceof Failure &&
      /tabsense 0\.0\.1 lacks the .* relaxed, .*npm run build/.test(error.message),
  );
  assert.deepEqual(readdirSync(to), ["kept"]);
});

test("says what to do where a release can't be fetched", (t) => {
  assert.throws(
    () => takeReleased(join(scratch(t), "missing.tgz"), scratch(t)),
    (error) =>
      error instanceof Failure && /could not be fetched with npm\. Name a release/.test(error.message),
  );
});
