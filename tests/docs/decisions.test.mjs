// The pages of docs/decisions/ have the same structure, and the index lists them all.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../package/support.mjs";

const FOLDER = join(ROOT, "docs/decisions");
const HEADINGS = ["Context", "Decision", "Measurement"];
const MAX_WORDS = 400;
const STATUS = /^(accepted|rejected|superseded by \[(\d{4})\]\((\S+\.md)\))$/;
/** Files and folders of the repository that a page names in backticks, without line numbers or patterns. */
const PATH = /`((?:bench|docs|examples|fuzz|js|models|scripts|shaders|src|test_data|tests|www)\/[\w./-]+)`/g;

const names = readdirSync(FOLDER).filter((name) => name !== "README.md");
const pages = names.sort().map((name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  const [, number, title] = /^# (\d{4})\. (.+)\n/.exec(text) ?? [];
  return { name, text, number, title };
});

const slug = (title) =>
  title
    .toLowerCase()
    .replaceAll("`", "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

const wordsOf = (text) => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

test("numbers are consecutive and start at 0001", () => {
  assert.ok(pages.length > 0);
  assert.deepEqual(
    pages.map(({ number }) => number),
    pages.map((_, index) => String(index + 1).padStart(4, "0")),
  );
});

test("the index lists every page once, under its number and title", () => {
  const index = readFileSync(join(FOLDER, "README.md"), "utf8");
  const listed = [...index.matchAll(/^- \[(\d{4})\. (.+)\]\((\S+)\)/gm)].map(([, ...entry]) => entry);
  assert.deepEqual(
    listed.sort(([a], [b]) => a.localeCompare(b)),
    pages.map(({ number, title, name }) => [number, title, name]),
  );
});

for (const { name, text, number, title } of pages) {
  test(`${name} has the form of a decision`, () => {
    assert.equal(name, `${number}-${slug(title)}.md`);
    assert.deepEqual(
      [...text.matchAll(/^##+ (.+)$/gm)].map(([, heading]) => heading),
      HEADINGS,
    );
    const parts = text.split(/^## .+$/m);
    for (const [index, heading] of HEADINGS.entries())
      assert.ok(wordsOf(parts[index + 1]) > 0, `Nothing under "${heading}"`);

    const [, status] = /^# .+\n\nStatus: (.+)\n\n## /.exec(text) ?? [];
    assert.match(status ?? "", STATUS);
    const [, , by, file] = STATUS.exec(status);
    if (by) {
      assert.ok(names.includes(file) && file.startsWith(by) && by !== number, status);
    }

    assert.ok(wordsOf(text) <= MAX_WORDS, `${wordsOf(text)} words, more than ${MAX_WORDS}`);
    const missing = [...text.matchAll(PATH)].filter(([, path]) => !existsSync(join(ROOT, path)));
    assert.deepEqual(
      missing.map(([, path]) => path),
      [],
    );
  });
}
