// `tabsense classify FILE`: CSV dialects, encodings, and files whose content doesn't match their name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { buildSync } from "esbuild";
import { classified, classify, objects, scratch, start } from "./command.mjs";
import { ROOT, TINY } from "./support.mjs";

/** A module of js/csv, which the package bundles into its command line only. */
const source = (name) => {
  const options = { absWorkingDir: ROOT, entryPoints: [`js/csv/${name}.ts`], bundle: true, format: "esm" };
  const { text } = buildSync({ ...options, write: false }).outputFiles[0];
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
};
const { findDelimiter, separatorLine } = await source("dialect");
const { uniqueNames } = await source("names");

const texts = (stdout, name = "text") => objects(stdout).map((row) => row[name]);

for (const [name, sample, wanted, cut = false] of [
  ["commas", "id,text\n1,a;b\n2,c;d\n", ","],
  ["semicolons", 'id;text\n1;"it is, in a way; fine"\n2;bad', ";"],
  ["tabs", "id\ttext\n1\tone, two\n", "\t"],
  ["bars", "id|text|more\n1|one|\n2|two|", "|"],
  ["no delimiter", "text\nGood; bad\nOne, two\n", ","],
  ["a header alone", "id;text", ";"],
  ["a header whose bar separates nothing", "yes|no\none\ntwo\n", ","],
  ["names with another delimiter", "id;name, first;text\n1;Ann;one\n2;Bob;two\n", ";"],
  ["cells with another delimiter", "tags;all,text,id\na;b,one,1\nc;d,two,2\n", ","],
  ["line breaks in quotes", '"text";"id"\r\n"a,b\r\nc,d";1\r\n', ";"],
  ["blank lines", "id;text\r\n\r\n1;one\r\n\r\n2;two\r\n", ";"],
  ["a sample that ends within a record", "id;text\n1;one\n2", ";", true],
]) {
  test(`the delimiter is found: ${name}`, () => assert.equal(findDelimiter(sample, '"', cut), wanted));
}

test("the line sep= is known, and no other", () => {
  assert.deepEqual(separatorLine("sep=;\r\nid;text"), { delimiter: ";", length: 7 });
  assert.deepEqual(separatorLine('"sep=\t"\nid'), { delimiter: "\t", length: 8 });
  for (const other of ["sep,text\n", "sep=;;\n", "sep=\n", "text\nsep=;\n"])
    assert.equal(separatorLine(other), null);
});

test("makes names unique without reusing existing ones", () => {
  assert.deepEqual(uniqueNames(["a", "b", "a", "a"]), ["a", "b", "a (2)", "a (3)"]);
  const names = uniqueNames(["a", "a", "a (2)", "a"]);
  assert.equal(new Set(names).size, 4, names.join());
});

for (const [name, content, args = []] of [
  ["semicolons", "id;text\n1;it is, in a way, fine\n2;bad\n"],
  ["tabs", "id\ttext\n1\tit is, in a way, fine\n2\tbad\n"],
  ["bars", "id|text\n1|it is, in a way, fine\n2|bad\n"],
  ["a line sep=", "sep=;\r\nid;text\r\n1;it is, in a way, fine\r\n2;bad\r\n"],
  ["a line sep= and --delimiter", "sep=;\nid;text\n1;it is, in a way, fine\n2;bad\n", ["--delimiter", ";"]],
  ["an unusual delimiter", "id~text\n1~it is, in a way, fine\n2~bad\n", ["--delimiter", "~"]],
]) {
  test(`a CSV with ${name} is split`, (t) => {
    const { write, path } = scratch(t);
    const input = write("in.csv", content);
    assert.deepEqual(texts(classified([input, ...args]).stdout), ["it is, in a way, fine", "bad"]);
    assert.deepEqual(texts(classified(["-", "--format", "csv", ...args], { input: content }).stdout), [
      "it is, in a way, fine",
      "bad",
    ]);
    // The output has the delimiter of the input.
    classified([input, ...args, "--out", path("out.csv")]);
    const header = readFileSync(path("out.csv"), "utf8").split("\n")[0];
    assert.match(header, /^id(.)text\1label\1score$/);
    assert.ok(content.includes(header.slice(0, 7)));
    classified([input, ...args, "--out", path("out.csv"), "--resume"]);
  });
}

test("lines are counted with the line sep=", (t) => {
  const { write } = scratch(t);
  const { stderr } = classify([write("in.csv", "sep=;\nid;text\n1;one\n2\n")]);
  assert.match(stderr, /Line 4 of .* has 1 fields, but the first row has 2/);
});

test("a CSV that arrives slowly is answered row by row", async () => {
  const { child, ended, printed } = start(["classify", "-", "--format", "csv", "--model", TINY]);
  child.stdin.write("id;text\n1;first\n2;sec");
  await new Promise((resolve) => child.stdout.on("data", () => printed.stdout.includes("\n") && resolve()));
  child.stdin.end("ond\n");
  assert.equal((await ended).how, 0);
  assert.deepEqual(texts(printed.stdout), ["first", "second"]);
});

const TSV = 'label\ttext\n1\ta fine day\n0\t"it was said\n1\tand nobody heard"\n0\tthe end\n';

test("TSV has no quotes: no two rows become one", (t) => {
  const { write, path } = scratch(t);
  const wanted = ["a fine day", '"it was said', 'and nobody heard"', "the end"];
  const input = write("in.tsv", TSV);
  assert.deepEqual(texts(classified([input, "--prefix", "p_"]).stdout), wanted);
  const named = write("in.csv", TSV);
  assert.deepEqual(texts(classified([named, "--format", "tsv", "--prefix", "p_"]).stdout), wanted);
  assert.deepEqual(texts(classified([named, "--quote", "none", "--prefix", "p_"]).stdout), wanted);
  assert.equal(texts(classified([input, "--quote", '"', "--prefix", "p_"]).stdout).length, 3);
  // The same rows as CSV, which has quotes.
  classified([input, "--prefix", "p_", "--out", path("out.csv")]);
  assert.deepEqual(
    parse(readFileSync(path("out.csv")), { columns: true }).map(({ text }) => text),
    wanted,
  );
});

test("accepts another quote character", (t) => {
  const { write } = scratch(t);
  const input = write("in.csv", "id,text\n1,'one, two'\n2,'it''s \"three\"'\n");
  assert.deepEqual(texts(classified([input, "--quote", "'"]).stdout), ["one, two", 'it\'s "three"']);
  const { status, stderr } = classify([input, "--quote", "''"]);
  assert.equal(status, 2);
  assert.match(stderr, /--quote must be one ASCII character or none/);
});

test("columns without a name, or with the same, keep their places", (t) => {
  const { write, path } = scratch(t);
  const input = write("in.csv", "v1,v2,,,v1\nham,one,,x,last\n");
  const [row] = objects(classified([input, "--column", "v2"]).stdout);
  assert.deepEqual(Object.entries(row).slice(0, 5), [
    ["v1", "ham"],
    ["v2", "one"],
    ["column3", ""],
    ["column4", "x"],
    ["v1 (2)", "last"],
  ]);
  classified([input, "--column", "v2", "--out", path("out.csv")]);
  const [header, ...rows] = parse(readFileSync(path("out.csv")));
  assert.deepEqual(header, ["v1", "v2", "", "", "v1", "label", "score"]);
  assert.deepEqual(rows[0].slice(0, 5), ["ham", "one", "", "x", "last"]);
  const { status, stderr } = classify([input, "--column", "v1"]);
  assert.equal(status, 1);
  assert.match(stderr, /has two columns "v1"\. Pass the column of the texts by number: --column 1\./);
  assert.equal(objects(classified([input, "--column", "5"]).stdout)[0].label !== undefined, true);
});

test("a message about columns doesn't repeat names of any length", (t) => {
  const { write } = scratch(t);
  const { stderr } = classify([write("in.csv", `${"x".repeat(5000)},id\n1,2\n`)]);
  assert.match(stderr, /has no column "text", only "x{40}…", "id"/);
});

test("reads named encodings", (t) => {
  const { write } = scratch(t);
  for (const [encoding, content] of [
    ["windows-1252", Buffer.from("id,text\n1,caf\xe9 \x80\n", "latin1")],
    ["utf-16le", Buffer.from("\ufeffid,text\n1,café €\n", "utf16le")],
    ["utf-16le", Buffer.from("id,text\n1,café €\n", "utf16le")],
    ["utf-16be", Buffer.from("\ufeffid,text\n1,café €\n", "utf16le").swap16()],
    ["utf-8", "\ufeffid,text\n1,café €\n"],
  ]) {
    const args = [write("in.csv", content), "--encoding", encoding];
    assert.deepEqual(texts(classified(args).stdout), ["café €"], encoding);
  }
  const odd = classify([write("odd.txt", Buffer.from("one\n\xe9\n", "latin1")), "--encoding", "utf-8"]);
  assert.match(odd.stderr, /is not in utf-8\. Check --encoding\.\n$/);
  assert.match(
    classify([write("odd.txt", Buffer.from("one\n\xe9\n", "latin1"))]).stderr,
    /Line 2 of .* is not UTF-8\. .*--encoding windows-1252/,
  );
});

for (const [name, content, message] of [
  ["a web page", "\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", /is a web page \(HTML\)/],
  ["gzip", gzipSync("id,text\n1,one\n"), /is compressed with gzip\. Decompress it first/],
  ["a workbook", Buffer.from("504b030414000600", "hex"), /is a workbook or a zip archive/],
  ["an old workbook", Buffer.from("d0cf11e0a1b11ae1", "hex"), /is an old Excel workbook/],
  ["a PDF", "%PDF-1.7\n", /is a PDF document/],
  ["UTF-16 with a mark", Buffer.from("\ufeffid,text\n1,one\n", "utf16le"), /is encoded as UTF-16LE/],
  [
    "UTF-16 without a mark",
    Buffer.from("id,text\n1,one\n", "utf16le"),
    /like UTF-16 without a byte order mark/,
  ],
  ["a binary file", Buffer.from([1, 2, 3, 0, 0, 0, 4, 0, 5, 6, 7, 8]), /is not a text file: it has NUL/],
]) {
  test(`names ${name} that is passed as a file of texts`, (t) => {
    const { write } = scratch(t);
    for (const file of ["in.csv", "in.jsonl", "in.txt"]) {
      const { status, stdout, stderr } = classify([write(file, content)]);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, /^tabsense: invalid_argument: [^\n]*\.\n$/);
      assert.match(stderr, message);
    }
  });
}

test("an error in a line of JSON repeats nothing of it", (t) => {
  const { write } = scratch(t);
  const { status, stderr } = classify([write("in.jsonl", '{"text":"one"}\nsecret words\n')]);
  assert.equal(status, 1);
  assert.match(stderr, /Line 2 of .*in\.jsonl is not JSON\. In JSON Lines, each line must be an object\./);
  assert.doesNotMatch(stderr, /secret|words|token/);
});
