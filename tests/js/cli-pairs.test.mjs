// The command line on pairs of texts: `--pair` with a text, `--pair-column` with a file.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import { Classifier } from "tabsense";
import { objects, scratch, tabsense } from "./command.mjs";
import { filesOf, ROOT, rounded } from "./support.mjs";

const MODEL = join(ROOT, "test_data/models/tiny-bert");
const PREMISE = "The film was good.";
const HYPOTHESES = ["It's not great, and unbelievable!", "", "two\nlines", " "];
const PAIRS = HYPOTHESES.map((pair) => ({ text: PREMISE, pair }));

const run = (...args) => tabsense(["classify", ...args, "--model", MODEL]);

/** The best labels, from the package's API. */
async function answersOf(t, texts) {
  const classifier = await Classifier.load(MODEL);
  t.after(() => classifier.dispose());
  return rounded((await classifier.classify(texts)).map(([best]) => best));
}

function done({ status, stdout, stderr }) {
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a text and its second text are classified as one", async (t) => {
  const [wanted] = await answersOf(t, [PAIRS[0]]);
  const [found] = objects(done(run(PREMISE, "--pair", PAIRS[0].pair, "--json")));
  assert.deepEqual([found.text, found.pair], [PREMISE, PAIRS[0].pair]);
  assert.deepEqual(rounded([found]), [wanted]);
  assert.notDeepEqual(found.scores, objects(done(run(PREMISE, "--json")))[0].scores);
  assert.equal(done(run(PREMISE, "--pair", "")), done(run(PREMISE)), "an empty one makes no pair");
});

test("rows of CSV and JSON Lines are pairs by their columns", async (t) => {
  const { path, write } = scratch(t);
  const wanted = await answersOf(t, PAIRS);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const csv = write(
    "pairs.csv",
    ["premise,n,hypothesis", ...HYPOTHESES.map((pair, n) => `${quoted(PREMISE)},${n},${quoted(pair)}`)].join(
      "\n",
    ),
  );
  const jsonl = write(
    "pairs.jsonl",
    HYPOTHESES.map((hypothesis) => `${JSON.stringify({ premise: PREMISE, hypothesis })}\n`).join(""),
  );
  for (const [input, column, pair] of [
    [csv, "premise", "hypothesis"],
    [csv, "1", "3"],
    [jsonl, "premise", "hypothesis"],
  ]) {
    const rows = objects(done(run(input, "--column", column, "--pair-column", pair)));
    assert.deepEqual(rounded(rows), wanted);
    assert.deepEqual(
      rows.map(({ hypothesis }) => hypothesis),
      HYPOTHESES,
      "rows keep all that they hold",
    );
  }
  done(run(csv, "--column", "premise", "--pair-column", "hypothesis", "--out", path("out.csv")));
  const [header, ...lines] = parse(readFileSync(path("out.csv")));
  assert.deepEqual(header, ["premise", "n", "hypothesis", "label", "score"]);
  assert.deepEqual(rounded(lines.map(([, , , label, score]) => ({ label, score: Number(score) }))), wanted);
});

test("a pair is resumed like a text, and has no text only where both are empty", (t) => {
  const { path, write } = scratch(t);
  const input = write("pairs.csv", 'text,pair\n"a b","c"\n"","only the second"\n"",""\n"last",""\n');
  const args = [input, "--pair-column", "pair", "--skip-invalid", "--out", path("out.jsonl")];
  const { status, stderr } = run(...args);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /1 row was left out.*\n.*Line 4 of .* has no text/);
  const whole = readFileSync(path("out.jsonl"), "utf8");
  const lines = whole.split("\n");
  assert.equal(lines.length - 1, 3);
  for (const kept of [0, 1, 2]) {
    writeFileSync(
      path("out.jsonl"),
      `${lines
        .slice(0, kept)
        .map((line) => `${line}\n`)
        .join("")}${lines[kept].slice(0, 9)}`,
    );
    done(run(...args, "--resume"));
    assert.equal(readFileSync(path("out.jsonl"), "utf8"), whole, `${kept}`);
  }
});

test("rejects options that make no pair, and says what to do", (t) => {
  const { write } = scratch(t);
  const csv = write("a.csv", "text,other\na,b\n");
  const jsonl = write("a.jsonl", '{"text":"a","other":null}\n');
  const lines = write("a.txt", "a\n");
  for (const [args, code, message] of [
    [["a", "b", "--pair", "c"], 2, /--pair needs exactly one text, not 2/],
    [[csv, "--pair", "c"], 2, /For a file, use --pair-column/],
    [["a", "--pair-column", "c"], 2, /--pair-column is for files, and "a" is not one/],
    [[lines, "--pair-column", "c"], 2, /--pair-column is for CSV, TSV and JSON Lines/],
    [[csv, "--pair-column", "c"], 1, /invalid_argument: .* no column "c".*second texts with --pair-column/],
    [
      [csv, "--pair-column", "1"],
      1,
      /invalid_argument: The column "text" .*can't be both the texts and the second texts/,
    ],
    [[jsonl, "--pair-column", "other"], 1, /invalid_argument: Line 1 .*no string property "other"/],
  ]) {
    const { status, stderr } = run(...args);
    assert.equal(status, code, stderr);
    assert.match(stderr, message);
  }
});

test("rejects pairs if the tokenizer has no frame for them", (t) => {
  const { folder, write } = scratch(t);
  const files = filesOf();
  const tokenizer = JSON.parse(new TextDecoder().decode(files["tokenizer.json"]));
  delete tokenizer.post_processor.pair;
  for (const [name, bytes] of Object.entries(files)) write(name, bytes);
  write("tokenizer.json", JSON.stringify(tokenizer));
  const csv = write("a.csv", "text,other\na,b\n");
  for (const args of [
    ["a", "--pair", "b"],
    [csv, "--pair-column", "other"],
  ]) {
    const { status, stderr } = tabsense(["classify", ...args, "--model", folder]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^tabsense: tokenizer_unsupported: .*no frame for pairs of texts: pass single texts/m,
    );
  }
});
