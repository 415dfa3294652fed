// Links between the repository's Markdown files lead to existing files and headings.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import GithubSlugger from "github-slugger";
import { marked } from "marked";
import { ROOT } from "../../scripts/run.mjs";
import { markdownFiles } from "../../scripts/site/files.mjs";

const pages = new Map();

/** A document's links and images, and the anchors of its headings as code hosts name them. */
function read(path) {
  if (!pages.has(path)) {
    const slugger = new GithubSlugger();
    const [links, anchors] = [[], []];
    marked.walkTokens(marked.lexer(readFileSync(join(ROOT, path), "utf8")), (token) => {
      if (token.type === "heading") anchors.push(slugger.slug(plain(token)));
      if (token.type === "link" || token.type === "image") links.push(token.href);
      if (token.type === "html")
        links.push(...[...token.raw.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, href]) => href));
    });
    pages.set(path, { links, anchors });
  }
  return pages.get(path);
}

/** The text of a heading, without its markup. */
function plain({ tokens, text }) {
  return tokens ? tokens.map(plain).join("") : text;
}

/** The fault of a link of `document`, or null. URLs with a scheme aren't checked. */
function faultOf(document, link) {
  if (/^[a-z]+:/.test(link)) return null;
  const [to, anchor] = link.split("#");
  const path = to === "" ? document : normalize(join(dirname(document), decodeURI(to)));
  if (!existsSync(join(ROOT, path))) return "no such file";
  if (!anchor) return null;
  const isDocument = statSync(join(ROOT, path)).isFile() && path.endsWith(".md");
  return isDocument && read(path).anchors.includes(anchor) ? null : "no such heading";
}

test("a link to nowhere is found", () => {
  assert.equal(faultOf("README.md", "docs/none.md"), "no such file");
  assert.equal(faultOf("README.md", "docs/security.md#none"), "no such heading");
  assert.equal(faultOf("docs/security.md", "../README.md#models"), null);
});

// The site's home page has links within the site, which its build checks.
for (const document of markdownFiles().filter((path) => !path.startsWith("site/")))
  test(`${document}: its links`, () => {
    const broken = read(document)
      .links.map((link) => [link, faultOf(document, link)])
      .filter(([, fault]) => fault !== null);
    assert.deepEqual(broken, []);
  });
