// `tabsense convert --dtype int4`: what calibration texts make of a model.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, TabsenseError } from "tabsense";
import { seeded } from "../../bench/random.mjs";
import { textsOf } from "../../dist/api/texts.js";
import { withVocabTxt } from "./older.mjs";
import { ROOT, TINY } from "./support.mjs";

const CLI = join(ROOT, "dist/cli.js");
const SHAPE = { dim: 64, hidden_dim: 128, n_heads: 4, n_layers: 2 };

function tabsense(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { status, stdout, stderr };
}

/** A folder with a random model of widths that int4 takes, and texts of its vocabulary. */
function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const model = join(folder, "model");
  mkdirSync(model);
  const config = { ...readJson("config.json"), ...SHAPE };
  writeFileSync(join(model, "config.json"), JSON.stringify(config));
  cpSync(join(TINY, "tokenizer.json"), join(model, "tokenizer.json"));
  writeFileSync(join(model, "model.safetensors"), randomWeights(config));
  const words = Object.keys(readJson("tokenizer.json").model.vocab).filter((word) => /^[a-z]+$/.test(word));
  const random = seeded(5);
  const texts = Array.from({ length: 60 }, () =>
    Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]).join(" "),
  );
  writeFileSync(join(folder, "texts.txt"), texts.join("\n"));
  return { folder, model, texts };
}

function readJson(name) {
  return JSON.parse(readFileSync(join(TINY, name), "utf8"));
}

function randomWeights({ vocab_size, max_position_embeddings, dim, hidden_dim, n_layers, id2label }) {
  const random = seeded(1);
  const header = {};
  const parts = [];
  let at = 0;
  const add = (name, shape, middle, spread) => {
    const values = Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => middle + spread * (2 * random() - 1),
    );
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += values.byteLength)] };
    parts.push(Buffer.from(values.buffer));
  };
  const norm = (name) => (add(`${name}.weight`, [dim], 1, 0.1), add(`${name}.bias`, [dim], 0, 0.1));
  const linear = (name, rows, columns) => (
    add(`${name}.weight`, [rows, columns], 0, 2 / Math.sqrt(columns)), add(`${name}.bias`, [rows], 0, 0.1)
  );
  add("distilbert.embeddings.word_embeddings.weight", [vocab_size, dim], 0, 0.5);
  add("distilbert.embeddings.position_embeddings.weight", [max_position_embeddings, dim], 0, 0.1);
  norm("distilbert.embeddings.LayerNorm");
  for (let i = 0; i < n_layers; i++) {
    const layer = `distilbert.transformer.layer.${i}`;
    for (const name of ["q_lin", "k_lin", "v_lin", "out_lin"]) linear(`${layer}.attention.${name}`, dim, dim);
    norm(`${layer}.sa_layer_norm`);
    linear(`${layer}.ffn.lin1`, hidden_dim, dim);
    linear(`${layer}.ffn.lin2`, dim, hidden_dim);
    norm(`${layer}.output_layer_norm`);
  }
  linear("pre_classifier", dim, dim);
  linear("classifier", Object.keys(id2label).length, dim);
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

/** Bytes of the encoder's matrices and their scales. */
function encoderBytes(path) {
  const file = readFileSync(path);
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString());
  const matrices = Object.entries(header).filter(([name]) =>
    /layer\.\d+\..*(lin|lin1|lin2)\.weight(_scale)?$/.test(name),
  );
  return matrices.reduce(
    (
      sum,
      [
        ,
        {
          data_offsets: [from, to],
        },
      ],
    ) => sum + to - from,
    0,
  );
}

for (const form of ["a file of lines", "JSON Lines"]) {
  test(`a model rounded to int4 with ${form} classifies like its original`, async (t) => {
    const { folder, model, texts } = scratch(t);
    const rounded = join(folder, "int4");
    mkdirSync(rounded);
    for (const name of ["config.json", "tokenizer.json"]) cpSync(join(model, name), join(rounded, name));
    const jsonl = join(folder, "texts.jsonl");
    writeFileSync(jsonl, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    // A folder, and a file in it.
    const [input, calibration] =
      form === "JSON Lines" ? [model, jsonl] : [join(model, "model.safetensors"), join(folder, "texts.txt")];
    const { status, stdout, stderr } = tabsense(
      "convert",
      input,
      join(rounded, "model.safetensors"),
      "--dtype",
      "int4",
      "--calibration",
      calibration,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^calibrated with 60 texts, \d+ tokens$/m);
    assert.match(stderr, /tokens are few/);
    assert.deepEqual(
      readdirSync(rounded).sort(),
      ["config.json", "model.safetensors", "tokenizer.json"],
      "no temporary file stays",
    );

    const int8 = join(folder, "int8.safetensors");
    assert.equal(tabsense("convert", model, int8, "--dtype", "int8").status, 0);
    assert.ok(encoderBytes(join(rounded, "model.safetensors")) <= 0.6 * encoderBytes(int8));

    const [mine, original] = await Promise.all([rounded, model].map((path) => Classifier.load(path)));
    t.after(() => Promise.all([mine.dispose(), original.dispose()]));
    assert.equal(mine.info.dtype, mine.info.build.startsWith("relaxed") ? "int4" : "int8");
    const [answers, wanted] = await Promise.all(
      [mine, original].map((c) => c.classify(texts.slice(0, 20), { topK: null })),
    );
    for (const [i, scores] of wanted.entries()) {
      for (const { label, score } of scores) {
        const other = answers[i].find((candidate) => candidate.label === label).score;
        assert.ok(Math.abs(other - score) < 0.1, `${texts[i]}: ${label} ${other} for ${score}`);
      }
    }
  });
}

test("a text of nothing among others changes nothing", (t) => {
  const { folder, model, texts } = scratch(t);
  const made = [texts, [texts[0], "\u200b", ...texts.slice(1), "\ufffd"]].map((lines, i) => {
    const [output, calibration] = [`out-${i}`, `texts-${i}.txt`].map((name) => join(folder, name));
    writeFileSync(calibration, lines.join("\n"));
    const { status, stdout, stderr } = tabsense(
      "convert",
      model,
      output,
      "--dtype",
      "int4",
      "--calibration",
      calibration,
    );
    assert.equal(status, 0, stderr);
    return { tokens: /(\d+) tokens$/m.exec(stdout)[1], bytes: readFileSync(output) };
  });
  assert.equal(made[0].tokens, made[1].tokens);
  assert.equal(made[0].bytes.length, made[1].bytes.length);
});

test("a model with vocab.txt is rounded as with tokenizer.json", (t) => {
  const { folder, model } = scratch(t);
  const rounded = (name) => {
    const output = join(folder, name);
    const texts = join(folder, "texts.txt");
    const { status, stdout, stderr } = tabsense(
      ...["convert", model, output, "--dtype", "int4", "--calibration", texts],
    );
    assert.equal(status, 0, stderr);
    return { tokens: /(\d+) tokens$/m.exec(stdout)[1], bytes: readFileSync(output) };
  };
  const wanted = rounded("wanted");
  const older = withVocabTxt({ "tokenizer.json": readFileSync(join(model, "tokenizer.json")) });
  rmSync(join(model, "tokenizer.json"));
  for (const [name, bytes] of Object.entries(older)) writeFileSync(join(model, name), bytes);
  assert.deepEqual(rounded("older"), wanted);
  // What tokenizer_config.json says counts, as when the model is loaded.
  writeFileSync(join(model, "tokenizer_config.json"), '{"model_max_length": 5}');
  assert.equal(rounded("cut").tokens, String(60 * 5));
});

/** Takes the model's weights for those in int8. */
function int8InPlace({ folder, model }) {
  const small = join(folder, "small.safetensors");
  tabsense("convert", model, small, "--dtype", "int8");
  renameSync(small, join(model, "model.safetensors"));
}

for (const [name, spoil, status, message] of [
  [
    "without texts",
    ({ args }) => args.splice(-2),
    2,
    /--dtype int4 needs --calibration TEXTS: .*4000 tokens/,
  ],
  ["to int8 with texts", ({ args }) => (args[4] = "int8"), 2, /--calibration is for --dtype int4/],
  [
    "with an empty file of texts",
    ({ folder }) => writeFileSync(join(folder, "texts.txt"), "\n \n"),
    1,
    /^tabsense: invalid_argument: .* holds no text\./,
  ],
  [
    "with texts of nothing",
    ({ folder }) => writeFileSync(join(folder, "texts.txt"), "\u200b\n\ufffd\n"),
    1,
    /^tabsense: invalid_argument: There is no calibration text: /,
  ],
  [
    "with texts that are not there",
    ({ folder }) => rmSync(join(folder, "texts.txt")),
    1,
    /^tabsense: invalid_argument: .*texts\.txt could not be read /,
  ],
  [
    "of a folder without tokenizer.json",
    ({ model }) => rmSync(join(model, "tokenizer.json")),
    1,
    /^tabsense: \w+: .*tokenizer\.json.* the tokenizer is read from vocab\.txt, which is missing, too\./,
  ],
  [
    "of a file that is int8",
    int8InPlace,
    1,
    /^tabsense: weights_mismatch: .* is stored as I8: give the converter /,
  ],
  [
    "of a file that is cut off",
    ({ model }) =>
      writeFileSync(
        join(model, "model.safetensors"),
        readFileSync(join(model, "model.safetensors")).subarray(0, 90_000),
      ),
    1,
    /^tabsense: weights_length: /,
  ],
]) {
  test(`a conversion to int4 ${name} says what to do`, (t) => {
    const place = scratch(t);
    const output = join(place.folder, "out.safetensors");
    const args = [
      "convert",
      place.model,
      output,
      "--dtype",
      "int4",
      "--calibration",
      join(place.folder, "texts.txt"),
    ];
    spoil({ ...place, args });
    const result = tabsense(...args);
    assert.equal(result.status, status, result.stderr);
    assert.match(result.stderr, message);
    assert.ok(!readdirSync(place.folder).some((file) => file.startsWith("out")), "no half of a file");
  });
}

test("a conversion that is interrupted leaves nothing", async (t) => {
  const { folder, model } = scratch(t);
  const output = join(folder, "out.safetensors");
  const child = spawn(
    process.execPath,
    [CLI, "convert", model, output, "--dtype", "int4", "--calibration", join(folder, "texts.txt")],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  const timer = setTimeout(() => child.kill("SIGINT"), 200);
  const how = await ended;
  clearTimeout(timer);
  // On a fast machine it may be done by then.
  if (how === 0) return assert.ok(statSync(output).size > 0);
  assert.ok(how === "SIGINT" || how === 130, String(how));
  assert.deepEqual(readdirSync(folder).sort(), ["model", "texts.txt"]);
});

test("texts are read by the line, or as JSON Lines by the file's name", () => {
  assert.deepEqual(textsOf('\ufeffone\r\n\r\n{"text": "two"}\n', "a.txt"), ["one", '{"text": "two"}']);
  assert.deepEqual(textsOf('{"text": "one", "label": 1}\n\n{"text": "two\\nlines"}', "a.JSONL"), [
    "one",
    "two\nlines",
  ]);
  for (const [content, name, message] of [
    ["", "a.txt", /holds no text/],
    ['{"text": " "}', "a.jsonl", /holds no text/],
    ["{}", "a.jsonl", /^Line 1 of a\.jsonl has no property/],
    ["null", "a.jsonl", /has no property/],
    ['{"text": "a"}\n{"text"', "a.ndjson", /^Line 2 of a\.ndjson is not JSON/],
  ]) {
    assert.throws(
      () => textsOf(content, name),
      (error) =>
        error instanceof TabsenseError && error.kind === "invalid_argument" && message.test(error.message),
      content,
    );
  }
});
