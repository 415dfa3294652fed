// `tabsense classify FILE`: input and output formats, columns that rows keep, rows that can't be classified.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { stringify } from "csv-stringify/sync";
import { parse } from "csv-parse/sync";
import { classified, classify, objects, scratch, start } from "./command.mjs";
import { filesOf, rounded, serveModel, tiny, TINY } from "./support.mjs";

/** Texts with everything that CSV has to quote, and more. */
const TEXTS = [
  "plain",
  'a "quoted" word',
  "one, two; three",
  "two\nlines",
  "two\r\nlines",
  "a lone\rreturn",
  "naïve café 🎉",
  " spaces around ",
  "tab\there",
  '"',
  "last",
];

for (const [name, options, args] of [
  ["as the standard has it", { record_delimiter: "windows" }, []],
  ["of semicolons", { delimiter: ";" }, ["--delimiter", ";"]],
  ["with a byte order mark", { bom: true }, []],
  ["all quoted", { quoted: true }, []],
]) {
  test(`CSV ${name}: rows keep what they hold, and get the package's answers`, async (t) => {
    const { path, write } = scratch(t);
    const rows = TEXTS.map((text, i) => [String(i), text, i % 2 ? "yes" : ""]);
    const input = write(
      "in.csv",
      stringify([["id", "review", "flag"], ...rows], { quoted_match: /[\r\n]/, ...options }),
    );
    classified([input, "--column", "review", "--out", path("out.jsonl"), ...args]);
    const wanted = await (await tiny(t)).classify(TEXTS);
    const found = objects(readFileSync(path("out.jsonl"), "utf8"));
    assert.deepEqual(
      found.map(({ id, review, flag }) => [id, review, flag]),
      rows,
    );
    assert.deepEqual(rounded(found), rounded(wanted.map(([best]) => best)));
    classified([input, "--column", "2", "--out", path("out.csv"), ...args]);
    const [header, ...lines] = parse(readFileSync(path("out.csv")), { delimiter: options.delimiter ?? "," });
    assert.deepEqual(header, ["id", "review", "flag", "label", "score"]);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 3)),
      rows,
    );
    assert.deepEqual(
      rounded(lines.map(([, , , label, score]) => ({ label, score: Number(score) }))),
      rounded(found),
    );
  });
}

test("CSV with mixed line endings", (t) => {
  const { write } = scratch(t);
  for (const ends of [
    ["\r\n", "\n", "\r\n"],
    ["\n", "\r\n", "\r\n"],
    ["\r", "\n", "\r\n"],
    ["\r", "\r", ""],
  ]) {
    const input = write("in.csv", `text${ends[0]}one${ends[1]}"two"${ends[2]}`);
    assert.deepEqual(
      objects(classified([input]).stdout).map(({ text }) => text),
      ["one", "two"],
      JSON.stringify(ends),
    );
  }
});

test("JSON Lines keep every byte of their rows", (t) => {
  const { write, path } = scratch(t);
  const rows = [
    '{"id": 12345678901234567890, "body": "first"}',
    '{ "body":"second\\u00e9", "deep": {"a": [1, 2.50]} , "__proto__": 1 }',
    '{"2":0,"1":0,"body":"third"}',
  ];
  const input = write("in.jsonl", `\uFEFF${rows[0]}\r\n\r\n  ${rows[1]}\n${rows[2]}`);
  const lines = classified([input, "--column", "body"]).stdout.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  for (const [i, line] of lines.entries()) {
    assert.ok(line.startsWith(rows[i].slice(0, -1).trimEnd()), line);
    assert.deepEqual(Object.keys(JSON.parse(line)).slice(-2), ["label", "score"]);
  }
  classified([
    write("flat.ndjson", '{"text":"a","n":1,"deep":[1],"none":null}\n{"text":"b","n":true}\n'),
    "--out",
    path("out.tsv"),
  ]);
  assert.deepEqual(
    parse(readFileSync(path("out.tsv")), { delimiter: "\t" }).map((line) => line.slice(0, 4)),
    [
      ["text", "n", "deep", "none"],
      ["a", "1", "[1]", ""],
      ["b", "true", "", ""],
    ],
  );
});

test("lines of text: skips blank lines", async (t) => {
  const { write } = scratch(t);
  const input = write("in.txt", 'one\n\n  \ntwo, "2"\r\nthree');
  const wanted = ["one", 'two, "2"', "three"];
  assert.deepEqual(
    objects(classified([input]).stdout).map(({ text }) => text),
    wanted,
  );
  const [header, ...rows] = parse(classified([input, "--out-format", "csv"]).stdout);
  assert.deepEqual([header, rows.map(([text]) => text)], [["text", "label", "score"], wanted]);
});

test("reads standard input in any format if it is a pipe", (t) => {
  const { write } = scratch(t);
  for (const args of [[], ["-"]])
    assert.deepEqual(
      objects(classified(args, { input: "one\ntwo\n" }).stdout).map(({ text }) => text),
      ["one", "two"],
    );
  assert.deepEqual(
    objects(classified(["-", "--format", "csv"], { input: "id,text\n1,one\n" }).stdout).map(
      ({ id, text }) => [id, text],
    ),
    [["1", "one"]],
  );
  assert.deepEqual(
    objects(classified(["-", "--format", "jsonl"], { input: '{"text":"one"}' }).stdout).map(
      ({ text }) => text,
    ),
    ["one"],
  );
  assert.deepEqual(
    objects(classified([write("noname", "one\n"), "--format", "text", "--json"]).stdout).map(
      ({ text }) => text,
    ),
    ["one"],
  );
  assert.equal(classified(["-"], { input: "" }).stdout, "");
});

test("answers rows of a slow pipe as they arrive", async () => {
  const { child, ended, printed } = start(["classify", "--model", TINY]);
  const arrived = (count) =>
    new Promise((resolve) =>
      child.stdout.on("data", () => printed.stdout.split("\n").length > count && resolve()),
    );
  for (const [i, text] of ["first", "second", "third"].entries()) {
    const answer = arrived(i + 1);
    child.stdin.write(`${text}\n`);
    await answer;
  }
  child.stdin.end();
  assert.equal((await ended).how, 0);
  assert.deepEqual(
    objects(printed.stdout).map(({ text }) => text),
    ["first", "second", "third"],
  );
});

test("more labels: a list in JSON Lines, columns in CSV", async (t) => {
  const { write } = scratch(t);
  const input = write("in.txt", "one\ntwo\n");
  const labels = (await tiny(t)).info.model.labels.length;
  for (const [top, count] of [
    ["2", 2],
    ["all", labels],
    ["99", labels],
  ]) {
    for (const { label, score, scores } of objects(classified([input, "--top", top]).stdout)) {
      assert.equal(scores.length, count);
      assert.deepEqual(scores[0], { label, score });
    }
    const [header, ...rows] = parse(classified([input, "--top", top, "--out-format", "csv"]).stdout);
    assert.deepEqual(
      [header.length, ...rows.map((row) => row.length)],
      [1 + 2 * count, 1 + 2 * count, 1 + 2 * count],
    );
    assert.deepEqual(header.slice(0, 5), ["text", "label", "score", "label_2", "score_2"]);
  }
});

test("rejects answers whose names a row already has", (t) => {
  const { write } = scratch(t);
  for (const input of [
    write("in.csv", "text,label\none,good\n"),
    write("in.jsonl", '{"text":"one","label":"good"}\n'),
  ]) {
    for (const format of ["csv", "jsonl"]) {
      const { status, stderr } = classify([input, "--out-format", format]);
      assert.equal(status, 1);
      assert.match(stderr, /^tabsense: invalid_argument: The input already has "label" .*--prefix/);
      const { stdout } = classified([input, "--out-format", format, "--prefix", "predicted_"]);
      const [row] = format === "csv" ? parse(stdout, { columns: true }) : objects(stdout);
      assert.deepEqual(Object.keys(row), ["text", "label", "predicted_label", "predicted_score"]);
    }
  }
});

test("a CSV without a header has numbered columns", (t) => {
  const { write } = scratch(t);
  const input = write("in.csv", "1,one\n2,two\n");
  assert.deepEqual(
    objects(classified([input, "--no-header", "--column", "2"]).stdout).map(({ column1, column2 }) => [
      column1,
      column2,
    ]),
    [
      ["1", "one"],
      ["2", "two"],
    ],
  );
  assert.deepEqual(
    parse(classified([input, "--no-header", "--column", "2", "--out-format", "csv"]).stdout).map((row) =>
      row.slice(0, 2),
    ),
    [
      ["1", "one"],
      ["2", "two"],
    ],
  );
  assert.equal(
    objects(classified([write("single.csv", "anything\none\n")]).stdout)[0].anything,
    "one",
    "the only column is the one",
  );
});

test("rows of any length keep their order, and cut ones are marked", async (t) => {
  const { write } = scratch(t);
  const texts = Array.from({ length: 300 }, (_, i) =>
    `${i} ${"word ".repeat(i % 50 === 0 ? 600 : i % 5)}`.trim(),
  );
  const found = objects(classified([write("in.txt", `${texts.join("\n")}\n`), "--threads", "6"]).stdout);
  assert.deepEqual(
    found.map(({ text }) => text),
    texts,
  );
  const wanted = await (await tiny(t)).classify(texts);
  assert.deepEqual(
    found.map(({ label, score, truncated = false }) => [label, score, truncated]),
    wanted.map(([{ label, score, truncated = false }]) => [label, score, truncated]),
  );
  assert.ok(found.some(({ truncated }) => truncated));
});

test("a file without rows has an empty answer", (t) => {
  const { path, write } = scratch(t);
  classified([write("in.csv", "id,text\n"), "--out", path("out.csv")]);
  assert.equal(readFileSync(path("out.csv"), "utf8"), "id,text,label,score\n");
  classified([write("in.txt", ""), "--out", path("out.jsonl")]);
  assert.equal(readFileSync(path("out.jsonl"), "utf8"), "");
});

test("overwrites files only with --force", (t) => {
  const { path, folder, write } = scratch(t);
  const input = write("in.txt", "one\n");
  const out = write("out.jsonl", "precious\n");
  const { status, stderr } = classify([input, "--out", out]);
  assert.equal(status, 1);
  assert.match(stderr, /^tabsense: invalid_argument: .*out\.jsonl already exists\. .*--resume.*--force/);
  assert.equal(readFileSync(out, "utf8"), "precious\n");
  classified([input, "--out", out, "--force"]);
  assert.equal(objects(readFileSync(out, "utf8"))[0].text, "one");
  assert.match(
    classify([input, "--out", input, "--out-format", "jsonl", "--force"]).stderr,
    /is the input itself/,
  );
  assert.equal(classified([input, "--out", "/dev/null", "--json"]).stdout, "", "a device is not overwritten");
  mkdirSync(path("sub.jsonl"));
  assert.match(classify([input, "--out", path("sub.jsonl")]).stderr, /is a folder/);
  assert.match(
    classify([input, "--out", path("no/such/out.jsonl")]).stderr,
    /^tabsense: environment: A system call failed/,
  );
  assert.match(classify([folder, "--format", "text"]).stderr, /--format is for files/);
  writeFileSync(path("bad.csv"), "id,text\n1\n");
  assert.equal(classify([path("bad.csv"), "--out", path("none.jsonl")]).status, 1);
  assert.equal(
    existsSync(path("none.jsonl")) && readFileSync(path("none.jsonl"), "utf8"),
    "",
    "it can be resumed",
  );
});

test("a model on a server is fetched once, for however many threads", async (t) => {
  const { write } = scratch(t);
  const { url, requests } = await serveModel(t, filesOf());
  const { ended } = start(["classify", write("in.txt", "one\ntwo\n"), "--model", url, "--threads", "9"]);
  const { how, stdout, stderr } = await ended;
  assert.equal(how, 0, stderr);
  assert.deepEqual(
    objects(stdout).map(({ text }) => text),
    ["one", "two"],
  );
  assert.deepEqual(requests.sort(), [
    "/model/config.json",
    "/model/model.safetensors",
    "/model/tokenizer.json",
    "/model/tokenizer_config.json",
  ]);
});

test("warns about a device that Node doesn't have, and uses the CPU", (t) => {
  const { write } = scratch(t);
  const { stdout, stderr } = classified([write("in.txt", "one\n"), "--device", "webgpu", "--dtype", "int8"]);
  assert.equal(objects(stdout).length, 1);
  assert.match(stderr, /^tabsense: the CPU computes\. Node has no WebGPU\.\n$/);
});
