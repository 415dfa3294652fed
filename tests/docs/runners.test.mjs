// The runners of code blocks can fail: each is tested with correct and with incorrect blocks.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as tabsense from "../../dist/node.js";
import { installTarball } from "../package/support.mjs";
import { blocksOf } from "./markdown.mjs";
import { preludeOf } from "./prelude.mjs";
import { linkPackages } from "./project.mjs";
import { startPages } from "./runners/browser.mjs";
import { COMPILERS, READERS } from "./runners/data.mjs";
import { checkPrinted } from "./runners/expected.mjs";
import { isForNode, runInNode } from "./runners/node.mjs";
import { commandsOf, runShell, writeSamples } from "./runners/shell.mjs";
import { checkTypes } from "./runners/types.mjs";

const exported = Object.keys(tabsense);
let installed, pages, samples;
before(async () => {
  installed = installTarball();
  linkPackages(installed.project);
  pages = await startPages(installed.project, exported);
  samples = join(installed.project, "samples");
  writeSamples(samples, installed.project);
});
after(async () => {
  await pages?.close();
  installed?.remove();
});

let line = 0;
const block = (code, language = "js") => ({ code, language, document: "docs/made-up.md", line: ++line });

test("finds blocks: in fences, indented, in lists, with names and reasons", () => {
  const found = (lines) =>
    blocksOf("docs/made-up.md", lines.join("\n")).map(({ line, language, file, code, reason }) => [
      line,
      language,
      file,
      code,
      reason,
    ]);
  assert.deepEqual(
    found([
      "Text",
      "",
      "```js file=src/a.js",
      "a();",
      "```",
      "",
      "- item",
      "",
      "  ```sh",
      "  npm test",
      "  ```",
      "",
      "<!-- not run: it needs a network -->",
      "",
      "```js",
      "b();",
      "```",
      "",
      "<!-- other -->",
      "```",
      "c",
      "```",
      "",
    ]),
    [
      [3, "js", "src/a.js", "a();\n", null],
      [9, "sh", null, "npm test\n", null],
      [15, "js", null, "b();\n", "it needs a network"],
      [20, "", null, "c\n", null],
    ],
  );
  assert.deepEqual(
    found(["Text", "", "    npm run build", "    npm test", "", "Text", "", "    text ──▶ ids", ""]),
    [
      [3, "sh", null, "npm run build\nnpm test\n", null],
      [8, "text", null, "text ──▶ ids\n", null],
    ],
  );
});

test("a block gets the names that it uses, and not those that it declares", () => {
  const prelude = (code) => preludeOf(code, { exported, dom: true });
  assert.match(
    prelude("await classifier.classify(text);"),
    /^import \{ Classifier \} .* const text = .* const classifier = await /,
  );
  assert.equal(prelude("const classifier = { text: 1 }; classifier.text;"), "");
  assert.equal(
    prelude(
      'import { Classifier } from "tabsense"; function f(text, { signal }) { return [text, signal, Classifier]; }',
    ),
    "",
  );
  assert.match(prelude("output.value = text;"), /createElement\("output"\)/);
  assert.match(
    prelude('import { Classifier } from "tabsense"; await classifier.dispose();'),
    /^const classifier/,
  );
  assert.match(prelude("f({ signal }); function f() {}"), /const signal/);
});

test("compares the printed output with the documented one", () => {
  const code =
    "console.log(label, score); // POSITIVE 0.978…\nconsole.log(a); // [ { label: 'A' } ]\nconsole.log(b); // the rest, in prose\n";
  checkPrinted(code, [["other"], ["POSITIVE", 0.97812], [[{ label: "A" }]], ["x"]]);
  assert.throws(() => checkPrinted(code, [["POSITIVE", 0.911], [[{ label: "A" }]]]), /POSITIVE 0\.978/);
  assert.throws(
    () => checkPrinted(code, [[[{ label: "A" }]], ["POSITIVE", 0.97812]]),
    /label/,
    "in another order",
  );
  assert.throws(() => checkPrinted(code, []), /nothing/);
});

test("js in Chromium", async () => {
  await pages.runScript(
    block("const [best] = await classifier.classify(text);\nconsole.log(best.label); // POSITIVE\n"),
  );
  await pages.runScript(
    block(
      'const other = await Classifier.load("org/name@v1", { signal });\nconsole.log(other.info.model.name); // org/name@v1\n',
    ),
  );
  await assert.rejects(pages.runScript(block('throw new Error("broken");')), /broken/);
  await assert.rejects(pages.runScript(block("console.log(1 + 1); // 3\n")), /it says that it prints/);
  await assert.rejects(pages.runScript(block('await fetch("/nowhere");')), /404/);
  await assert.rejects(
    pages.runScript(block('await fetch("http://localhost:9/").catch(() => {});')),
    /asked for/,
  );
  await assert.rejects(
    pages.runScript(block('await Classifier.load("/models/sentiment-en/", { devise: "cpu" });')),
    /devise/,
  );
});

test("html in Chromium", async () => {
  await pages.openPage(
    block(
      '<script type="module">import { Classifier } from "tabsense"; if (!Classifier.load) throw new Error("none");</script>',
      "html",
    ),
  );
  await assert.rejects(
    pages.openPage(block("<!doctype html><title>x</title><script>broken()</script>", "html")),
    /broken is not defined/,
  );
  await assert.rejects(pages.openPage(block('<img src="missing.png" alt="">', "html")), /404/);
});

test("js in Node", async () => {
  const run = (code) => runInNode(block(code), { folder: samples, exported });
  const listing =
    'import { readdir } from "node:fs/promises";\nconsole.log((await readdir("models")).includes("sentiment-en")); // true\n';
  assert.ok(isForNode(block(listing)) && !isForNode(block("await classifier.classify(text);")));
  await run(listing);
  await run(
    'import { createServer } from "node:http";\ncreateServer().listen(8080, () => console.log("ready"));\n',
  );
  await assert.rejects(run('import "node:fs";\nthrow new Error("broken");'), /broken/);
  await assert.rejects(run('import "node:fs";\nconsole.log("a"); // "b"\n'), /it says that it prints/);
});

test("sh", () => {
  const run = (code) => runShell(block(code, "sh"), { folder: samples });
  run(
    'npm install tabsense # the package\nnpx tabsense "A delight." --model MODEL \\\n  --json | head -n 1\nnpm run build\ncargo run --release --example gpu_bench -- MODEL\n',
  );
  run('tabsense "a text from a model on the hub" --model org/name --json');
  run("tabsense convert IN.safetensors OUT.safetensors --dtype int8\ntest -s OUT.safetensors\n");
  for (const [code, message] of [
    ["tabsense --no-such-option", /no-such-option/],
    ["npx tabsense 'text' --model nowhere-at-all", /nowhere-at-all/],
    ["npm run nothing-of-the-kind", /no npm script/],
    ["npm install left-pad", /left-pad/],
    ["cargo run --example nothing", /nothing/],
    ["node nothing.mjs", /nothing\.mjs/],
    ["frobnicate", /not known here/],
  ])
    assert.throws(() => run(code), message, code);
  assert.deepEqual(commandsOf("$ npm test\n1 passed\n$ npx tabsense \\\n    a\n"), [
    "npm test",
    "npx tabsense a",
  ]);
});

test("ts and tsx", () => {
  const right = block(
    "const scores = await classifier.classify(text, { topK: null });\nconst best: string = scores[0].label;\nconsole.log(best);\n",
    "ts",
  );
  const wrong = block(
    'import { Classifier, type Score } from "tabsense";\nconst c = await Classifier.load("a", { device: "tpu" });\nconst s: Score = 3;\n',
    "ts",
  );
  const view = block(
    'import { useState } from "react";\nexport function View() {\n  const [text] = useState("a");\n  return <p>{text}</p>;\n}\n',
    "tsx",
  );
  const errors = checkTypes([right, wrong, view], { folder: join(installed.project, "types"), exported });
  assert.deepEqual([errors(right), errors(view)], [[], []]);
  assert.equal(errors(wrong).length, 2);
});

test("data, and languages that are compiled", async () => {
  for (const [language, right, wrong] of [
    ["json", '{ "a": 1 }', "{ a: 1 }"],
    ["jsonl", '{"a":1}\n{"a":2}\n', '{"a":1}\n{'],
    ["toml", "a = 1\n", "a = \n"],
    ["csv", 'a,b\n1,"x, y"\n', "a,b\n1\n"],
    ["http", "Content-Security-Policy: default-src 'none'\n", "no header\n"],
    ["diff", "-a\n+b\n", "a\n"],
  ]) {
    READERS[language](right);
    assert.throws(() => READERS[language](wrong), undefined, language);
  }
  for (const [language, right, wrong] of [
    ["css", "a { color: red }", "a { color: red }}"],
    ["jsx", "<p>a</p>", "<p>a"],
    [
      "vue",
      "<script setup>\nconst a = 1;\n</script>\n<template>{{ a }}</template>",
      "<template><p></template>",
    ],
    ["svelte", "<p>{1 + 1}</p>", "<p>{1 +}</p>"],
  ]) {
    await COMPILERS[language](right);
    await assert.rejects(COMPILERS[language](wrong), undefined, language);
  }
});
