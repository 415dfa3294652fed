// The API reference is made from the types: everything that is exported is in it, and every part of it has
// its words.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeReference } from "../../scripts/docs.mjs";

test("npm run docs: every export is documented, and no link is dead", { timeout: 240_000 }, (t) => {
  const out = mkdtempSync(join(tmpdir(), "tabsense-reference-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const { status, output } = makeReference(out);
  assert.equal(status, 0, output);
  const page = readFileSync(join(out, "index.html"), "utf8");
  assert.match(page, /Classifier/);
  const { children } = JSON.parse(readFileSync(join(out, "reference.json"), "utf8"));
  const names = children.flatMap(({ children = [] }) => children.map(({ name }) => name));
  for (const name of ["Classifier", "TabsenseError", "LoadOptions", "ClassifyOptions", "Score"])
    assert.ok(names.includes(name), `${name} is missing`);
});

test("an undocumented part is an error", { timeout: 240_000 }, (t) => {
  const out = mkdtempSync(join(tmpdir(), "tabsense-reference-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const { status, output } = makeReference(out, "tests/docs/fixtures/typedoc.json");
  assert.notEqual(status, 0);
  assert.match(output, /bare.*does not have any documentation/is);
});
