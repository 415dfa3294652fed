// Links from document to document lead somewhere, to their headings, too.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { marked } from "marked";
import { ROOT } from "../package/support.mjs";
import { documents } from "./markdown.mjs";

/** The anchors that a document's headings have on a code host. */
function anchorsOf(path) {
  const anchors = [];
  marked.walkTokens(marked.lexer(readFileSync(join(ROOT, path), "utf8")), (token) => {
    if (token.type === "heading")
      anchors.push(
        token.text
          .toLowerCase()
          .replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, "$1")
          .replace(/[^\p{L}\p{N}\s_-]/gu, "")
          .trim()
          .replace(/\s/g, "-"),
      );
  });
  return anchors;
}

for (const document of documents()) {
  test(`${document}: its links`, () => {
    const broken = [];
    marked.walkTokens(marked.lexer(readFileSync(join(ROOT, document), "utf8")), (token) => {
      if ((token.type !== "link" && token.type !== "image") || /^[a-z]+:/.test(token.href)) return;
      const [to, anchor] = token.href.split("#");
      const path = to === "" ? document : normalize(join(dirname(document), to));
      if (!existsSync(join(ROOT, path))) broken.push(token.href);
      else if (anchor && (statSync(join(ROOT, path)).isDirectory() || !anchorsOf(path).includes(anchor)))
        broken.push(token.href);
    });
    assert.deepEqual(broken, []);
  });
}
