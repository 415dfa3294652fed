// The guide's drawing and its quotations match the current code.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../package/support.mjs";
import { blocksOf } from "./markdown.mjs";

const GUIDE = "docs/guide.md";
const DRAWING = readFileSync(join(ROOT, "docs/images/layers.svg"), "utf8");

/** The texts of the drawing's elements with a class. */
function textsOf(name) {
  return [...DRAWING.matchAll(/<text class="([\w-]+)"[^>]*>([^<]+)<\/text>/g)]
    .filter(([, className]) => className === name)
    .map(([, , text]) => text);
}

function foldersIn(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`);
}

test("every path in the drawing exists", () => {
  const names = textsOf("name");
  assert.ok(names.length > 20, `${names.length} names were found`);
  assert.deepEqual(
    names.filter((name) => !existsSync(join(ROOT, name))),
    [],
  );
});

test("every folder of js/, src/ and src/backend/ is in the drawing", () => {
  const names = textsOf("name");
  const folders = [...foldersIn("js"), ...foldersIn("src"), ...foldersIn("src/backend"), "shaders", "www"];
  const isDrawn = (folder) => names.some((name) => name === folder || name.startsWith(`${folder}/`));
  assert.deepEqual(
    folders.filter((folder) => !isDrawn(folder)),
    [],
  );
});

test("the drawing's numbers are the guide's sections", () => {
  const sections = readFileSync(join(ROOT, GUIDE), "utf8").matchAll(/^## (\d+)\. /gm);
  const numbers = [...new Set(textsOf("number").map(Number))].sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    [...sections].map(([, number]) => Number(number)),
  );
});

test("the guide quotes Rust code as it stands", () => {
  const source = readFileSync(join(ROOT, "src/model/bert.rs"), "utf8").replace(/^ +/gm, "");
  const quotations = blocksOf(GUIDE).filter(({ language }) => language === "rust");
  assert.equal(quotations.length, 1);
  for (const { code } of quotations) assert.ok(source.includes(code.replace(/^ +/gm, "")), code);
});
