// Files that name other files: each name is a file next to them, or refused. Whatever a shard index, an ONNX
// file or a hub's listing says, nothing outside of the model's folder is read or written.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { asNote } from "../../dist/files/store.js";
import { startHub } from "../common/hub.mjs";
import { scratch, start } from "./command.mjs";
import { INDEX, sharded } from "./sharded.mjs";
import { filesOf, rejects, ROOT, serveModel, TINY } from "./support.mjs";

/** Without a worker, which reads the same way and takes time to start. */
const OPTIONS = { cache: false, worker: false };

/** Names that lead out of a folder, in the ways of paths, URLs and shells. */
const ESCAPES = [
  "../secret.safetensors",
  "a/../../secret.safetensors",
  "./../secret.safetensors",
  "/secret.safetensors",
  "//127.0.0.1:9/secret.safetensors",
  "..\\secret.safetensors",
  "C:\\secret.safetensors",
  "\\\\host\\share\\secret.safetensors",
  "%2e%2e%2fsecret.safetensors",
  "..%2fsecret.safetensors",
  "..%5csecret.safetensors",
  "%252e%252e/secret.safetensors",
  "file:///secret.safetensors",
  "http://127.0.0.1:9/secret.safetensors",
  "data:,secret.safetensors",
  "secret.safetensors?a=.safetensors",
  "secret.safetensors#.safetensors",
  "..;/secret.safetensors",
  "~/secret.safetensors",
  "$HOME.safetensors",
  "$&secret.safetensors",
  "\u2024\u2024/secret.safetensors",
  "..\u2215secret.safetensors",
  "secret\0.safetensors",
  "\nsecret.safetensors",
  "",
  ".",
  "..",
];

/** The tiny model in several files, with an index that also names `name`. */
function indexed(name) {
  const files = sharded(2);
  const index = JSON.parse(new TextDecoder().decode(files[INDEX]));
  index.weight_map["further.weight"] = name;
  return { ...files, [INDEX]: new TextEncoder().encode(JSON.stringify(index)) };
}

/**
 * Writes files to a folder two levels down. The folders above have weights that would load: a name that leads
 * there would be read.
 */
function nested(t, files) {
  const { folder, path } = scratch(t);
  const model = path("models/mine");
  mkdirSync(model, { recursive: true });
  const secret = filesOf()["model.safetensors"];
  for (const outside of ["", "models"]) writeFileSync(join(folder, outside, "secret.safetensors"), secret);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(model, name)), { recursive: true });
    writeFileSync(join(model, name), bytes);
  }
  return { folder, model };
}

const failed = async (args) => {
  const { how, stderr } = await start(args).ended;
  assert.equal(how, 1, stderr);
  return stderr;
};

test("an index of shards can't name files elsewhere: in a folder, on a server, passed", async (t) => {
  for (const name of ESCAPES) {
    const files = indexed(name);
    const { model } = nested(t, files);
    const { url, requests } = await serveModel(t, files);
    for (const source of [model, url, { ...files, [name || "x"]: filesOf()["model.safetensors"] }])
      await rejects("weights_header", Classifier.load(source, OPTIONS), /which is not a safetensors file/);
    assert.deepEqual(
      requests.filter((path) => path.includes("secret") || !path.startsWith("/model/")),
      [],
      name,
    );
  }
});

/** An ONNX file that calls its external data file `name`. */
function external(name) {
  const file = readFileSync(join(ROOT, "test_data/onnx/mini-bert-external.onnx")).toString("latin1");
  const data = "mini-bert-external.onnx_data";
  assert.ok(file.includes(data) && name.length <= data.length, name);
  // The string is preceded by its length, so the name is padded to the same length.
  const { "model.safetensors": _, ...small } = filesOf(join(ROOT, "test_data/models/mini-bert"));
  const filled = name.padEnd(data.length, "x");
  return {
    files: { ...small, "onnx/model.onnx": Buffer.from(file.replaceAll(data, filled), "latin1") },
    filled,
  };
}

test("an ONNX file can't name data elsewhere: in a folder, on a server, for the command", async (t) => {
  for (const name of [
    "../secret",
    "/secret",
    "a/../../secret",
    "..\\secret",
    "%2e%2e/secret",
    "c:\\secret",
    "..",
    "x?y",
    "\0",
  ]) {
    const { files, filled } = external(name);
    const { model } = nested(t, files);
    const { url, requests } = await serveModel(t, files);
    for (const source of [model, url])
      await rejects(
        "weights_header",
        Classifier.load(source, OPTIONS),
        /not a file (in the same folder|next to it)/,
      );
    assert.deepEqual(
      requests.filter((path) => /secret|\.\./.test(path)),
      [],
      filled,
    );
    const out = join(model, "out.safetensors");
    const message = await failed(["convert", join(model, "onnx/model.onnx"), out, "--dtype", "int8"]);
    assert.match(message, /^tabsense: weights_header: .*not a file (in the same folder|next to it)/);
    assert.ok(!existsSync(out));
  }
});

test("info and convert don't follow an index to files elsewhere", async (t) => {
  for (const name of [
    "../secret.safetensors",
    "/secret.safetensors",
    "..\\secret.safetensors",
    "%2e%2e%2fsecret.safetensors",
  ]) {
    const { folder, model } = nested(t, indexed(name));
    const out = join(folder, "out.safetensors");
    for (const args of [
      ["info", model],
      ["convert", model, out, "--dtype", "int8"],
    ])
      assert.match(
        await failed(args),
        /^tabsense: weights_header: .*which is not a safetensors file in the same folder/,
      );
    assert.ok(!existsSync(out));
  }
});

test("a hub's listing selects known names only", async (t) => {
  const hub = await startHub({ "org/model": { files: filesOf() } });
  t.after(() => hub.close());
  for (const source of ["org/model@..", "org/model@.", "../model", "org/..", "org/../x"])
    await assert.rejects(
      Classifier.load(source, { hub: hub.url, cache: false }),
      { name: "TabsenseError" },
      source,
    );
  for (const subfolder of ["..", "../onnx", "/onnx", "a/../b", "a//b", "a\\b", "."])
    await rejects("invalid_argument", Classifier.load("org/model", { hub: hub.url, subfolder }), /subfolder/);
  for (const modelFileName of ["../model", "a/b", "..", "/model"])
    await rejects(
      "invalid_argument",
      Classifier.load("org/model", { hub: hub.url, modelFileName }),
      /modelFileName/,
    );
});

test("a note of the cache can't name files outside the cache", () => {
  const entry = { url: "u", bytes: 1, checksum: "c", version: {}, body: "m3abc-x1" };
  const note = (body) => asNote({ key: "k", stored: 1, files: [{ ...entry, body }] });
  assert.ok(note("m3abc-x1") && note(""));
  for (const body of ["../x-y", "a/b-c", "a-b/../c", "..", "a\\b-c", "a-b.bin", "A-B"])
    assert.equal(note(body), null, body);
});

test("a link in the model's own folder is followed, as caches of Python's libraries have them", {
  skip: process.platform === "win32",
}, async (t) => {
  const { path } = scratch(t);
  mkdirSync(path("model"));
  for (const name of ["config.json", "tokenizer.json", "model.safetensors"])
    symlinkSync(join(TINY, name), join(path("model"), name));
  const classifier = await Classifier.load(path("model"));
  assert.equal((await classifier.classify("a text")).length, 1);
  await classifier.dispose();
});

test("temporary files don't follow existing links", {
  skip: process.platform === "win32",
}, async (t) => {
  const { folder, path, write } = scratch(t);
  mkdirSync(path("elsewhere"));
  /** Runs the command while a link exists under the temporary name of its output. */
  const beside = async (to, out, args) => {
    // The name contains the process id, which an attacker could guess.
    const link = `import { symlinkSync } from "node:fs";
      symlinkSync(${JSON.stringify(to)}, \`${path(out)}.\${process.pid}.tmp\`);`;
    const node = ["--import", `data:text/javascript,${encodeURIComponent(link)}`];
    const { how, stderr } = await start(["convert", TINY, path(out), ...args], { node }).ended;
    assert.equal(how, 0, stderr);
  };
  await beside(write("precious", "mine"), "out.safetensors", ["--dtype", "int8"]);
  assert.equal(readFileSync(path("precious"), "utf8"), "mine");
  const texts = write("texts.txt", "a text of some words\n");
  await beside(path("elsewhere"), "pruned", ["--vocabulary", texts, "--keep", "600"]);
  assert.deepEqual(readdirSync(path("elsewhere")), []);
  assert.deepEqual(readdirSync(folder).sort(), [
    "elsewhere",
    "out.safetensors",
    "precious",
    "pruned",
    "texts.txt",
  ]);
});
