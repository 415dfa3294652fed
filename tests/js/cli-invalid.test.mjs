// `tabsense classify FILE`: rows and files that can't be classified.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { classified, classify, objects, scratch, tabsense } from "./command.mjs";
import { TINY } from "./support.mjs";

for (const [name, file, content, kind, message, left, count = 1] of [
  [
    "CSV with a row too short",
    "a.csv",
    "id,text\n1,one\n2\n3,three\n",
    "invalid_argument",
    /Line 3 of .*a\.csv has 1 fields, but the first row has 2/,
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
    /Line 2 of .* is not a JSON object/,
    ["one"],
  ],
  [
    "JSON Lines without the property",
    "a.jsonl",
    '{"text":"one"}\n{"body":"two"}\n{"text":3}\n',
    "invalid_argument",
    /Line 2 of .* has no string property "text", only "body"/,
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

test("counts lines after skipped rows", (t) => {
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

test("a row without a text has no label, and is left out by --skip-invalid", (t) => {
  const { path, write } = scratch(t);
  const input = write("in.csv", "id,text\n1,one\n2,\n3, \t\n4,four\n5,\u200b\n6,\ufffd\u0007\n");
  const found = objects(classified([input]).stdout);
  assert.deepEqual(
    found.map(({ id, label, score }) => [id, label === "", score === null]),
    [
      ["1", false, false],
      ["2", true, true],
      ["3", true, true],
      ["4", false, false],
      ["5", true, true],
      ["6", true, true],
    ],
  );
  assert.deepEqual(
    objects(classified([input, "--top", "all"]).stdout).map(({ scores }) => scores.length),
    [3, 0, 0, 3, 0, 0],
  );
  for (const top of ["1", "2"]) {
    classified([input, "--top", top, "--out", path("out.csv"), "--force"]);
    const whole = readFileSync(path("out.csv"), "utf8");
    assert.match(whole.split("\n")[2], top === "1" ? /^2,,,$/ : /^2,,,,,$/);
    for (const cut of [whole.indexOf("2,,") + 4, whole.indexOf("5,") + 7, whole.length - 3]) {
      writeFileSync(path("out.csv"), whole.slice(0, cut));
      classified([input, "--top", top, "--out", path("out.csv"), "--resume"]);
      assert.equal(readFileSync(path("out.csv"), "utf8"), whole);
    }
  }
  const skipped = classified([input, "--skip-invalid"]);
  assert.deepEqual(
    objects(skipped.stdout).map(({ id }) => id),
    ["1", "4"],
  );
  assert.match(
    skipped.stderr,
    /^tabsense: 4 rows were left out\.\n( {2}Line [3467] of .* has no text\.\n){4}$/,
  );
  assert.deepEqual(skipped.stderr.match(/(?<=Line )\d/g), ["3", "4", "6", "7"]);
});

test("a text of any length is answered, truncated to the model's maximum", (t) => {
  const { write } = scratch(t);
  const long = "word ".repeat(60_000);
  for (const [name, content] of [
    ["in.csv", `id,text\n1,one\n2,${long}\n3,three\n`],
    ["in.jsonl", ["one", long, "three"].map((text) => `${JSON.stringify({ text })}\n`).join("")],
    ["in.txt", `one\n${long}\nthree\n`],
  ]) {
    const input = write(name, content);
    for (const args of [[], ["--skip-invalid"]]) {
      const { stdout, stderr } = classified([input, ...args]);
      const found = objects(stdout);
      assert.equal(stderr, "");
      assert.deepEqual(
        found.map(({ label, score, truncated }) => [label !== "", score > 0, truncated ?? false]),
        [
          [true, true, false],
          [true, true, true],
          [true, true, false],
        ],
        name,
      );
      // Words beyond the truncation change nothing.
      const [cut] = objects(classified([write("cut.txt", `${"word ".repeat(1000)}\n`)]).stdout);
      assert.deepEqual([found[1].label, found[1].score], [cut.label, cut.score]);
    }
  }
});

test("reports that all rows were skipped", (t) => {
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
  const empty = tabsense(["--format", "csv", "--model", TINY, "--skip-invalid"], { input: "id,text\n1,\n" });
  assert.deepEqual([empty.status, empty.stdout], [0, ""]);
  assert.match(
    empty.stderr,
    /^tabsense: 1 row was left out\.\n {2}Line 2 of standard input has no text\.\n$/,
  );
});

for (const [name, file, content, args, message] of [
  ["a CSV of nothing", "a.csv", "", [], /a\.csv is empty\. A CSV starts with a header/],
  ["a column that is not there", "a.csv", "id,body\n1,one\n", [], /has no column "text", only "id", "body"/],
  [
    "a number beyond the columns",
    "a.csv",
    "id,text\n1,one\n",
    ["--column", "3"],
    /has no column "3", only "id", "text"/,
  ],
  ["a name twice", "a.csv", "text,text\n1,one\n", [], /has two columns "text"/],
  [
    "UTF-16",
    "a.csv",
    Buffer.from("\ufefftext\none\n", "utf16le"),
    [],
    /is encoded as UTF-16LE\. Save it as UTF-8, or pass --encoding utf-16le/,
  ],
  [
    "a quote that is closed within a field",
    "a.csv",
    'id,text\n1,one\n2,"tw"o\n3,three\n',
    [],
    /Line 3 of .*a\.csv has a field that continues after its closing quote/,
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

test("a quote that is never closed does not fill the memory", (t) => {
  const { write } = scratch(t);
  const { status, stderr } = classify([write("in.csv", `id,text\n1,"one${"x,\n".repeat(12 << 20)}`)]);
  assert.equal(status, 1);
  assert.match(stderr, /^tabsense: invalid_argument: Line 2 of .* is in a row of more than 16777216 bytes/);
  const line = classify([write("in.txt", "x".repeat(20 << 20))]);
  assert.match(line.stderr, /^tabsense: invalid_argument: Line 1 of .* is longer than 16777216 bytes/);
});
