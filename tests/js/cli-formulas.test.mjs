// CSV that is opened in a spreadsheet: a cell that begins like a formula would be computed there, and could
// send neighbouring cells elsewhere. Labels, which come from the model, are always escaped; texts with
// --escape-formulas.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import { classified, classify, scratch, tabsense } from "./command.mjs";
import { filesOf } from "./support.mjs";

/** Cells that a spreadsheet would compute. */
const FORMULAS = [
  '=HYPERLINK("http://127.0.0.1/?"&A1,"click")',
  "=1+1",
  "@SUM(A1)",
  "+cmd|' /C calc'!A0",
  "-2+3",
  "\t=1+1",
  "\r=1+1",
  "＝1+1",
  "＋1+1",
  "－1+1",
  "＠SUM(A1)",
  "-1 is a bad score",
];

/** Cells that it wouldn't. */
const PLAIN = ["-12.5", "+3e-4", "-", "+", "12", "a = b", "it's", "'=1+1", " =1+1", ""];

/** The rows as arrays of cells; the first has the names. */
const rowsOf = (csv, options) => parse(csv, { relax_column_count: false, ...options });

/** A folder with the tiny model under the given labels. */
function labelled(t, labels) {
  const { folder, write } = scratch(t);
  const files = filesOf();
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  config.id2label = Object.fromEntries(labels.map((label, id) => [id, label]));
  config.label2id = Object.fromEntries(labels.map((label, id) => [label, id]));
  for (const [name, bytes] of Object.entries({ ...files, "config.json": JSON.stringify(config) }))
    write(name, bytes);
  return folder;
}

/** JSON Lines with a row for each value: a text, and the value. */
const linesOf = (values) => values.map((value) => `${JSON.stringify({ text: "a text", value })}\n`).join("");

/** Arguments that classify a text with a model that has these labels, and write all scores as CSV. */
function argumentsFor(t, labels) {
  const text = scratch(t).write("in.txt", "a text\n");
  const csv = ["--out-format", "csv", "--top", "all"];
  return ["classify", text, "--model", labelled(t, labels), ...csv];
}

test("no label becomes a formula, even without the option", (t) => {
  const labels = ["=1+1", "-2+3", "@SUM(A1)"];
  const args = argumentsFor(t, labels);
  const { status, stdout, stderr } = tabsense(args);
  assert.equal(status, 0, stderr);
  const [, row] = rowsOf(stdout);
  assert.deepEqual(
    row.filter((cell) => labels.includes(cell)),
    [],
  );
  assert.deepEqual(row.filter((cell) => labels.includes(cell.slice(1))).length, 3);
  // Nothing computes JSON: without --out-format, labels stay unchanged.
  assert.ok(labels.includes(JSON.parse(tabsense(args.slice(0, 4)).stdout).label));
});

test("labels that are numbers or signs alone stay what they are", (t) => {
  const [, row] = rowsOf(tabsense(argumentsFor(t, ["+", "-", "-1"])).stdout);
  assert.deepEqual([row[1], row[3], row[5]].sort(), ["+", "-", "-1"]);
});

test("cells of the input are unchanged", (t) => {
  const { write } = scratch(t);
  const values = [...FORMULAS, ...PLAIN];
  const { stdout } = classified([write("in.jsonl", linesOf(values)), "--out-format", "csv"]);
  assert.deepEqual(
    rowsOf(stdout, { columns: true }).map(({ value }) => value),
    values,
  );
});

for (const ending of ["csv", "tsv"]) {
  test(`--escape-formulas: no text, name or value of ${ending} is a formula`, (t) => {
    const { path, write } = scratch(t);
    const values = [...FORMULAS, ...PLAIN];
    const lines = values.map((value) => `${JSON.stringify({ "=name": "a text", value })}\n`).join("");
    const out = path(`out.${ending}`);
    classified([write("in.jsonl", lines), "--column", "=name", "--escape-formulas", "--out", out]);
    const [names, ...rows] = rowsOf(readFileSync(out, "utf8"), { delimiter: ending === "tsv" ? "\t" : "," });
    assert.deepEqual(names, ["'=name", "value", "label", "score"]);
    assert.deepEqual(
      rows.map(([, value]) => value),
      [...FORMULAS.map((value) => `'${value}`), ...PLAIN],
    );
  });
}

test("--escape-formulas can be resumed, only with the same option", (t) => {
  const { path, write } = scratch(t);
  const input = write("in.jsonl", linesOf(["=1+1", "=2+2", "=3+3"]));
  const out = path("out.csv");
  const args = [input, "--escape-formulas", "--out", out];
  classified(args);
  const whole = readFileSync(out, "utf8");
  write("out.csv", whole.split("\n").slice(0, 2).join("\n").concat("\na te"));
  classified([...args, "--resume"]);
  assert.equal(readFileSync(out, "utf8"), whole);
  const { status, stderr } = classify([input, "--out", out, "--resume"]);
  assert.deepEqual([status, /can't be resumed/.test(stderr)], [1, true], stderr);
});

test("--escape-formulas is for CSV, and for files", (t) => {
  const { write } = scratch(t);
  for (const args of [
    [write("in.txt", "a text\n"), "--escape-formulas"],
    ["a text", "--escape-formulas"],
  ])
    assert.equal(classify(args).status, 2);
});
