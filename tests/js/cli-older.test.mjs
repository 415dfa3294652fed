// The commands with models whose tokenizer is in the files of older repositories.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { classified, start, tabsense } from "./command.mjs";
import { olderFolders, withVocabTxt } from "./older.mjs";
import { serveModel } from "./support.mjs";

const TEXT = "a small test";
const expected = () => classified([TEXT]).stdout;

/** Writes files to a temporary folder. */
function folderOf(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-older-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

test("classify gives the answers of the model with tokenizer.json, from a folder and from a server", async (t) => {
  const files = withVocabTxt();
  const { url, requests } = await serveModel(t, files);
  const folder = folderOf(t, { ...files, "texts.txt": `${TEXT}\n` });
  const answers = tabsense(["classify", TEXT, "--model", folder]);
  assert.deepEqual([answers.status, answers.stdout], [0, expected()], answers.stderr);
  const fetched = await start(["classify", TEXT, "--model", url]).ended;
  assert.deepEqual([fetched.how, fetched.stdout], [0, expected()], fetched.stderr);
  const pooled = await start(["classify", join(folder, "texts.txt"), "--model", url]).ended;
  assert.equal(pooled.how, 0, pooled.stderr);
  for (const name of ["vocab.txt", "tokenizer.json", "special_tokens_map.json"])
    assert.equal(requests.filter((path) => path === `/model/${name}`).length, 2, name);
});

test("the error names both files if a server has neither", async (t) => {
  const { "vocab.txt": _, ...none } = withVocabTxt();
  const { url } = await serveModel(t, none);
  const { how, stderr } = await start(["classify", TEXT, "--model", url]).ended;
  assert.equal(how, 1);
  assert.match(
    stderr,
    /^tabsense: network: .*tokenizer\.json answered 404.*vocab\.txt, which is missing, too/,
  );
});

test("info, bench and convert", (t) => {
  const { files } = olderFolders().find(({ name }) => name === "RoBERTa: vocab.json and merges.txt");
  const folder = folderOf(t, files);
  const info = tabsense(["info", folder, "--json"]);
  assert.equal(JSON.parse(info.stdout).runs, true, info.stderr);
  const measured = tabsense(["bench", folder, "--threads", "1", "--json"]);
  assert.equal(JSON.parse(measured.stdout).results.length, 1, measured.stderr);
  const rounded = join(folder, "rounded.safetensors");
  const { status, stderr } = tabsense(["convert", folder, rounded, "--dtype", "int8"]);
  assert.equal(status, 0, stderr);
});
