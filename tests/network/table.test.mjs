// The table of cases, and the document that is generated from it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NETWORKS, networksText } from "../../scripts/networks.mjs";
import { casesOf } from "./cases.mjs";
import { FAULTS } from "./faults.mjs";

test("docs/networks.md is what scripts/networks.mjs writes", () => {
  assert.equal(readFileSync(NETWORKS, "utf8"), networksText());
});

test("each fault is run, and each case has its own name", () => {
  assert.deepEqual([...new Set(casesOf("Node").map(({ fault }) => fault))], Object.keys(FAULTS));
  for (const runtime of ["Node", "Chromium"]) {
    const names = casesOf(runtime).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, runtime);
  }
});
