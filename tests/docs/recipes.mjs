// The recipes: which blocks belong to them, and how they are laid out as a project.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { blocksOf } from "./markdown.mjs";
import { runShell } from "./runners/shell.mjs";

/** Each recipe by its document. */
export const RECIPES = ["page", "react", "vue", "svelte", "service-worker", "node"].map(
  (name) => `docs/recipes/${name}.md`,
);

/** Whether a block is a file or a command of a recipe, which the recipe's own test runs. */
export function isOfRecipe({ document, file, language }) {
  return RECIPES.includes(document) && (file !== null || language === "sh");
}

/**
 * Writes the files of a recipe into `folder`, with `changes` (functions by file name) applied, then runs its
 * commands there. Returns the names of the files.
 */
export function writeRecipe(document, folder, changes = {}) {
  const blocks = blocksOf(document).filter(isOfRecipe);
  const files = blocks.filter(({ file }) => file !== null);
  assert.ok(files.length > 0, `${document} has no files`);
  for (const { file, code } of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), changes[file]?.(code) ?? code);
  }
  assert.deepEqual(
    Object.keys(changes).filter((name) => !files.some(({ file }) => file === name)),
    [],
    "a change to a file that is not there",
  );
  for (const block of blocks.filter(({ language }) => language === "sh")) runShell(block, { folder });
  return files.map(({ file }) => file);
}
