// The API reference in docs/api.md is generated from the types: it has everything that is exported, and every
// part has a description.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ERROR_KINDS } from "../../dist/node.js";
import { API, apiText, readTypes } from "../../scripts/api.mjs";

const page = () => readFileSync(API, "utf8");

test("docs/api.md is what `npm run docs:api` writes", { timeout: 240_000 }, async (t) => {
  const { status, output, modules } = readTypes();
  assert.equal(status, 0, output);
  assert.equal(page(), await apiText(page(), modules), "Run `npm run docs:api`.");
  await t.test("rejects a page without a section for an export", () =>
    assert.rejects(apiText(page().replace("Classifier, LoadOptions, ", "Classifier, "), modules), {
      message: /no section for LoadOptions/,
    }),
  );
  await t.test("refuses a name that is not exported", () =>
    assert.rejects(apiText(page().replace("Classifier, LoadOptions, ", "$&LoadChoices, "), modules), {
      message: /LoadChoices, which is not exported/,
    }),
  );
});

test("docs/api.md lists each kind of error, in order", () => {
  const [, list] = /#### ErrorKind\n([\s\S]*?)\n#/.exec(page());
  assert.deepEqual(
    [...list.matchAll(/^- `"(\w+)"`: ./gm)].map(([, kind]) => kind),
    ERROR_KINDS,
  );
});

test("a part without documentation is an error", { timeout: 240_000 }, () => {
  const { status, output } = readTypes("tests/docs/fixtures/typedoc.json");
  assert.notEqual(status, 0);
  assert.match(output, /bare.*does not have any documentation/is);
});
