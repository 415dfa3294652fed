// The command line: help, exit codes, texts, `info` and `bench`.

import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, ERROR_KINDS } from "tabsense";
import { objects, scratch, start, tabsense } from "./command.mjs";
import { filesOf, ROOT, serveModel, tiny, TINY } from "./support.mjs";

const COMMANDS = ["classify", "convert", "info", "bench"];
const SENTIMENT = join(ROOT, "models/sentiment-en");

test("each command explains itself, and every exit code", () => {
  for (const command of COMMANDS) {
    const { status, stdout, stderr } = tabsense([command, "--help"]);
    assert.deepEqual([status, stderr], [0, ""], command);
    assert.match(stdout, new RegExp(`^Usage: tabsense \\[?${command}`));
    for (const code of [0, 1, 2, 130]) assert.match(stdout, new RegExp(`\\b${code}\\b`));
    assert.equal(tabsense(["help", command]).stdout, stdout);
    assert.ok(
      stdout.split("\n").every((line) => line.length <= 130),
      command,
    );
  }
  const { stdout } = tabsense(["--help"]);
  for (const command of COMMANDS.slice(1)) assert.match(stdout, new RegExp(`tabsense ${command} `));
  assert.equal(tabsense(["help"]).stdout, stdout);
  assert.equal(tabsense(["-h"]).stdout, stdout);
  assert.equal(
    tabsense(["--version"]).stdout.trim(),
    JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version,
  );
});

test("help and command have the same options", () => {
  for (const command of COMMANDS) {
    const named = new Set(
      tabsense([command, "--help"])
        .stdout.match(/--[a-z-]+/g)
        .filter((name) => !["--", "--help"].includes(name)),
    );
    for (const name of named) {
      // An option accepts one of the two forms; the other is refused, but not as unknown.
      for (const form of [name, `${name}=x`])
        assert.doesNotMatch(
          tabsense([command, form, "--threads=x"]).stderr,
          new RegExp(`has no option ${name}\\.|Unknown option`),
          `${command} ${form}`,
        );
    }
    for (const name of ["--column", "--calibration", "--model", "--json", "--resume", "--threads"].filter(
      (name) => !named.has(name),
    )) {
      assert.match(
        tabsense([command, name, "1"]).stderr,
        new RegExp(`^tabsense: ${command} has no option ${name}\\.`),
        `${command} ${name}`,
      );
    }
  }
});

for (const [args, message] of [
  [[], /There is no text to classify/],
  [["--no-such-option"], /Unknown option '--no-such-option'/],
  [["text", "--top", "0"], /--top must be a whole number of at least 1, or all, not "0"/],
  [["text", "--top", "1.5"], /--top must be/],
  [["text", "--threads", "65"], /--threads must be a whole number from 1 to 64/],
  [["text", "--device", "lexicon"], /--device must be one of auto, webgpu, cpu, not "lexicon"/],
  [["text", "--device", "tpu"], /--device must be one of auto, webgpu, cpu, not "tpu"/],
  [["text", "--dtype", "int3"], /--dtype must be one of/],
  [["text", "--dtype", "fp16", "--device", "cpu"], /fp16 needs a graphics card/],
  [["text", "--column", "1"], /--column is for files, and "text" is not one/],
  [["text", "--resume"], /--resume is for files/],
  [["README.md", "a text"], /README\.md is a file, and only one file/],
  [["a.csv", "--delimiter", "ab"], /must be one ASCII character/],
  [["README.md", "--resume", "--force", "--out", "a.jsonl"], /Pass one of them/],
  [["README.md"], /doesn't show its format/],
  [["classify", "a.csv", "--force"], /--force needs --out/],
  [["a.csv", "--out", "b.parquet"], /must end in \.jsonl, \.csv or \.tsv/],
  [["a.csv", "--out", "b.csv", "--json"], /--json writes JSON Lines/],
  [["a.csv", "--format", "xml"], /--format must be one of csv, tsv, jsonl, text, not "xml"/],
  [["convert", "only-one"], /needs two files/],
  [["convert", "a", "b", "--dtype", "int3"], /--dtype must be int8, int4, or fp16/],
  [["info", "a", "b"], /Pass one model/],
  [["bench", "--threads", "1,x"], /--threads must be/],
  [
    ["convert", "a", "b", "--vocabulary", "c", "--keep", "0"],
    /--keep must be a whole number from 1 to 10000000, not "0"/,
  ],
]) {
  test(`rejects the command line: tabsense ${args.join(" ")}`, () => {
    const { status, stdout, stderr } = tabsense(args);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^tabsense: .*\n\nUsage: tabsense/);
    assert.match(stderr, message);
  });
}

for (const [args, kind, message] of [
  [["text", "--model", "/no/such/folder"], "network", /could not be read/],
  [["text", "--model", "no-such-model"], "network", /There is no model no-such-model/],
  [["missing.csv", "--model", TINY], "invalid_argument", /missing\.csv could not be read .*put -- before/],
  [["info", "/no/such/folder"], "network", /could not be read/],
  [["bench", "/no/such/folder"], "network", /could not be read/],
  [
    ["convert", "missing.safetensors", "out", "--dtype", "int8"],
    "network",
    /missing\.safetensors could not be read/,
  ],
  [["convert", "missing", "out", "--dtype", "int8"], "network", /no model missing/],
  [
    ["convert", join(TINY, "model.safetensors"), "/no/such/folder/out", "--dtype", "int8"],
    "environment",
    /A system call failed/,
  ],
]) {
  test(`a failure has its kind: tabsense ${args.join(" ")}`, () => {
    assert.ok(ERROR_KINDS.includes(kind));
    const { status, stdout, stderr } = tabsense(args);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`^tabsense: ${kind}: [^\\n]*\\.\\n$`));
    assert.match(stderr, message);
  });
}

test("treats everything after -- as text", () => {
  const texts = ["info", "README.md", "--top", "classify"];
  const { status, stdout, stderr } = tabsense([
    "classify",
    "--model",
    TINY,
    "--json",
    "--top",
    "1",
    "--",
    ...texts,
  ]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    objects(stdout).map(({ text }) => text),
    texts,
  );
  assert.deepEqual(
    objects(tabsense(["--model", TINY, "--json", "--", "info"]).stdout).map(({ text }) => text),
    ["info"],
  );
});

test("a text's answers are those of the package", async (t) => {
  const classifier = await tiny(t);
  const wanted = await classifier.classify("a text", { topK: null });
  const [{ text, label, score, scores }] = objects(tabsense(["a text", "--model", TINY, "--json"]).stdout);
  assert.deepEqual([text, label, score, scores], ["a text", wanted[0].label, wanted[0].score, wanted]);
  const lines = tabsense(["classify", "a text", "--model", TINY]).stdout.trimEnd().split("\n");
  assert.deepEqual(
    lines,
    wanted.map(({ label, score }) => `${label}\t${score.toFixed(4)}`),
  );
  assert.match(
    tabsense(["word ".repeat(5000), "--model", TINY, "--top", "1"]).stdout,
    /^\S+\t[01]\.\d{4}\n\(cut to the model's maximum length\)\n$/,
  );
});

test("an empty text has no label, which isn't an error", () => {
  for (const text of ["", " \t", "\u200b"]) {
    const { status, stdout, stderr } = tabsense(["--model", TINY, "--", text]);
    assert.deepEqual([status, stdout, stderr], [0, "(no text)\n", ""], JSON.stringify(text));
  }
  const { stdout } = tabsense(["", "a text", "--model", TINY, "--json"]);
  assert.deepEqual(objects(stdout)[0], { text: "", label: "", score: null, scores: [] });
  assert.equal(objects(stdout)[1].scores.length, 3);
});

test("info shows what the package knows about a model, without loading it", async (t) => {
  for (const folder of [TINY, SENTIMENT]) {
    const { status, stdout, stderr } = tabsense(["info", folder, "--json"]);
    assert.equal(status, 0, stderr);
    const shown = JSON.parse(stdout);
    const classifier = await Classifier.load(folder);
    t.after(() => classifier.dispose());
    const { model, bytes } = classifier.info;
    for (const key of ["name", "layers", "width", "heads", "vocabulary", "maxTokens", "parameters", "labels"])
      assert.deepEqual(shown[key], model[key], key);
    assert.deepEqual(
      [shown.bytes, shown.runs, shown.architecture],
      [bytes.weights, true, "DistilBertForSequenceClassification"],
    );
    const inTensors = Object.values(shown.tensors).reduce((sum, { bytes }) => sum + bytes, 0);
    // The tensors of a compressed file are larger than the file.
    const maxRatio = folder === SENTIMENT ? 1.2 : 1;
    assert.ok(inTensors > 0.9 * shown.bytes && inTensors < maxRatio * shown.bytes);
  }
  const { stdout } = tabsense(["info", SENTIMENT]);
  assert.match(stdout, /^model {9}sentiment-en$/m);
  assert.match(stdout, /^labels {8}NEGATIVE, NEUTRAL, POSITIVE$/m);
  assert.match(stdout, /^tensors .* U8 \(8,\d{3},\d{3} bytes\)/m);
  assert.equal(tabsense(["info"]).stdout, stdout, "the model of the repository is the default");
});

test("info shows licence and languages, also for unsupported models", (t) => {
  const { folder } = scratch(t);
  cpSync(TINY, folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(TINY, "config.json"), "utf8"));
  const outputOf = (more) => {
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, ...more }));
    return tabsense(["info", folder, ...(more.text ? [] : ["--json"])]).stdout;
  };
  const { languages, licence } = JSON.parse(outputOf({ license: "mit", language: ["en", "de"] }));
  assert.deepEqual([languages, licence], [["en", "de"], "mit"]);
  const t5 = JSON.parse(
    outputOf({
      model_type: "t5",
      architectures: ["T5ForSequenceClassification"],
      dim: undefined,
      hidden_size: 128,
    }),
  );
  assert.deepEqual([t5.runs, t5.architecture, t5.width], [false, "T5ForSequenceClassification", 128]);
  assert.match(
    outputOf({ model_type: "t5", architectures: ["T5Model"], text: true }),
    /T5Model, which is not supported/,
  );
});

test("info knows the supported architectures, and the positions that no token uses", (t) => {
  const rust = readFileSync(join(ROOT, "src/model/architecture.rs"), "utf8");
  const table = /READERS: .*?= \[(.*?)\];/s.exec(rust)[1];
  const types = [...table.matchAll(/"(.+?)"/g)].map(([, type]) => type);
  assert.ok(types.length >= 7 && types.includes("distilbert"));
  const { folder } = scratch(t);
  cpSync(TINY, folder, { recursive: true });
  const infoOf = (config) => {
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    return JSON.parse(tabsense(["info", folder, "--json"]).stdout);
  };
  for (const model_type of types) {
    const { runs, width, maxTokens } = infoOf({ model_type });
    const behindPadding = /roberta|camembert|data2vec|mpnet/.test(model_type);
    assert.deepEqual(
      [runs, width, maxTokens],
      [true, model_type === "electra" ? 256 : 768, behindPadding ? 510 : 512],
      model_type,
    );
  }
  assert.equal(
    infoOf({ model_type: "roberta", max_position_embeddings: 514, pad_token_id: 1 }).maxTokens,
    512,
  );
});

test("info only requests the start of the weights", async (t) => {
  const files = filesOf(SENTIMENT);
  const weights = files["model.safetensors"];
  for (const ranges of [true, false]) {
    let sent = 0;
    const asked = [];
    const { url } = await serveModel(t, files, {
      "model.safetensors": (request, response) => {
        asked.push(request.headers.range);
        const [, to] = /^bytes=0-(\d+)$/.exec(request.headers.range).map(Number);
        const body = ranges ? weights.subarray(0, to + 1) : weights;
        response.writeHead(ranges ? 206 : 200, {
          "content-length": body.length,
          ...(ranges && { "content-range": `bytes 0-${to}/${weights.length}` }),
        });
        // In pieces, so that a reader can stop once it has enough.
        const next = (at) => {
          if (at >= body.length || response.destroyed) return response.end();
          const piece = body.subarray(at, at + 65_536);
          sent += piece.length;
          response.write(piece, () => setImmediate(next, at + piece.length));
        };
        next(0);
      },
    });
    const shown = JSON.parse((await start(["info", url, "--json"]).ended).stdout);
    assert.deepEqual(
      [shown.bytes, shown.parameters > 17e6, asked],
      [weights.length, true, ["bytes=0-65535"]],
    );
    assert.ok(sent < (ranges ? 70_000 : weights.length / 2), `${sent} bytes`);
  }
});

test("info rejects files that aren't weights", async (t) => {
  const { folder } = scratch(t);
  for (const [name, content] of [
    ["a web page", "<!doctype html><html></html>"],
    ["a pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"],
    ["nothing", ""],
    ["cut", filesOf()["model.safetensors"].subarray(0, 100)],
    ["no JSON", Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("abcd")])],
  ]) {
    cpSync(TINY, folder, { recursive: true });
    writeFileSync(join(folder, "model.safetensors"), content);
    const { status, stderr } = tabsense(["info", folder]);
    assert.equal(status, 1, name);
    assert.match(stderr, /^tabsense: weights_header: .*model\.safetensors/, name);
    assert.doesNotMatch(stderr, /abcd|html|oid/, "nothing of the file is repeated");
  }
  cpSync(TINY, folder, { recursive: true });
  for (const content of ["[1]", "{", "secret words"]) {
    writeFileSync(join(folder, "config.json"), content);
    const { stderr } = tabsense(["info", folder]);
    assert.match(stderr, /^tabsense: config_invalid: config\.json is not (a JSON object|JSON): /);
    assert.doesNotMatch(stderr, /secret/, "nothing of the file is repeated");
  }
});

test("bench measures the given dtypes and threads", () => {
  const { status, stdout, stderr } = tabsense([
    "bench",
    TINY,
    "--json",
    "--dtype",
    "fp32,int8",
    "--threads",
    "1",
  ]);
  assert.deepEqual([status, stderr], [0, ""]);
  const { model, processors, results } = JSON.parse(stdout);
  assert.deepEqual(
    [model, processors >= 1, results.map(({ dtype, threads }) => [dtype, threads])],
    [
      "tiny-f32",
      true,
      [
        ["fp32", 1],
        ["int8", 1],
      ],
    ],
  );
  for (const { load, latency, textsPerSecond } of results) {
    assert.ok(load > 0 && textsPerSecond > 0);
    for (const { p50, p90, calls } of latency) assert.ok(p50 > 0 && p90 >= p50 && calls >= 5);
  }
});

test("bench prints a table within its time", () => {
  const begun = performance.now();
  const { status, stdout, stderr } = tabsense(["bench", "--threads", "1"]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.ok(performance.now() - begun < 30_000);
  // Newer versions of Node have relaxed SIMD, with which int4 stays as it is.
  assert.match(
    stdout,
    /^sentiment-en on .+, Node [\d.]+\nweights +threads +load +16 tokens +32 tokens +128 tokens +many\nint[48] +1 +\d+ ms( +[\d.]+ \/ [\d.]+ ms){3} +[\d.]+ texts\/s\n/,
  );
});
