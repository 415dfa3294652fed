// The bill of materials of a release: everything that is compiled or bundled into the package, with the
// versions and digests of the lock files, and no build or test tools. And the workflows that publish it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "smol-toml";
import { CARGO_AUDIT, lockFiles } from "../../scripts/audit.mjs";
import { licenses } from "../../scripts/licenses.mjs";
import { sbom } from "../../scripts/sbom.mjs";
import { ROOT } from "./support.mjs";

const text = (path) => readFileSync(join(ROOT, path), "utf8");
const lock = JSON.parse(text("package-lock.json"));
const { package: crates } = parse(text("Cargo.lock"));

let bill;
before(async () => (bill = await sbom()));

test("it is CycloneDX without dangling references", () => {
  assert.deepEqual([bill.bomFormat, bill.specVersion], ["CycloneDX", "1.6"]);
  const { name, version } = JSON.parse(text("package.json"));
  const { component } = bill.metadata;
  assert.deepEqual([component.name, component.version], [name, version]);
  const refs = [component, ...bill.components].map((one) => one["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length);
  assert.deepEqual(bill.dependencies.map(({ ref }) => ref).sort(), [...refs].sort());
  for (const { ref, dependsOn } of bill.dependencies)
    for (const other of dependsOn) assert.ok(refs.includes(other), `${ref} depends on ${other}`);
  for (const { name, licenses } of bill.components)
    assert.ok(licenses[0]?.expression, `${name} has a licence`);
});

test("each crate has the version and the checksum of Cargo.lock", () => {
  const compiled = bill.components.filter(({ purl }) => purl.startsWith("pkg:cargo/"));
  assert.ok(compiled.length > 5);
  for (const { name, version, hashes } of compiled) {
    const { checksum } = crates.find((one) => one.name === name && one.version === version);
    assert.deepEqual(hashes, [{ alg: "SHA-256", content: checksum }], name);
  }
  const names = compiled.map(({ name }) => name);
  for (const name of Object.keys(parse(text("Cargo.toml")).dependencies))
    assert.ok(names.includes(name), name);
  for (const name of ["proptest", "wasm-bindgen-test"]) assert.ok(!names.includes(name), name);
});

test("each library that the package's files were bundled from is in it, and no tool", () => {
  const bundled = bill.components.filter(({ purl }) => purl.startsWith("pkg:npm/"));
  for (const { name, version, hashes } of bundled) {
    const { integrity, ...locked } = lock.packages[`node_modules/${name}`];
    assert.equal(version, locked.version);
    assert.equal(`sha512-${Buffer.from(hashes[0].content, "hex").toString("base64")}`, integrity);
  }
  const names = bundled.map(({ name }) => name);
  // In the bundles; their licences are in NOTICE.
  for (const name of ["csv-parse", "csv-stringify", "wink-sentiment"]) assert.ok(names.includes(name), name);
  for (const name of ["esbuild", "playwright-core", "typescript", "vite"])
    assert.ok(!names.includes(name), name);
});

test("the package has the license of each part, or may use it under Apache-2.0", async () => {
  const [list, ...texts] = (await licenses()).split(/^={80}\n/m);
  for (const {
    name,
    version,
    licenses: [{ expression }],
  } of bill.components) {
    assert.ok(list.includes(`\n${name} ${version} (${expression})\n`), name);
    const text = texts.find((text) => text.startsWith(`${name} ${version} (`));
    if (expression.includes("Apache-2.0") && !expression.includes(" AND "))
      assert.equal(text, undefined, name);
    else assert.match(text, /permission|redistribut|permitted|Mozilla Public License/i, name);
  }
  assert.match(
    texts.find((text) => text.startsWith("csv-parse ")),
    /Copyright \(c\) 2010 Adaltas/,
  );
});

test("the same commit gives the same SBOM", async () => assert.deepEqual(await sbom(), bill));

test("every lock file is audited, by the version that the workflow installs", () => {
  const found = lockFiles();
  for (const path of [
    "Cargo.lock",
    "package-lock.json",
    "examples/rest/package-lock.json",
    "fuzz/Cargo.lock",
  ])
    assert.ok(found.includes(path), path);
  const workflow = text(".github/workflows/audit.yml");
  assert.ok(workflow.includes(`cargo-audit --locked --version ${CARGO_AUDIT}`));
  assert.match(workflow, /schedule:/);
});

test("workflows have minimal permissions, and publishing signs what it built", () => {
  const folder = ".github/workflows";
  for (const name of readdirSync(join(ROOT, folder))) {
    const workflow = text(`${folder}/${name}`);
    assert.doesNotMatch(workflow, /pull_request_target|write-all|\$\{\{\s*github\.event\./, name);
    // Text that a stranger controls (a branch name, a title) reaches a script as a variable, never as code.
    for (const [, used] of workflow.matchAll(/\$\{\{\s*([^}]*?)\s*\}\}/g))
      assert.match(
        used,
        /^(?:runner\.os|hashFiles\([^)]*\)|github\.(?:run_id|token)|matrix\.\w+)$/,
        `${name}: ${used}`,
      );
  }
  const release = text(`${folder}/release.yml`);
  assert.match(release, /^permissions: \{\}$/m);
  assert.match(release, /attest-build-provenance@/);
  assert.match(release, /attest-sbom@/);
  assert.match(release, /npm publish "\$file" --provenance/);
  assert.doesNotMatch(release, /NPM_TOKEN|NODE_AUTH_TOKEN|secrets\./);
});
