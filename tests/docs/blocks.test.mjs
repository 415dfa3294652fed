// Runs every code block of README.md and docs/. A block without a runner fails, unless a comment before it
// gives a reason why it isn't run.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as tabsense from "../../dist/node.js";
import { installTarball } from "../package/support.mjs";
import { blocksOf, documents } from "./markdown.mjs";
import { linkPackages } from "./project.mjs";
import { isOfRecipe } from "./recipes.mjs";
import { startPages } from "./runners/browser.mjs";
import { COMPILERS, READERS } from "./runners/data.mjs";
import { isForNode, runInNode } from "./runners/node.mjs";
import { runShell, writeSamples } from "./runners/shell.mjs";
import { checkTypes } from "./runners/types.mjs";

const ALIASES = {
  javascript: "js",
  mjs: "js",
  typescript: "ts",
  bash: "sh",
  shell: "sh",
  console: "sh",
  text: "text",
  txt: "text",
  ndjson: "jsonl",
};

/** Blocks that import this are compiled, not run: they show the code that a reader migrates from. */
const FOREIGN = "@huggingface/transformers";

const exported = Object.keys(tabsense);
const all = documents()
  .flatMap((document) => blocksOf(document))
  .map((block) => ({ ...block, language: ALIASES[block.language] ?? block.language }));
const counts = new Map();
const count = (what) => counts.set(what, (counts.get(what) ?? 0) + 1);

let installed, pages, typeErrors;
before(async () => {
  installed = installTarball();
  linkPackages(installed.project);
  pages = await startPages(installed.project, exported);
  typeErrors = checkTypes(
    all.filter((block) => isTyped(block) && !isOfRecipe(block) && !block.reason && !block.from),
    { folder: join(installed.project, "types"), exported },
  );
});
after(async () => {
  await pages?.close();
  installed?.remove();
});

/** A fresh folder of samples for one block. */
function samples() {
  const folder = mkdtempSync(join(installed.project, "samples-"));
  writeSamples(folder, installed.project);
  return folder;
}

const isTyped = ({ language }) => language === "ts" || language === "tsx";

/** How a block is run: its name in the summary, and the function that runs it. Null if there is no runner. */
function runnerOf(block) {
  const { language, code } = block;
  if (isTyped(block)) return ["type-checked", () => assert.deepEqual(typeErrors(block), [])];
  if (language === "js" && code.includes(FOREIGN)) return ["compiled", () => COMPILERS.jsx(code)];
  if (language === "js" && isForNode(block))
    return ["run in Node", () => runInNode(block, { folder: samples(), exported })];
  if (language === "js") return ["run in Chromium", () => pages.runScript(block)];
  if (language === "html") return ["opened in Chromium", () => pages.openPage(block)];
  if (language === "sh") return ["commands run or looked up", () => runShell(block, { folder: samples() })];
  if (Object.hasOwn(READERS, language)) return ["read", () => READERS[language](code)];
  if (Object.hasOwn(COMPILERS, language)) return ["compiled", () => COMPILERS[language](code)];
  if (language === "text") return ["text, with nothing to run", () => {}];
  return null;
}

for (const block of all) {
  const { document, line, language, reason } = block;
  test(`${document}:${line} (${language || "no language"})`, { timeout: 300_000 }, async () => {
    if (reason) return count(`not run, for a reason`);
    if (block.from) return count("part of a file that has its own test, which bundlers.test.mjs compares");
    if (isOfRecipe(block)) return count("part of a recipe, which its own test builds and runs");
    const runner = runnerOf(block);
    assert.ok(
      runner,
      `There is no runner for ${language ? `the language ${JSON.stringify(language)}` : "a block without a language"}. Name its language, or say in a comment in front of it why it is not run: <!-- not run: … -->`,
    );
    const [what, run] = runner;
    await run();
    count(what);
  });
}

test("all blocks are accounted for", (t) => {
  for (const [what, times] of [...counts].sort()) t.diagnostic(`${times} ${what}`);
  assert.equal(
    [...counts.values()].reduce((sum, times) => sum + times, 0),
    all.length,
  );
  assert.ok(counts.get("run in Chromium") > 0 && counts.get("commands run or looked up") > 0);
});
