// The documents, and their code blocks, fenced and indented.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { marked } from "marked";
import { ROOT } from "../package/support.mjs";

/** A comment before a block that says why it can't be run. */
const NOT_RUN = /^<!--\s*not run:\s*(\S[\s\S]*?)\s*-->$/;

/** A comment before a block that names the tested file from which it is an excerpt. */
const FROM = /^<!--\s*from:\s*(\S+)\s*-->$/;

/** The first word of each line, if an indented block consists of commands. */
const COMMANDS = /^(npm|npx|node|cargo|tabsense|git|python3?(\.\d+)?|\.venv\/\S+)\s/;

/** README.md, every document below docs/, and the site's home page, by their paths in the repository. */
export function documents() {
  const below = (folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? below(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    );
  return [
    "README.md",
    "site/index.md",
    ...below("docs")
      .filter((path) => path.endsWith(".md"))
      .sort(),
  ];
}

/**
 * The code blocks of a document: `{ document, line, language, file, code, reason, from }` each.
 *
 * `file` is the name in the fence (```` ```js file=app.js ````), or null; `reason` is why it isn't run, or
 * null; `from` is the tested file from which it is an excerpt, or null. `code` is the text that a reader
 * copies. An indented block of commands has the language `sh`, any other indented block `text`.
 */
export function blocksOf(document, source = readFileSync(join(ROOT, document), "utf8")) {
  const blocks = [];
  let before = null; // the comment directly before the block
  let at = 0;
  walk(marked.lexer(source), (token) => {
    if (token.type === "space") return;
    if (token.type === "code") {
      const raw = token.raw.trim();
      const begin = source.indexOf(raw.split("\n")[0], at);
      const line = source.slice(0, begin).split("\n").length;
      at = begin + raw.length;
      const [language = "", ...rest] = (token.lang ?? "").split(/\s+/);
      const file = rest.map((word) => /^file=(\S+)$/.exec(word)?.[1]).find(Boolean) ?? null;
      blocks.push({
        document,
        line,
        language: token.codeBlockStyle === "indented" ? indented(token.text) : language.toLowerCase(),
        file,
        code: token.text.replace(/\n*$/, "\n"),
        reason: NOT_RUN.exec(before ?? "")?.[1] ?? null,
        from: FROM.exec(before ?? "")?.[1] ?? null,
      });
    }
    before = token.type === "html" ? token.raw.trim() : null;
  });
  return blocks;
}

/** Visits all tokens that may contain a block, in order. */
function walk(tokens, visit) {
  for (const token of tokens) {
    visit(token);
    if (token.type === "list") for (const item of token.items) walk(item.tokens, visit);
    if (token.type === "blockquote") walk(token.tokens, visit);
  }
}

function indented(code) {
  return code.split("\n").every((line) => COMMANDS.test(line)) ? "sh" : "text";
}
