// The documentation site: its pages, the targets of their links, and the detection of broken ones. `npm run
// docs` builds it, and fails if a link is broken.

import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { brokenLinks } from "../../scripts/site/check.mjs";
import { BASE } from "../../scripts/site/config.mjs";
import { rewriteHtml } from "../../scripts/site/links.mjs";
import { pages, sidebar, targetOf } from "../../scripts/site/pages.mjs";

test("every document below docs/ is a page with its own address, and in the navigation once", () => {
  const all = pages();
  const addresses = all.map(({ address }) => address);
  assert.equal(new Set(addresses).size, addresses.length, addresses.join(" "));
  for (const address of ["introduction", "api", "bundlers", "recipes/index", "models/sentiment-en/index"])
    assert.ok(addresses.includes(address), address);
  const links = sidebar(all).flatMap(({ items }) => items.map(({ link }) => link));
  assert.deepEqual(links.sort(), addresses.map((address) => `/${address}`).sort());
});

test("a link leads to a page, a picture, a file that the repository alone has, or elsewhere", () => {
  const cases = [
    ["README.md", "docs/security.md", { page: "/security" }],
    ["docs/recipes/page.md", "../../README.md#models", { page: "/introduction#models" }],
    ["docs/api.md", "../models/sentiment-en/README.md", { page: "/models/sentiment-en/index" }],
    ["docs/api.md", "recipes/", { page: "/recipes/index" }],
    ["README.md", "docs/images/demo.png", { image: "docs/images/demo.png" }],
    ["docs/bundlers.md", "../tests/packages", { file: "tests/packages" }],
    ["docs/api.md", "#score", null],
    ["docs/api.md", "https://example.com/", null],
  ];
  for (const [from, link, target] of cases)
    assert.deepEqual(targetOf(from, link), target, `${from}: ${link}`);
});

test("HTML within a document has links of the site, too", () => {
  const html =
    '<a href="security.md#x">a</a><img src="images/demo.png"><a href="../package.json">b</a><i id="c"></i>';
  const start = `<a href="${BASE}security.html#x">a</a><img src="/docs/images/demo.png"><a`;
  const link = ' href="https://example.com/r/blob/HEAD/package.json"';
  assert.equal(
    rewriteHtml(html, "docs/api.md", "https://example.com/r"),
    `${start}${link}>b</a><i id="c"></i>`,
  );
  assert.equal(rewriteHtml(html, "docs/api.md", null), `${start}>b</a><i id="c"></i>`);
});

test("links to a missing page, to a missing place of a page, and out of the site are found", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-site-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "part"));
  const write = (path, ...links) =>
    writeFileSync(
      join(folder, path),
      `<h1 id="top">x</h1>${links.map((link) => `<a href="${link}">x</a>`).join("")}`,
    );
  write(
    "index.html",
    "part/",
    "/docs/part/index.html#top",
    "https://example.com/none",
    "#top",
    "part/none.html",
  );
  write("part/index.html", "..", "../index.html#none", "/other/");
  assert.deepEqual(brokenLinks(folder, { base: "/docs/" }), [
    "index.html: part/none.html",
    "part/index.html: ../index.html#none",
    "part/index.html: /other/",
  ]);
  assert.deepEqual(brokenLinks(folder, { base: "/docs/", except: ["part/", "index"] }), []);
});
