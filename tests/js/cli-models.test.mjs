// `info` and `convert` on a model of each architecture, on other models, and on non-classifiers.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, Embedder } from "tabsense";
import { scratch, start, tabsense } from "./command.mjs";
import { olderFolders } from "./older.mjs";
import { ROOT, serveModel } from "./support.mjs";

const MODELS = join(ROOT, "test_data/models");
const HEAD = /^(pre_classifier|classifier|(bert\.)?pooler)\./;
const RUNS = [
  "bert",
  "camembert",
  "data2vec-text",
  "distilbert",
  "electra",
  "mpnet",
  "roberta",
  "xlm-roberta",
];

const configOf = (name) => JSON.parse(readFileSync(join(MODELS, name, "config.json"), "utf8"));
const infoOf = (folder) => {
  const { status, stdout, stderr } = tabsense(["info", folder, "--json"]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
};

/** The safetensors file without the tensors that `drops` names. */
function without(weights, drops) {
  const length = Number(weights.readBigUInt64LE());
  const header = JSON.parse(weights.subarray(8, 8 + length));
  const parts = [];
  let at = 0;
  for (const [name, tensor] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (drops.test(name)) {
      delete header[name];
      continue;
    }
    const [start, end] = tensor.data_offsets;
    parts.push(weights.subarray(8 + length + start, 8 + length + end));
    tensor.data_offsets = [at, (at += end - start)];
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...parts]);
}

test("there is a model of each architecture", () => {
  const types = readdirSync(MODELS).map((name) => configOf(name).model_type);
  assert.deepEqual([...new Set(types)].sort(), RUNS);
});

for (const name of readdirSync(MODELS)) {
  test(`info and convert: ${name}`, async (t) => {
    const { folder, path } = scratch(t);
    const { architectures, id2label } = configOf(name);
    const original = await Classifier.load(join(MODELS, name), { device: "cpu" });
    t.after(() => original.dispose());
    const { maxTokens, parameters, vocabulary } = original.info.model;
    const info = infoOf(join(MODELS, name));
    assert.deepEqual(
      [info.architecture, info.runs, info.labels, info.tokenizer],
      [architectures[0], true, Object.values(id2label), { kind: "WordPiece", files: ["tokenizer.json"] }],
    );
    assert.deepEqual([info.maxTokens, info.parameters, info.vocabulary], [maxTokens, parameters, vocabulary]);
    const { stdout } = tabsense(["info", join(MODELS, name)]);
    assert.match(stdout, new RegExp(`^architecture +${architectures[0]}$`, "m"));
    assert.match(stdout, /^tokenizer +WordPiece, from tokenizer\.json$/m);

    const text = "The film was good, and not great.";
    const wanted = new Map(
      (await original.classify(text, { topK: null })).map(({ label, score }) => [label, score]),
    );
    for (const [dtype, tolerance] of [
      ["fp16", 5e-3], // PyTorch's error on tiny-f32 with its weights rounded to fp16: 2.7e-3
      ["int8", 2e-2],
    ]) {
      mkdirSync(path(dtype));
      for (const file of ["config.json", "tokenizer.json"])
        cpSync(join(MODELS, name, file), join(folder, dtype, file));
      const output = join(folder, dtype, "model.safetensors");
      const { status, stderr } = tabsense(["convert", join(MODELS, name), output, "--dtype", dtype]);
      assert.deepEqual([status, stderr], [0, ""], dtype);
      const classifier = await Classifier.load(join(folder, dtype), { device: "cpu" });
      t.after(() => classifier.dispose());
      for (const { label, score } of await classifier.classify(text, { topK: null }))
        assert.ok(Math.abs(score - wanted.get(label)) <= tolerance, `${dtype} ${label}: ${score}`);
      assert.equal(infoOf(join(folder, dtype)).parameters, parameters, dtype);
    }
  });

  test(`an encoder without a head is converted, and makes the vectors of the original: ${name}`, async (t) => {
    const { folder, path, write } = scratch(t);
    const weights = readFileSync(join(MODELS, name, "model.safetensors"));
    const bare = write("model.safetensors", without(weights, HEAD));
    for (const file of ["config.json", "tokenizer.json"]) cpSync(join(MODELS, name, file), path(file));
    const load = async (source) => {
      const embedder = await Embedder.load(source, { device: "cpu", threads: 1 });
      t.after(() => embedder.dispose());
      return embedder;
    };
    const original = await load(join(MODELS, name));
    const wanted = await original.embed("A text to compare.");
    for (const [dtype, minCosine] of [
      ["int8", 0.98],
      ["fp16", 0.9999],
    ]) {
      const { status, stderr } = tabsense([
        "convert",
        bare,
        path("out.safetensors"),
        "--force",
        "--dtype",
        dtype,
      ]);
      assert.deepEqual([status, stderr], [0, ""], dtype);
      renameSync(path("out.safetensors"), path("model.safetensors"));
      const vector = await (await load(folder)).embed("A text to compare.");
      const cosine = original.similarity(vector, wanted);
      assert.ok(cosine > minCosine, `${dtype}: ${cosine}`);
      write("model.safetensors", without(weights, HEAD));
    }
  });
}

for (const [kind, file] of [
  ["BPE", "bpe.json"],
  ["Unigram", "unigram.json"],
]) {
  test(`info shows a tokenizer of kind ${kind}`, (t) => {
    const { folder } = scratch(t);
    cpSync(join(MODELS, "tiny-roberta"), folder, { recursive: true });
    const model = {
      type: kind,
      ...JSON.parse(readFileSync(join(ROOT, "test_data/tokenizer", file), "utf8")),
    };
    // The part before the model may be long, and may look like it.
    const normalizer = { type: "Precompiled", precompiled_charsmap: '"model":{"type":"X"'.repeat(20_000) };
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ normalizer, model }, null, 2));
    assert.deepEqual(infoOf(folder).tokenizer, { kind, files: ["tokenizer.json"] });
  });
}

test("info shows the older files of a vocabulary, or that there are none", (t) => {
  for (const { name, files } of olderFolders()) {
    const { folder, write } = scratch(t);
    for (const [file, bytes] of Object.entries(files)) write(file, bytes);
    const { tokenizer } = infoOf(folder);
    const of = Object.keys(files).filter((file) => /^(vocab|merges)\.|\.model$/.test(file));
    const kind = of.includes("vocab.txt") ? "WordPiece" : of.includes("vocab.json") ? "BPE" : "Unigram";
    assert.deepEqual([tokenizer.kind, tokenizer.files.toSorted()], [kind, of.toSorted()], name);
  }
  const { folder } = scratch(t);
  for (const file of ["config.json", "model.safetensors"])
    cpSync(join(MODELS, "tiny-bert", file), join(folder, file));
  assert.equal(infoOf(folder).tokenizer, null);
  assert.match(tabsense(["info", folder]).stdout, /^tokenizer +none: there is neither tokenizer\.json nor/m);
});

test("info reads only as much of a server's tokenizer as its kind needs", async (t) => {
  const files = Object.fromEntries(
    ["config.json", "model.safetensors"].map((name) => [name, readFileSync(join(MODELS, "tiny-bert", name))]),
  );
  const whole = Buffer.from(
    `{"model":{"type":"Unigram","vocab":[${'["word",-1],'.repeat(2_000_000)}["end",-2]]}}`,
  );
  let sent = 0;
  const { url } = await serveModel(
    t,
    { ...files, "tokenizer.json": whole },
    {
      "tokenizer.json": (_, response) => {
        response.writeHead(200, { "content-length": whole.length });
        const next = (at) => {
          if (at >= whole.length || response.destroyed) return response.end();
          const piece = whole.subarray(at, at + 65_536);
          sent += piece.length;
          response.write(piece, () => setImmediate(next, at + piece.length));
        };
        next(0);
      },
    },
  );
  const { how, stdout, stderr } = await start(["info", url, "--json"]).ended;
  assert.equal(how, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).tokenizer, { kind: "Unigram", files: ["tokenizer.json"] });
  assert.ok(sent < whole.length / 2, `${sent} of ${whole.length} bytes`);
});

test("names the supported models for another kind, in classify and info", (t) => {
  const { folder } = scratch(t);
  cpSync(join(MODELS, "tiny-bert"), folder, { recursive: true });
  const config = {
    ...configOf("tiny-bert"),
    model_type: "t5",
    architectures: ["T5ForSequenceClassification"],
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const { status, stderr } = tabsense(["a text", "--model", folder]);
  assert.equal(status, 1);
  const names = RUNS.map((type) => `(?=.*\\b${type}\\b)`).join("");
  assert.match(
    stderr,
    new RegExp(`^tabsense: config_unsupported: config\\.json has model_type "t5", ${names}`),
  );
  const { stdout } = tabsense(["info", folder]);
  assert.match(
    stdout,
    new RegExp(
      `^architecture +T5ForSequenceClassification, which is not supported\\. Supported: ${RUNS.join(", ")}$`,
      "m",
    ),
  );
});
