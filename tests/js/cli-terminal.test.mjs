// The command's output on a terminal: texts, labels, file names and server responses are untrusted, and never
// move the cursor, set a title or reverse the text that follows. Data in files and pipes stays unchanged.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";
import { CLI, scratch, start } from "./command.mjs";
import { safetensors } from "./sharded.mjs";
import { filesOf, ROOT, TINY } from "./support.mjs";

/**
 * Sets the title, goes up a line, turns red; then red as a one-byte sequence, and text that runs backwards.
 */
const EVIL = "\x1b]0;owned\x07\x1b[1A\x1b[31m\x9b31m\r\x7f\u202e\u2066evil";
const SHOWN = "\\u001b]0;owned\\u0007\\u001b[1A\\u001b[31m\\u009b31m\\u000d\\u007f\\u202e\\u2066evil";

/** The characters that a terminal would obey, except for line breaks and tabs. */
const CONTROL_CHARACTERS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** The folder of a tiny model whose labels, type and languages are evil. */
function evilModel(t) {
  const { folder, write } = scratch(t);
  const { "config.json": bytes, "tokenizer.json": tokenizer, "model.safetensors": weights } = filesOf();
  const config = JSON.parse(new TextDecoder().decode(bytes));
  config.id2label = { 0: EVIL, 1: `${EVIL} 1`, 2: `a\nb${EVIL}` };
  config.label2id = Object.fromEntries(
    Object.entries(config.id2label).map(([id, label]) => [label, Number(id)]),
  );
  config.architectures = [EVIL];
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  header.__metadata__ = { languages: EVIL, license: EVIL };
  write("config.json", JSON.stringify(config));
  write("tokenizer.json", tokenizer);
  write("model.safetensors", safetensors(header, weights.subarray(8 + length)));
  return folder;
}

/**
 * Runs the command on a terminal, which merges both outputs; resolves to its exit code and the visible
 * output: with normalized line breaks, and without the sequences that clear the progress bar's line.
 */
function onTerminal(args) {
  const quoted = [process.execPath, CLI, ...args].map((one) => `'${one.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("script", ["-qec", quoted, "/dev/null"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (seen += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, seen: seen.replaceAll("\r\n", "\n").replaceAll("\r\x1b[K", "") }),
    );
  });
}

const skip = process.platform !== "linux"; // needs util-linux's `script`

test("labels of a model, and the texts beside them", { skip }, async (t) => {
  const { code, seen } = await onTerminal([
    EVIL.replaceAll("\0", ""),
    "another text",
    "--model",
    evilModel(t),
  ]);
  assert.equal(code, 0, seen);
  assert.doesNotMatch(seen, CONTROL_CHARACTERS);
  assert.ok(seen.includes(`${SHOWN}\n`), seen);
  // A label is one line, whatever it contains.
  assert.equal(seen.split("\n").filter((line) => /\t0\.\d{4}$/.test(line)).length, 6);
  assert.ok(seen.includes(`a\\u000ab${SHOWN}\t0.`), seen);
});

test("control characters in a model's files are escaped", { skip }, async (t) => {
  const { code, seen } = await onTerminal(["info", evilModel(t)]);
  assert.equal(code, 0, seen);
  assert.doesNotMatch(seen, CONTROL_CHARACTERS);
  for (const fact of ["architecture", "licence"])
    assert.ok(seen.includes(`${fact.padEnd(14)}${SHOWN}`), seen);
});

for (const format of ["csv", "jsonl"]) {
  test(`rows that are written to the terminal as ${format}`, { skip }, async (t) => {
    const { write } = scratch(t);
    const file = write("in.csv", `text,more\na text,"${EVIL}"\n`);
    const { code, seen } = await onTerminal([
      "classify",
      file,
      "--model",
      evilModel(t),
      "--out-format",
      format,
    ]);
    assert.equal(code, 0, seen);
    assert.doesNotMatch(seen, CONTROL_CHARACTERS);
    if (format === "jsonl") assert.equal(JSON.parse(/\{"text".*\}/.exec(seen)[0]).more, EVIL);
  });
}

test("data in a pipe is unchanged", async (t) => {
  const { write } = scratch(t);
  const file = write("in.csv", `text,more\na text,"${EVIL}"\n`);
  const { how, stdout } = await start(["classify", file, "--model", TINY, "--out-format", "csv"]).ended;
  assert.equal(how, 0);
  assert.ok(stdout.includes(EVIL));
});

test("errors: names of files, columns and options", async (t) => {
  const { path, write } = scratch(t);
  const evil = EVIL.replaceAll(/[/\r]/g, ""); // a name with a space could be a text
  for (const args of [
    ["classify", path(`${evil}.csv`), "--model", TINY],
    ["classify", write("in.csv", `"${EVIL}",b\n1,2\n`), "--model", TINY],
    ["classify", write("bad.csv", `text,b\n1,2,3\n`), "--column", EVIL, "--model", TINY],
    ["info", path(evil)],
    ["info", `a/b/${EVIL}`],
    ["convert", path(evil), path("out"), "--dtype", "int8"],
    ["convert", TINY, path(`${evil}/x`), "--dtype", "int8"],
    ["classify", "a", "--device", EVIL],
    ["classify", "a", `--${EVIL}`],
    ["--taught", path(evil), "a"],
  ]) {
    const { how, stdout, stderr } = await start(args).ended;
    assert.ok([1, 2].includes(how), `${JSON.stringify(args)}: ${how} ${stderr}`);
    assert.doesNotMatch(stdout + stderr, CONTROL_CHARACTERS, JSON.stringify(stderr));
    assert.match(stderr, /evil/);
  }
});

test("errors: what a server says", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      const head = [`HTTP/1.1 404 Not \x1b[31mthere\x9b31m`, `x-error-message: disabled ${"\x9b31m"}`];
      socket.end(`${head.join("\r\n")}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`, "latin1");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/model/`;
  for (const args of [
    ["info", url],
    ["a text", "--model", url],
  ]) {
    const { how, stderr } = await start(args).ended;
    assert.equal(how, 1, stderr);
    assert.doesNotMatch(stderr, CONTROL_CHARACTERS, JSON.stringify(stderr));
  }
});
