// Every example is short, has its README, and is listed in examples/README.md.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { EXAMPLES, filesOf } from "./support.mjs";

/** Each example has fewer lines of code than this. */
const LINES = 60;

/** Files that don't count as code. */
const NOT_CODE = /(^|\/)(README\.md|package(-lock)?\.json|\.npmrc|\.gitignore)$/;

const names = readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, "package.json")));
const text = (...path) => readFileSync(join(EXAMPLES, ...path), "utf8");
const linesOf = (content) => content.trimEnd().split("\n");

test("the examples are those that a reader looks for", () => {
  assert.deepEqual(names.sort(), ["extension", "minimal", "next", "redact", "rest", "teach"]);
});

for (const name of names) {
  const files = filesOf(name);
  // The REST example's service/ is for production and its test/ tests it; app.mjs is the code to read.
  const code = name === "rest" ? ["app.mjs"] : files.filter((path) => !NOT_CODE.test(path));

  test(`${name}: fewer than ${LINES} lines of code, none longer than 110 characters`, () => {
    assert.ok(code.length > 0);
    const lines = code.flatMap((path) => linesOf(text(name, path)));
    assert.ok(lines.length < LINES, `${lines.length} lines in ${code.join(", ")}`);
    const long = lines.filter((line) => line.length > 110 && !line.includes("extension_pages")); // a policy is one string
    assert.deepEqual(long, []);
  });

  test(`${name}: its README has the commands that run it, and links that lead somewhere`, () => {
    const readme = text(name, "README.md");
    const { scripts = {} } = JSON.parse(text(name, "package.json"));
    const commands = /```sh\n([^]*?)```/.exec(readme)[1].trim().split("\n");
    assert.equal(commands.length, 2);
    assert.equal(commands[0], "npm install");
    for (const [, script] of readme.matchAll(/^npm (?:run )?((?!install)\S+)$/gm))
      assert.ok(script in scripts, `npm run ${script}`);
    for (const [, href] of readme.matchAll(/\]\((?!https:)([^)#]+)/g))
      assert.ok(existsSync(join(EXAMPLES, name, href)), href);
  });

  test(`${name}: listed in examples/README.md`, () => {
    assert.ok(text("README.md").includes(`| [${name}](${name}/README.md) | `));
  });
}

test("rest: its README names every file and folder", () => {
  const parts = new Set(filesOf("rest").map((path) => (dirname(path) === "test" ? "test/" : path)));
  const readme = text("rest", "README.md");
  for (const part of parts) if (!NOT_CODE.test(part)) assert.ok(readme.includes(`\`${part}\``), part);
});
