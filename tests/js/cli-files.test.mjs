// `tabsense classify FILE`: formats in and out, what rows keep, rows that can't be classified.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { stringify } from "csv-stringify/sync";
import { parse } from "csv-parse/sync";
import { classify, objects, scratch, start, tabsense } from "./command.mjs";
import { filesOf, rounded, serveModel, tiny, TINY } from "./support.mjs";

/** Texts with all that CSV has to quote, and more. */
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

/** Runs `classify` with the tiny model, to success. */
function classified(args, options) {
  const { status, stdout, stderr } = classify(args, options);
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

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

test("CSV whose lines end in several ways", (t) => {
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

test("lines of text: blank ones are none", async (t) => {
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

test("the standard input is read where it is a pipe, in any format", (t) => {
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

test("rows of a pipe that comes slowly are answered as they come", async () => {
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

test("names that a row has already are not written twice", (t) => {
  const { write } = scratch(t);
  for (const input of [
    write("in.csv", "text,label\none,good\n"),
    write("in.jsonl", '{"text":"one","label":"good"}\n'),
  ]) {
    for (const format of ["csv", "jsonl"]) {
      const { status, stderr } = classify([input, "--out-format", format]);
      assert.equal(status, 1);
      assert.match(stderr, /^tabsense: invalid_argument: The input has "label" already .*--prefix/);
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

test("rows keep their order, whatever their lengths, and those that are cut say so", async (t) => {
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

for (const [name, file, content, kind, message, left, count = 1] of [
  [
    "CSV with a row too short",
    "a.csv",
    "id,text\n1,one\n2\n3,three\n",
    "invalid_argument",
    /Line 3 of .*a\.csv has 1 fields, and the first row has 2/,
    ["one", "three"],
  ],
  [
    "CSV with a row too long, behind a row of two lines",
    "a.csv",
    'id,text\n1,"o\nne"\n2,two,2\n',
    "invalid_argument",
    /Line 4 of .* has 3 fields/,
    ["o\nne"],
  ],
  [
    "CSV with a stray quote",
    "a.csv",
    'id,text\n1,one\n2,tw"o\n3,three\n',
    "invalid_argument",
    /Line 3 of .*a\.csv has a quote within a field/,
    ["one", "three"],
  ],
  [
    "CSV with several stray quotes in a row",
    "a.csv",
    'id,text\n1,one\n2,t"w"o"\n3,th"r"ee\n4,"fo\nur",a"b"\n5,five\n',
    "invalid_argument",
    /Line 3 of .*a\.csv has a quote within a field/,
    ["one", "five"],
    3,
  ],
  [
    "CSV with equal wrong rows",
    "a.csv",
    'id,text\n1,one\n2,t"o\n2,t"o\n2,t"o"\n',
    "invalid_argument",
    /Line 3 of .*a\.csv has a quote within a field/,
    ["one"],
    3,
  ],
  [
    "CSV with a row too short behind blank lines",
    "a.csv",
    "id,text\n1,one\n\n\n2\n",
    "invalid_argument",
    /Line 5 of .*a\.csv has 1 fields/,
    ["one"],
  ],
  [
    "CSV with a row too short, of more than is read at once",
    "a.csv",
    `id,text,more\r\n${`1,one,"${"x".repeat(999)}\r\n"\r\n\r\n`.repeat(600)}2\r\n`,
    "invalid_argument",
    /Line 1802 of .*a\.csv has 1 fields/,
    Array(600).fill("one"),
  ],
  [
    "CSV with an empty text",
    "a.csv",
    "id,text\n1,one\n2,\n3,three\n",
    "empty_text",
    /Line 3 of .*a\.csv: The text is empty/,
    ["one", "three"],
  ],
  [
    "CSV that is Latin-1 in a row",
    "a.csv",
    Buffer.from("id,text\n1,one\n2,caf\xe9\n3,three\n", "latin1"),
    "invalid_argument",
    /Line 3 of .* is not UTF-8/,
    ["one", "three"],
  ],
  [
    "JSON Lines with a line that is none",
    "a.jsonl",
    '{"text":"one"}\n{"text":\n{"text":"three"}\n',
    "invalid_argument",
    /Line 2 of .*a\.jsonl is not JSON/,
    ["one", "three"],
  ],
  [
    "JSON Lines with a list",
    "a.jsonl",
    '{"text":"one"}\n["two"]\n',
    "invalid_argument",
    /Line 2 of .* is no JSON object/,
    ["one"],
  ],
  [
    "JSON Lines without the property",
    "a.jsonl",
    '{"text":"one"}\n{"body":"two"}\n{"text":3}\n',
    "invalid_argument",
    /Line 2 of .* has no property "text" that is a string: it has "body"/,
    ["one"],
    2,
  ],
  [
    "lines with one that is not UTF-8",
    "a.txt",
    Buffer.from("one\ncaf\xe9\nthree\n", "latin1"),
    "invalid_argument",
    /Line 2 of .* is not UTF-8/,
    ["one", "three"],
  ],
  [
    "lines with one of nothing visible",
    "a.txt",
    "one\n\u200b\nthree\n",
    "empty_text",
    /Line 2 of .*a\.txt: The text is empty/,
    ["one", "three"],
  ],
  [
    "lines with one too long",
    "a.txt",
    `one\n${"x".repeat(300_000)}\nthree\n`,
    "text_too_long",
    /Line 2 of .*a\.txt: The text has 300000 characters/,
    ["one", "three"],
  ],
]) {
  test(`${name}: an error that names the line, or left out`, (t) => {
    const { write } = scratch(t);
    const input = write(file, content);
    const { status, stdout, stderr } = classify([input]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^tabsense: ${kind}: .*--skip-invalid\\.\\n$`));
    assert.match(stderr, message);
    assert.deepEqual(
      objects(stdout).map(({ text }) => text),
      left.length > 2 ? left : left.slice(0, 1),
      "what came before it is there",
    );
    const skipped = classified([input, "--skip-invalid"]);
    assert.deepEqual(
      objects(skipped.stdout).map(({ text }) => text),
      left,
    );
    assert.match(
      skipped.stderr,
      new RegExp(
        `^tabsense: ${count === 1 ? "1 row was" : `${count} rows were`} left out\\.\\n( {2}\\S.*\\n){${count}}$`,
      ),
    );
    assert.match(skipped.stderr, message);
    assert.doesNotMatch(skipped.stderr, /--skip-invalid/);
  });
}

test("lines are counted on behind rows that are left out", (t) => {
  const { write } = scratch(t);
  const input = write(
    "in.csv",
    'id,text\r\n\r\n1,"o\r\nne"\r\n\r\n2,"t\r\nw",o"o"\r\n\n3,"th\r\nree"\n4\r\n5,"a\nb"\r6,\xe9\n7,"\r\n\n"\n',
  );
  const { stdout, stderr } = classified([input, "--skip-invalid"]);
  assert.deepEqual(
    objects(stdout).map(({ id }) => id),
    ["1", "3", "5", "6"],
  );
  assert.deepEqual(stderr.match(/Line \d+/g), ["Line 7", "Line 11", "Line 15"]);
});

test("where all rows are left out, that is told", (t) => {
  const { write } = scratch(t);
  const input = '[1]\n{"body":"one"}\n';
  const wanted = /^tabsense: 2 rows were left out\.\n {2}Line 1 of .*\n {2}Line 2 of .*\n$/;
  for (const found of [
    classify([write("in.jsonl", input), "--skip-invalid"]),
    tabsense(["--format", "jsonl", "--skip-invalid"], { input }),
  ]) {
    assert.deepEqual([found.status, found.stdout], [0, ""], found.stderr);
    assert.match(found.stderr, wanted);
  }
  const invisible = tabsense(["--model", TINY, "--skip-invalid"], { input: "\u200b\n" });
  assert.equal(invisible.status, 0);
  assert.match(invisible.stderr, /^tabsense: 1 row was left out\.\n/);
});

for (const [name, file, content, args, message] of [
  ["a CSV of nothing", "a.csv", "", [], /a\.csv is empty: a CSV begins with its header/],
  [
    "a column that is not there",
    "a.csv",
    "id,body\n1,one\n",
    [],
    /has no column "text": it has "id", "body"/,
  ],
  [
    "a number beyond the columns",
    "a.csv",
    "id,text\n1,one\n",
    ["--column", "3"],
    /has no column "3": it has "id", "text"/,
  ],
  ["a name twice", "a.csv", "text,text\n1,one\n", [], /has two columns "text"/],
  [
    "UTF-16",
    "a.csv",
    Buffer.from("\ufefftext\none\n", "utf16le"),
    [],
    /is encoded as UTF-16\. Save it as UTF-8/,
  ],
  [
    "a quote that is closed within a field",
    "a.csv",
    'id,text\n1,one\n2,"tw"o\n3,three\n',
    [],
    /Line 3 of .*a\.csv has a field that goes on behind its closing quote/,
  ],
  [
    "a quote that is never closed",
    "a.csv",
    'text,id\n"one,1\ntwo,2\n',
    [],
    /Line 2 of .*a\.csv has a quote that is never closed/,
  ],
  [
    "a header with a stray quote",
    "a.csv",
    'id,te"x"t\n1,one\n',
    ["--column", "2"],
    /Line 1 of .*a\.csv has a quote within a field/,
  ],
  [
    "a header that is not UTF-8",
    "a.csv",
    Buffer.from("id,t\xe9xt\n1,one\n", "latin1"),
    ["--column", "2"],
    /Line 1 of .*a\.csv is not UTF-8/,
  ],
  [
    "a first row with a stray quote",
    "a.csv",
    'o"ne\ntwo\n',
    ["--no-header"],
    /Line 1 of .*a\.csv has a quote within a field/,
  ],
  [
    "a property of a CSV that its first row has not",
    "a.jsonl",
    '{"text":"one"}\n{"text":"two","more":1}\n',
    ["--out-format", "csv"],
    /Line 2 of the input has "more"/,
  ],
]) {
  test(`${name} is an error, with --skip-invalid too`, (t) => {
    const { write } = scratch(t);
    const input = write(file, content);
    for (const more of [[], ["--skip-invalid"]]) {
      const { status, stderr } = classify([input, ...args, ...more]);
      assert.equal(status, 1);
      assert.match(stderr, /^tabsense: invalid_argument: /);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /--skip-invalid/);
    }
  });
}

test("a file of rows that are none makes an empty answer", (t) => {
  const { path, write } = scratch(t);
  classified([write("in.csv", "id,text\n"), "--out", path("out.csv")]);
  assert.equal(readFileSync(path("out.csv"), "utf8"), "id,text,label,score\n");
  classified([write("in.txt", ""), "--out", path("out.jsonl")]);
  assert.equal(readFileSync(path("out.jsonl"), "utf8"), "");
});

test("a quote that is never closed does not fill the memory", (t) => {
  const { write } = scratch(t);
  const { status, stderr } = classify([write("in.csv", `id,text\n1,"one${"x,\n".repeat(12 << 20)}`)]);
  assert.equal(status, 1);
  assert.match(stderr, /^tabsense: invalid_argument: Line 2 of .* is of a row of more than 16777216 bytes/);
  const line = classify([write("in.txt", "x".repeat(20 << 20))]);
  assert.match(line.stderr, /^tabsense: text_too_long: Line 1 of /);
});

test("what is there is not written over, unless it is meant", (t) => {
  const { path, folder, write } = scratch(t);
  const input = write("in.txt", "one\n");
  const out = write("out.jsonl", "precious\n");
  const { status, stderr } = classify([input, "--out", out]);
  assert.equal(status, 1);
  assert.match(stderr, /^tabsense: invalid_argument: .*out\.jsonl is there already\. .*--resume.*--force/);
  assert.equal(readFileSync(out, "utf8"), "precious\n");
  classified([input, "--out", out, "--force"]);
  assert.equal(objects(readFileSync(out, "utf8"))[0].text, "one");
  assert.match(
    classify([input, "--out", input, "--out-format", "jsonl", "--force"]).stderr,
    /is the input itself/,
  );
  assert.equal(
    classified([input, "--out", "/dev/null", "--json"]).stdout,
    "",
    "a device is no file that could be lost",
  );
  mkdirSync(path("sub.jsonl"));
  assert.match(classify([input, "--out", path("sub.jsonl")]).stderr, /is a folder/);
  assert.match(
    classify([input, "--out", path("no/such/out.jsonl")]).stderr,
    /^tabsense: environment: The system refused/,
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
  ]);
});

test("a device that Node has not is told, and done without", (t) => {
  const { write } = scratch(t);
  const { stdout, stderr } = classified([write("in.txt", "one\n"), "--device", "webgpu", "--dtype", "int8"]);
  assert.equal(objects(stdout).length, 1);
  assert.match(stderr, /^tabsense: the CPU computes\. Node has no WebGPU\.\n$/);
});
