// `tabsense teach` and `tabsense classify --taught`, on the project's own encoder.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { tabsense } from "./command.mjs";
import { ROOT } from "./support.mjs";

const MODEL = ["--model", join(ROOT, "models/sentiment-en"), "--device", "cpu", "--threads", "1"];

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "tabsense-teach-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const path = (name) => join(folder, name);
function write(name, text) {
  writeFileSync(path(name), text);
  return path(name);
}

const EXAMPLES = `topic,body
delighted,"what a wonderful day, truly"
delighted,I love it
furious,how dare they
furious,I hate this
delighted,this made me so happy
furious,this is an outrage
`;
const COLUMNS = ["--text", "body", "--label", "topic"];

test("a classifier is taught from a CSV, reported, and classifies another file", () => {
  const examples = write("examples.csv", EXAMPLES);
  const out = path("mine.json");
  const taught = tabsense(["teach", examples, ...COLUMNS, "--out", out, ...MODEL]);
  assert.equal(taught.status, 0, taught.stderr);
  assert.match(taught.stdout, /mine\.json: 2 labels from 6 examples; \d+ % are classified correctly/);
  assert.match(taught.stdout, /label +examples +precision +recall\n +delighted +3 /);
  const saved = JSON.parse(readFileSync(out, "utf8"));
  assert.deepEqual(
    saved.labels.map(({ name }) => name),
    ["delighted", "furious"],
  );

  const inbox = write("inbox.csv", "id,body\n1,a marvellous evening\n2,terrible service\n");
  const answered = tabsense([
    "classify",
    inbox,
    "--column",
    "body",
    "--taught",
    out,
    ...MODEL,
    "--top",
    "all",
  ]);
  assert.equal(answered.status, 0, answered.stderr);
  const rows = answered.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ id, label, scores }) => [id, label, scores.length]),
    [
      ["1", "delighted", 2],
      ["2", "furious", 2],
    ],
  );
  const text = tabsense(["classify", "a marvellous evening", "--taught", out, ...MODEL]);
  assert.match(text.stdout, /^delighted\t0\.\d+\nfurious\t0\.\d+\n$/, text.stderr);
});

test("the report is also one JSON object, and rows may be JSON Lines or have several labels", () => {
  const lines = [
    ["great food", "praise;food"],
    ["awful food", "food"],
    ["friendly staff", "praise"],
    ["it was a Tuesday", ""],
  ].map(([text, label]) => JSON.stringify({ text, label }));
  const examples = write("several.jsonl", `${lines.join("\n")}\n`);
  const out = path("several.json");
  const { status, stdout, stderr } = tabsense([
    "teach",
    examples,
    "--separator",
    ";",
    "--out",
    out,
    "--json",
    ...MODEL,
  ]);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.examples, report.labels.length], [4, 2]);
  assert.equal(JSON.parse(readFileSync(out, "utf8")).multi, true);
});

const REFUSED = {
  "no file": [["--out", "x.json"], /Pass a file of examples/, 2],
  "no output": [["examples.csv"], /such as --out mine/, 2],
  "a file without columns": [["examples.txt", "--out", "x.json"], /must be CSV, TSV or JSON Lines/, 2],
  "a column that isn't there": [
    ["examples.csv", "--text", "words", "--label", "topic", "--out", "x.json"],
    /no column "words".*--text/,
    1,
  ],
  "a label that isn't there": [
    ["examples.csv", "--text", "body", "--out", "x.json"],
    /no column "label".*Pass the column of the labels with --label/,
    1,
  ],
  "an empty label": [["empty.csv", "--out", "x.json"], /Line 3 of .*empty\.csv has no label/, 1],
  "one label": [["one.csv", "--out", "x.json"], /only one label \("a"\)/, 1],
  "an output that is there": [["examples.csv", ...COLUMNS, "--out", "there.json"], /there\.json/, 1],
};

for (const [what, [args, message, exit]] of Object.entries(REFUSED))
  test(`refused: ${what}`, () => {
    write("examples.csv", EXAMPLES);
    write("examples.txt", "a\n");
    write("empty.csv", "text,label\na,b\nc,\n");
    write("one.csv", "text,label\nx,a\ny,a\n");
    write("there.json", "{}");
    const own = args.map((arg) => (/\.(csv|txt|json)$/.test(arg) ? path(arg) : arg));
    const { status, stderr } = tabsense(["teach", ...own, ...MODEL]);
    assert.match(stderr, message);
    assert.equal(status, exit);
    assert.equal(existsSync(path("x.json")), false);
  });

for (const option of ["--delimiter", "--quote"])
  test(`an invalid ${option} prints the usage of teach`, () => {
    const args = ["teach", "examples.csv", "--out", path("x.json"), option, "xx"];
    const { status, stderr } = tabsense([...args, ...MODEL]);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`${option} must be one ASCII character .*not "xx"`));
    assert.match(stderr, /\n\nUsage: tabsense teach /);
  });

test("rejects files that aren't a taught classifier, and pairs for one", () => {
  const wrong = write("wrong.json", "{}");
  const missing = tabsense(["classify", "a", "--taught", path("nowhere.json"), ...MODEL]);
  assert.match(missing.stderr, /nowhere\.json could not be read/);
  const none = tabsense(["classify", "a", "--taught", wrong, ...MODEL]);
  assert.match(none.stderr, /not_a_model: This is not a taught classifier/);
  const pair = tabsense(["classify", "a", "--pair", "b", "--taught", wrong, ...MODEL]);
  assert.match(pair.stderr, /--pair is for models of pairs/);
  assert.deepEqual([missing.status, none.status, pair.status], [1, 1, 2]);
});
