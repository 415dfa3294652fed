// `tabsense convert --dtype int4`: quantization with calibration texts.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, TabsenseError } from "tabsense";
import { textsOf } from "../../dist/api/texts.js";
import { withVocabTxt } from "./older.mjs";
import { CLI, scratch, tabsense } from "./random-model.mjs";

/** The size of the encoder's matrices and their scales, in bytes. */
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
    // From a folder, or from a file in it.
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
    assert.match(stderr, /only \d+ tokens/);
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

test("an empty text changes nothing for others", (t) => {
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
  // tokenizer_config.json is respected, as when the model is loaded.
  writeFileSync(join(model, "tokenizer_config.json"), '{"model_max_length": 5}');
  assert.equal(rounded("cut").tokens, String(60 * 5));
});

/** Replaces the model's weights by int8 weights. */
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
    "with tables, of which there is none for int8",
    ({ args }) => args.splice(4, 3, "int8", "--tables", "int4"),
    2,
    /--tables is for --dtype int4/,
  ],
  [
    "with tables of another type",
    ({ args }) => args.push("--tables", "q4"),
    2,
    /--tables must be int8 or int4/,
  ],
  [
    "with an empty file of texts",
    ({ folder }) => writeFileSync(join(folder, "texts.txt"), "\n \n"),
    1,
    /^tabsense: invalid_argument: .* has no texts\./,
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
  ["of a file that is int8", int8InPlace, 1, /^tabsense: weights_mismatch: .* is stored as I8: convert /],
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
  // On a fast machine, the conversion may be done by then.
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
    ["", "a.txt", /has no texts/],
    ['{"text": " "}', "a.jsonl", /has no texts/],
    ["{}", "a.jsonl", /^Line 1 of a\.jsonl has no string property/],
    ["null", "a.jsonl", /has no string property/],
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
