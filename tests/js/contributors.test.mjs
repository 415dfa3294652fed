// A contributor's starting point: the documents name only things that exist, and the dev container and the
// editor settings agree with the scripts.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { ROOT } from "./support.mjs";

const text = (path) => readFileSync(join(ROOT, path), "utf8");
const json = (path) => JSON.parse(text(path));
const { scripts } = json("package.json");

/** The code in backticks and in code blocks of a document. */
const codeOf = (path) =>
  [...text(path).matchAll(/```[^`]*```|`[^`\n]+`/g)].map(([code]) => code.replaceAll("`", ""));

test("README.md has at most 900 words", () => {
  assert.ok(text("README.md").split(/\s+/).filter(Boolean).length <= 900);
});

test("CONTRIBUTING.md names files and folders that exist", () => {
  const paths = codeOf("CONTRIBUTING.md")
    .flatMap((code) => code.split(/[\s,]+/))
    .filter((word) => /^[\w.-]+\/[\w./-]*$/.test(word) && !word.includes("NAME"));
  assert.ok(paths.length > 30);
  const rooted = (path) => ["", "src/tokenize"].some((root) => existsSync(join(ROOT, root, path)));
  const inside = /^(?:cpu|gpu|auto)\/$/; // of src/backend, in the map
  assert.deepEqual(
    paths.filter((path) => !rooted(path) && !inside.test(path)),
    [],
  );
});

test("documents, workflows and the dev container run npm scripts that exist", () => {
  const workflows = readdirSync(join(ROOT, ".github/workflows")).map((name) => `.github/workflows/${name}`);
  const named = ["README.md", "CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md", ...workflows].flatMap(
    (path) => [...text(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name),
  );
  assert.ok(named.length > 8);
  assert.deepEqual(
    named.filter((name) => name !== "dev" && !Object.hasOwn(scripts, name)), // dev: of the README's new project
    [],
  );
});

test("the dev container has the pinned Rust, a Node that is supported, and what the scripts would install", () => {
  const dockerfile = text(".devcontainer/Dockerfile");
  const { channel } = parse(text("rust-toolchain.toml")).toolchain;
  assert.ok(dockerfile.includes(`FROM rust:${channel}-bookworm`));
  const [, minMajor] = /^>=(\d+)\./.exec(json("package.json").engines.node);
  assert.ok(dockerfile.includes(`FROM node:${minMajor}-bookworm`));
  const packages = ["browser", "engines", "vulkan"].flatMap((name) =>
    [...text(`scripts/${name}.mjs`).matchAll(/(?:PACKAGES =|packages:) \[([^\]]+)\]/g)].flatMap(([, list]) =>
      [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
    ),
  );
  assert.ok(packages.length >= 6);
  for (const name of packages) assert.match(dockerfile, new RegExp(`\\s${name}\\s`), name);
});

test("the editor's settings and the dev container recommend the same extensions, and name projects that exist", () => {
  const { customizations } = json(".devcontainer/devcontainer.json");
  assert.deepEqual(customizations.vscode.extensions, json(".vscode/extensions.json").recommendations);
  for (const project of json(".vscode/settings.json")["rust-analyzer.linkedProjects"])
    assert.ok(existsSync(join(ROOT, project)), project);
});
