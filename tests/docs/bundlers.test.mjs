// The set-ups in docs/bundlers.md are those of the projects in tests/packages, and the headers are those of
// the pages in tests. A block with a `from:` comment is an excerpt of the file that the comment names.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../package/support.mjs";
import { STRICT } from "../packages/support.mjs";
import { blocksOf, documents } from "./markdown.mjs";

const DOCUMENT = "docs/bundlers.md";
const HERE = "tests/docs/bundlers.test.mjs";
const TRUSTED = "require-trusted-types-for 'script'; trusted-types tabsense";
const CDN = "https://cdn.example";

/**
 * The headers on the page, in its order, and the policy of an extension: tests/packages and
 * tests/package/browser-cdn.test.mjs open pages with them.
 */
const HEADERS = [
  `${JSON.stringify({ content_security_policy: { extension_pages: STRICT } }, null, 2)}\n`,
  [
    "Content-Security-Policy: default-src 'none'",
    `script-src 'self' ${CDN} 'wasm-unsafe-eval'`,
    `connect-src 'self' ${CDN}`,
    `worker-src blob: ${CDN}\n`,
  ].join("; "),
  `Content-Security-Policy: ${STRICT}\n`,
  `Content-Security-Policy: ${STRICT}; ${TRUSTED}\n`,
  "Cross-Origin-Opener-Policy: same-origin\nCross-Origin-Embedder-Policy: require-corp\n",
];

const blocks = documents()
  .flatMap((document) => blocksOf(document))
  .filter(({ from }) => from !== null);

for (const { document, line, from, code } of blocks.filter(({ from }) => from !== HERE))
  test(`${document}:${line} is of ${from}`, () => {
    // The projects share one node_modules, in their parent folder.
    const text = readFileSync(join(ROOT, from), "utf8").replaceAll('"../node_modules"', '"node_modules"');
    assert.ok(text.includes(code), `${document}:${line} differs from ${from}:\n${code}`);
  });

test("the headers are those that pages are tested with", () => {
  const headers = blocks.filter(({ from }) => from === HERE);
  assert.deepEqual(
    headers.map(({ code }) => code),
    HEADERS,
  );
  assert.ok(headers.every(({ document }) => document === DOCUMENT));
});

test("each project that a browser or a runtime is tested with has its section", () => {
  const text = readFileSync(join(ROOT, DOCUMENT), "utf8");
  for (const project of ["vite", "webpack", "rollup", "esbuild", "plain", "node", "deno", "bun", "workerd"])
    assert.ok(text.includes(`<!-- from: tests/packages/${project}/`), project);
  assert.ok(text.includes("<!-- from: examples/next/"));
});
