// Compares a block's output with the comments after its `console.log` calls.

import assert from "node:assert/strict";
import { format } from "node:util";

/** A console.log call at the end of a line, and the comment after it. */
const LOGGED = /^.*\bconsole\.log\(.*\);?[ \t]*\/\/[ \t]*(\S.*)$/gm;

/** Comments that are values: JSON, numbers, strings, labels in capitals. Others are prose. */
const VALUE = /^(?:[[{"'`]|-?\d|(?:true|false|null|undefined)\b|[A-Z][A-Z_]+\b)/;

/** Fails unless the values that `code` announces were printed, in order. `printed`: each call's arguments. */
export function checkPrinted(code, printed) {
  const lines = printed.map((args) => plain(format(...args)));
  let at = 0;
  for (const [, comment] of code.matchAll(LOGGED)) {
    if (!VALUE.test(comment)) continue;
    const pattern = new RegExp(
      `^${plain(comment)
        .split("…")
        .map(RegExp.escape ?? escape)
        .join(".*")}$`,
    );
    const found = lines.findIndex((line, i) => i >= at && pattern.test(line));
    assert.ok(
      found >= 0,
      `it says that it prints\n  ${comment}\nbut it printed\n  ${lines.join("\n  ") || "nothing"}`,
    );
    at = found + 1;
  }
}

/** Normalizes the quotes, and the spaces in which handwritten and printed values differ. */
function plain(text) {
  return text
    .trim()
    .replace(/['`]/g, '"')
    .replace(/\s+/g, " ")
    .replace(/([[{(]) | (?=[\]})])/g, "$1");
}

function escape(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
