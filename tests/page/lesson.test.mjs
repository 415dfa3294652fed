// The Teach tab's modules without the page: the parts of a lesson that count, and a table's example columns.

import assert from "node:assert/strict";
import test from "node:test";
import { bundled, load } from "./modules.mjs";

test("a lesson counts each text once, under the first label that has it", async () => {
  const { Lesson } = await load("teach/lesson.ts");
  const lesson = new Lesson({ a: ["one", " one ", "", "two  words"], b: ["three", "one"], none: [] });
  assert.deepEqual(lesson.counted.examples, [
    { text: "one", label: "a" },
    { text: "two words", label: "a" },
    { text: "three", label: "b" },
  ]);
  assert.deepEqual(lesson.counted.clashes, [{ text: "one", label: "b", other: "a" }]);
  assert.deepEqual(
    [...lesson.counts()],
    [
      ["a", 2],
      ["b", 1],
      ["none", 0],
    ],
  );
  assert.deepEqual(lesson.toRecord(), { a: ["one", "two words"], b: ["three"], none: [] });
  lesson.removeLabel("a");
  assert.deepEqual(lesson.toRecord(), { b: ["three", "one"], none: [] }, "what was second counts now");
  lesson.put({ text: "three", label: "none" });
  assert.deepEqual(lesson.toRecord(), { b: ["one"], none: ["three"] });
  lesson.putAll([
    { text: "four", label: "c" },
    { text: "five", label: "b" },
  ]);
  assert.deepEqual(lesson.first(1).toRecord(), { b: ["one"], none: ["three"], c: ["four"] });
  lesson.drop("one");
  assert.deepEqual(lesson.linesOf("b"), ["five"]);
});

test("a label may have any name", async () => {
  const { Lesson } = await load("teach/lesson.ts");
  const lesson = new Lesson();
  for (const name of ["__proto__", "constructor", "7"]) lesson.put({ text: `of ${name}`, label: name });
  const record = lesson.toRecord();
  assert.deepEqual(Object.keys(record).toSorted(), ["7", "__proto__", "constructor"]);
  assert.equal(lesson.counted.examples.length, 3);
});

test("columns of texts and labels are found by name, or by what is in them", async () => {
  const { guessColumns, examplesOf, intakeWords, tooMany } = await bundled("teach/intake.ts");
  const rows = [
    ["1", "yes", "It came late and broken", "post"],
    ["2", "no", "Lovely service, thank you", "shop"],
    ["3", "no", "Where is it now?", "post"],
    ["4", "yes", "The colour is wrong", "shop"],
  ];
  assert.deepEqual(guessColumns({ columns: ["id", "intent", "text", "from"], rows }), { text: 2, label: 1 });
  assert.deepEqual(guessColumns({ columns: ["a", "b", "c", "d"], rows }), { text: 2, label: 1 });
  assert.deepEqual(
    guessColumns({ columns: ["id", "message"], rows: rows.map((row) => [row[0], row[2]]) }),
    { text: 1, label: -1 },
    "numbers of rows are no labels",
  );
  assert.equal(guessColumns({ columns: ["n"], rows: [["1"], ["2"]] }), null);
  const examples = examplesOf(
    { rows: [...rows, ["5", "", "no label", ""], ["6", "yes", null, ""]] },
    { text: 2, label: 1 },
  );
  assert.equal(examples.length, 4);
  assert.equal(
    intakeWords("x.csv", examples, 6),
    "x.csv: 4 examples of 2 labels; 2 rows without a text or a label.",
  );
  const limits = { examples: 10, labels: 3 };
  assert.equal(tooMany({ examples: 10, labels: 3 }, limits), null);
  assert.match(tooMany({ examples: 11, labels: 3 }, limits), /11 examples, but this tab allows at most 10/);
  assert.match(tooMany({ examples: 10, labels: 4 }, limits), /4 labels, but this tab allows at most 3/);
});

test("placeholders and values are cut out of a text, the longer ones first", async () => {
  const { cutAt, pieces, maskedPieces } = await bundled("redact/marks.ts");
  const entity = (label, number, start, text) => ({
    label,
    text,
    start,
    end: start + text.length,
    placeholder: `[${label}_${number}]`,
  });
  const text = "Ana and Anabel";
  const entities = [entity("NAME", 1, 0, "Ana"), entity("NAME", 11, 8, "Anabel")];
  const words = (found) => found.map((piece) => `${piece.text}:${piece.entity}`);
  assert.deepEqual(words(pieces(text, entities)), ["Ana:0", " and :null", "Anabel:1"]);
  assert.deepEqual(words(maskedPieces(text, entities)), ["[NAME_1]:0", " and :null", "[NAME_11]:1"]);
  assert.deepEqual(words(cutAt("[NAME_11] [NAME_1] [NAME_2]", entities, ({ placeholder }) => placeholder)), [
    "[NAME_11]:1",
    " :null",
    "[NAME_1]:0",
    " [NAME_2]:null",
  ]);
  assert.deepEqual(
    cutAt("plain", [], ({ placeholder }) => placeholder),
    [{ text: "plain", entity: null }],
  );
});
