// Runs `sh` blocks: this package's commands, and the shell commands around them, in a folder of samples.
// Commands that would install, build or serve are only checked: whether npm's packages and scripts and Node's
// files exist.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "smol-toml";
import { ROOT } from "../../package/support.mjs";

const TIMEOUT_MS = 300_000; // generous: a slow machine must not fail a test

/** Programs that are run unchanged. `npx tabsense` finds the installed package, without a network. */
const RUN =
  /^(?:npx\s+(?:--yes\s+|-y\s+)?(?:tabsense|esbuild)|tabsense|cat|cd|cp|echo|export|head|jq|ls|mkdir|printf|rm|sort|tail|test|time|wc)\b/;

/** Packages that documents tell a reader to install, besides those that the project itself uses. */
const KNOWN_PACKAGES = ["tabsense", "tabsense-sentiment-en", "@huggingface/transformers"];

/** The model that a command's placeholder for a model refers to, as a folder or on the hub. */
const TINY = join(ROOT, "test_data/models/tiny-f32");

/** Checks or runs each command of a block. `folder`: the samples that {@link writeSamples} creates. */
export function runShell({ code, document }, { folder }) {
  const script = [];
  for (const command of commandsOf(code)) {
    if (RUN.test(command)) script.push(command);
    else lookUp(command, document);
  }
  if (script.length === 0) return;
  const path = `${join(folder, "node_modules/.bin")}:${process.env.PATH}`;
  const { status, stdout, stderr } = spawnSync("bash", ["-euo", "pipefail", "-c", script.join("\n")], {
    cwd: folder,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: {
      ...process.env,
      NODE_OPTIONS: `--import ${new URL("hub.mjs", import.meta.url).href}`,
      PATH: path,
      npm_config_offline: "true",
      npm_config_yes: "false",
    },
  });
  assert.equal(status, 0, `${script.join("\n")}\n${stdout}${stderr}`);
}

/** Writes the files that documents name to a folder. `project`: where the package is installed. */
export function writeSamples(folder, project) {
  mkdirSync(folder, { recursive: true });
  const all = readFileSync(join(ROOT, "test_data/sentiment_validation.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).text);
  const few = all.slice(0, 12);
  const write = (name, content) => writeFileSync(join(folder, name), `${content}\n`);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  for (const name of ["reviews.csv", "in.csv"])
    write(
      name,
      ["id,text,rating", ...few.map((text, id) => `${id},${quoted(text)},${1 + (id % 5)}`)].join("\n"),
    );
  for (const name of ["reviews.jsonl", "texts.jsonl", "in.jsonl"])
    write(name, few.map((text, id) => JSON.stringify({ id, text })).join("\n"));
  write("posts.jsonl", few.map((body, id) => JSON.stringify({ id, body })).join("\n"));
  for (const name of ["reviews.txt", "lines.txt", "in.txt"]) write(name, few.join("\n"));
  for (const name of ["texts.txt", "TEXTS"]) write(name, all.join("\n")); // enough for int4 calibration
  for (const name of ["IN", "MODEL", "model"]) cpSync(TINY, join(folder, name), { recursive: true });
  for (const name of ["IN.safetensors", "model.safetensors"])
    cpSync(join(TINY, "model.safetensors"), join(folder, name));
  mkdirSync(join(folder, "public"));
  mkdirSync(join(folder, "models"));
  symlinkSync(join(ROOT, "models/sentiment-en"), join(folder, "models/sentiment-en"));
  symlinkSync(TINY, join(folder, "models/MODEL"));
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
  write("package.json", JSON.stringify({ name: "samples", private: true, type: "module" }));
}

/** The commands of a block, without prompts, comments and output, and with continuation lines joined. */
export function commandsOf(code) {
  const lines = code.replace(/\\\n\s*/g, "").split("\n");
  const prompted = lines.some((line) => line.startsWith("$ "));
  return (prompted ? lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2)) : lines)
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter(Boolean);
}

/** Fails unless the things that a command names exist. */
function lookUp(command, document) {
  for (const part of command.split(/\s*(?:&&|;)\s*/)) {
    const words = part.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
    const [program, verb, ...rest] = words;
    if (program === "npm" && /^(?:i|install|add|ci)$/.test(verb)) known(rest);
    else if (program === "npm") hasScript(verb === "run" ? rest[0] : verb, document);
    else if (program === "npx") known([verb]);
    else if (program === "node")
      assert.ok(
        verb.startsWith("-") || existsSync(join(ROOT, verb)) || documented(verb) || besideExample(verb),
        `${command}: there is no ${verb}`,
      );
    else if (program === "cargo") hasTarget(words);
    else if (program === "cd") assert.ok(existsSync(join(ROOT, verb)), `${command}: there is no ${verb}`);
    else if (program === "curl")
      continue; // the server's own test covers the request
    else
      assert.fail(
        `${command}: this command is not known here. Teach tests/docs/runners/shell.mjs, or say in a comment in front of the block why it is not run: <!-- not run: … -->`,
      );
  }
}

/** Fails unless a package.json of this repository, at any depth, has the packages. */
function known(words) {
  const mine = ["package.json", ...below("tests"), ...below("bench"), ...below("examples")].flatMap(
    (path) => {
      const { dependencies, devDependencies, name } = JSON.parse(readFileSync(join(ROOT, path), "utf8"));
      return [name, ...Object.keys({ ...dependencies, ...devDependencies })];
    },
  );
  for (const word of words.filter((one) => !one.startsWith("-") && !/[./]\S*\.tgz$/.test(one))) {
    const name = word.replace(/(?<=.)@[\w.^~-]+$/, "");
    assert.ok(
      KNOWN_PACKAGES.includes(name) || mine.includes(name),
      `the package ${name} is not one that this project knows`,
    );
  }
}

function hasScript(name, document) {
  const files = [
    "package.json",
    ...below("examples"),
    ...(document.startsWith("docs/") ? [] : below(dirname(document))),
  ];
  const scripts = files.flatMap((path) =>
    Object.keys(JSON.parse(readFileSync(join(ROOT, path), "utf8")).scripts ?? {}),
  );
  assert.ok(scripts.includes(name), `there is no npm script ${name}`);
}

function hasTarget(words) {
  const at = words.findIndex((word) => word === "--example" || word === "--test");
  if (at < 0) return;
  const folder = words[at] === "--test" ? "tests" : "examples";
  const named = (parse(readFileSync(join(ROOT, "Cargo.toml"), "utf8"))[words[at].slice(2)] ?? []).map(
    ({ name }) => name,
  );
  const name = words[at + 1];
  assert.ok(
    named.includes(name) ||
      existsSync(join(ROOT, folder, `${name}.rs`)) ||
      existsSync(join(ROOT, folder, name, "main.rs")),
    `cargo has no ${words[at]} ${name}`,
  );
}

/** The package.json files below a folder, except those of installed packages. */
function below(folder) {
  if (folder === "." || !existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : below(`${folder}/${entry.name}`);
    return entry.name === "package.json" ? [`${folder}/${entry.name}`] : [];
  });
}

/** Whether a fence of some document gives a file this name. */
function documented(name) {
  const below = (folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? below(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    );
  return below("docs").some(
    (path) => path.endsWith(".md") && readFileSync(join(ROOT, path), "utf8").includes(`file=${name}`),
  );
}

function besideExample(name) {
  return readdirSync(join(ROOT, "examples")).some((example) =>
    existsSync(join(ROOT, "examples", example, name)),
  );
}
