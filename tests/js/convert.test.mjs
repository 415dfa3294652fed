// The command `tabsense`: round-trip conversion, and classification from a shell.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { convert, loadConverter } from "../../dist/convert.js";
import { filesOf, ROOT, tiny, TINY } from "./support.mjs";

const TEXTS = ["a first text", "and a second one, longer than the first", "yes"];

function tabsense(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "dist/cli.js"), ...args], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { status, stdout, stderr };
}

function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function converted(dtype, bytes, size) {
  const { Converter } = await loadConverter();
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const out = [];
  for await (const piece of convert(new Converter(dtype), { weights: pieces })) out.push(piece);
  return Buffer.concat(out);
}

for (const [dtype, tolerance, shrinks] of [
  ["fp16", 2e-3, 0.55],
  ["int8", 0.05, 0.45],
]) {
  test(`a model converted to ${dtype} classifies like its original`, async (t) => {
    const folder = scratch(t);
    for (const name of ["config.json", "tokenizer.json"]) cpSync(join(TINY, name), join(folder, name));
    const [source, target] = [TINY, folder].map((path) => join(path, "model.safetensors"));
    const { status, stderr } = tabsense("convert", source, target, "--dtype", dtype);
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      readdirSync(folder).sort(),
      ["config.json", "model.safetensors", "tokenizer.json"],
      "no temporary file stays",
    );
    assert.ok(
      statSync(target).size < shrinks * statSync(source).size,
      `${statSync(target).size} of ${statSync(source).size}`,
    );
    const classifier = await Classifier.load(folder);
    t.after(() => classifier.dispose());
    assert.equal(classifier.info.dtype, dtype === "int8" ? "int8" : "fp32");
    const [mine, original] = await Promise.all(
      [classifier, await tiny(t)].map((c) => c.classify(TEXTS, { topK: null })),
    );
    for (const [i, scores] of original.entries()) {
      for (const { label, score } of scores) {
        const other = mine[i].find((candidate) => candidate.label === label).score;
        assert.ok(Math.abs(other - score) < tolerance, `${TEXTS[i]}: ${label} ${other} for ${score}`);
      }
    }
  });

  test(`any split gives the same ${dtype} file`, async () => {
    const bytes = filesOf()["model.safetensors"];
    const whole = await converted(dtype, bytes, bytes.length);
    for (const size of [1009, 65_536])
      assert.ok(whole.equals(await converted(dtype, bytes, size)), `pieces of ${size}`);
  });
}

test("reports on standard error which tensors are left out", (t) => {
  const folder = scratch(t);
  const [input, output] = ["in", "out"].map((file) => join(folder, file));
  const whole = filesOf()["model.safetensors"];
  const data = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
  const { byteLength } = whole.subarray(data);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, data)));
  header["vocab_projector.weight"] = {
    dtype: "F32",
    shape: [2, 2],
    data_offsets: [byteLength, byteLength + 16],
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(input, Buffer.concat([length, text, whole.subarray(data), Buffer.alloc(16)]));
  for (const dtype of ["int8", "fp16"]) {
    const { status, stdout, stderr } = tabsense("convert", input, output, "--dtype", dtype, "--force");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /out: \d+ bytes, /);
    assert.match(
      stderr,
      /^tabsense: The weights hold "vocab_projector\.weight", which this model does not use\.\n$/,
    );
    const plain = tabsense("convert", join(TINY, "model.safetensors"), output, "--dtype", dtype, "--force");
    assert.deepEqual([plain.status, plain.stderr], [0, ""]);
  }
});

/** A safetensors file's tensors: type, shape and bytes by name. */
function tensorsOf(path) {
  const file = readFileSync(path);
  const data = 8 + Number(file.readBigUInt64LE());
  const { __metadata__, ...header } = JSON.parse(file.toString("utf8", 8, data));
  const tensor = ({ dtype, shape, data_offsets: [first, end] }) =>
    `${dtype} ${shape} ${file.toString("hex", data + first, data + end)}`;
  return Object.fromEntries(Object.keys(header).map((name) => [name, tensor(header[name])]));
}

test("a checkpoint of PyTorch's converts as the safetensors file of the same tensors", (t) => {
  const folder = scratch(t);
  const tiny = join(ROOT, "test_data/models/tiny-bf16");
  for (const name of ["config.json", "tokenizer.json"]) cpSync(join(tiny, name), join(folder, name));
  cpSync(join(ROOT, "test_data/torch/views.bin"), join(folder, "pytorch_model.bin"));
  const texts = join(folder, "texts.txt");
  writeFileSync(texts, Array.from({ length: 40 }, (_, i) => `good film not bad ${i}`).join("\n"));
  const outputs = ["from-torch", "from-safetensors"].map((name) => join(folder, name));
  for (const more of [["int8"], ["fp16"], ["int4", "--calibration", texts]]) {
    for (const [i, from] of [folder, tiny].entries()) {
      const { status, stderr } = tabsense("convert", from, outputs[i], "--force", "--dtype", ...more);
      assert.equal(status, 0, stderr);
    }
    assert.deepEqual(tensorsOf(outputs[0]), tensorsOf(outputs[1]), more[0]);
  }
});

test("rejects a checkpoint that would execute code, by name", (t) => {
  const folder = scratch(t);
  const [input, output] = ["in.bin", "out"].map((file) => join(folder, file));
  cpSync(join(ROOT, "test_data/torch/module.bin"), input);
  const { status, stderr } = tabsense("convert", input, output, "--dtype", "int8");
  assert.equal(status, 1);
  assert.match(stderr, /^tabsense: weights_header: .*"torch\.nn\.modules\.linear\.Linear".*\.$/m);
  assert.ok(!existsSync(output));
});

for (const [name, content, kind] of [
  ["is empty", "", "not_a_model"],
  ["is a web page", "<!doctype html><html></html>", "not_a_model"],
  ["has a header that lies", Buffer.alloc(64, 0xff), "weights_header"],
  ["is cut off", filesOf()["model.safetensors"].subarray(0, 9000), "weights_length"],
  ["goes on", Buffer.concat([filesOf()["model.safetensors"], Buffer.alloc(4)]), "weights_length"],
]) {
  test(`a file to convert that ${name}`, (t) => {
    const folder = scratch(t);
    const [input, output] = ["in", "out"].map((file) => join(folder, file));
    writeFileSync(input, content);
    const { status, stderr } = tabsense("convert", input, output, "--dtype", "int8");
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^tabsense: ${kind}: .*\\.$`, "m"));
    assert.ok(!existsSync(output), "no half of a file");
    assert.equal(readdirSync(folder).length, 1);
  });
}

test("overwrites a file only with --force, and never the input", (t) => {
  const folder = scratch(t);
  cpSync(TINY, folder, { recursive: true });
  const [input, other, link] = ["model.safetensors", "other", "link"].map((name) => join(folder, name));
  writeFileSync(other, "precious");
  symlinkSync(input, link);
  const content = readFileSync(input);
  for (const [from, to, more, message] of [
    [input, other, [], /other already exists\. .* --force\./],
    [input, input, [], /is the input itself/],
    [input, input, ["--force"], /is the input itself/],
    [folder, link, ["--force"], /is the input itself/],
    [
      link,
      join(folder, "../", folder.split("/").at(-1), "model.safetensors"),
      ["--force"],
      /is the input itself/,
    ],
    [input, folder, ["--force"], /is a folder/],
    [input, "/dev/null", ["--force"], /is not a regular file/],
  ]) {
    const { status, stdout, stderr } = tabsense("convert", from, to, "--dtype", "int8", ...more);
    assert.deepEqual([status, stdout], [1, ""], to);
    assert.match(stderr, /^tabsense: invalid_argument: /);
    assert.match(stderr, message);
  }
  assert.equal(readFileSync(other, "utf8"), "precious");
  assert.ok(content.equals(readFileSync(input)));
  assert.ok(statSync("/dev/null").isCharacterDevice());
  assert.equal(tabsense("convert", input, other, "--dtype", "int8", "--force").status, 0);
  assert.ok(statSync(other).size > 10_000);
});

for (const [name, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  test(`a conversion that ${name} stops says so, and leaves nothing`, async (t) => {
    const folder = scratch(t);
    const source = join(TINY, "model.safetensors");
    // A disk so slow that the signal arrives during the read.
    const slow = join(folder, "slow.mjs");
    writeFileSync(
      slow,
      `
      import fs from "node:fs/promises";
      import { syncBuiltinESMExports } from "node:module";
      const { open } = fs;
      fs.open = async (...args) => {
        const file = await open(...args);
        if (args[0] !== ${JSON.stringify(source)}) return file;
        const read = file.read.bind(file);
        file.read = async (...rest) => (process.stderr.write("read\\n"), await new Promise((resolve) => setTimeout(resolve, 1000)), read(...rest));
        return file;
      };
      syncBuiltinESMExports();
    `,
    );
    const child = spawn(
      process.execPath,
      [
        "--import",
        slow,
        join(ROOT, "dist/cli.js"),
        "convert",
        source,
        join(folder, "out"),
        "--dtype",
        "int8",
      ],
      { cwd: ROOT },
    );
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      if (stderr === "") child.kill(name);
      stderr += text;
    });
    assert.equal(
      await new Promise((resolve) => child.once("close", (status, signal) => resolve(signal ?? status))),
      code,
    );
    assert.match(stderr, new RegExp(`^tabsense: stopped by ${name}\\.$`, "m"));
    assert.deepEqual(readdirSync(folder), ["slow.mjs"]);
  });
}

test("the command classifies", () => {
  const lines = tabsense("classify", "a text", "--model", TINY).stdout.trim().split("\n");
  assert.ok(lines.length >= 2 && lines.every((line) => /^\S+\t[01]\.\d{4}$/.test(line)), lines.join("|"));
  const { stdout } = tabsense("a text", "another", "--model", TINY, "--json", "--top", "1");
  const objects = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    objects.map(({ text, scores }) => [text, scores.length]),
    [
      ["a text", 1],
      ["another", 1],
    ],
  );
});

test("the command explains itself", () => {
  assert.match(tabsense("--help").stdout, /^Usage:/);
  for (const args of [
    [],
    ["--no-such-option"],
    ["convert", "only-one"],
    ["convert", "a", "b", "--dtype", "int3"],
  ]) {
    const { status, stderr } = tabsense(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /^tabsense: .*\n\nUsage:/);
  }
  const failed = tabsense("text", "--model", "/no/such/folder");
  assert.deepEqual([failed.status, /^tabsense: network: /.test(failed.stderr)], [1, true]);
});
