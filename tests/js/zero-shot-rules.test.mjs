// Python's rules of zero-shot classification: labels, templates, and the meaning of logits.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { entailmentOf, ranked, scoresOf } from "../../dist/zero-shot/entailment.js";
import { hypotheses, MAX_LABELS, readLabels } from "../../dist/zero-shot/labels.js";
import { ROOT } from "./support.mjs";

const GOLDENS = JSON.parse(readFileSync(join(ROOT, "test_data/zero_shot/goldens.json"), "utf8"));
/** Python computes with 32 bits. */
const TOLERANCE = 1e-6;

for (const { model, order, labels, cases } of GOLDENS) {
  test(`${model}, ${order}: scores and their order are Python's`, () => {
    const of = entailmentOf(labels);
    assert.equal(of.named, order !== "no names");
    for (const { labels: given, logits, multiLabel, results } of cases) {
      const names = readLabels(given);
      for (const [i, wanted] of results.entries()) {
        const rows = logits.slice(i * names.length, (i + 1) * names.length);
        const got = ranked(names, scoresOf(rows, of, multiLabel));
        assert.deepEqual(
          got.map(({ label }) => label),
          wanted.labels,
        );
        got.forEach(({ score }, j) => {
          assert.ok(Math.abs(score - wanted.scores[j]) < TOLERANCE, `${score} for ${wanted.scores[j]}`);
        });
      }
    }
  });
}

test("the goldens hold every order of the well-known models' labels, and all rules", () => {
  assert.equal(GOLDENS.length, 3 + 6 + 6);
  const pairs = new Set(GOLDENS.map(({ labels }) => Object.values(entailmentOf(labels)).join()));
  assert.deepEqual(
    [...pairs].sort(),
    ["0,1,true", "0,2,true", "1,0,false", "1,0,true", "2,0,false", "2,0,true"].sort(),
  );
});

test("logits of any size have scores", () => {
  const of = entailmentOf(["contradiction", "entailment"]);
  assert.deepEqual(
    scoresOf(
      [
        [0, 1000],
        [0, 999],
      ],
      of,
      false,
    ).map((x) => x.toFixed(3)),
    ["0.731", "0.269"],
  );
  assert.deepEqual(
    scoresOf(
      [
        [-1000, 1000],
        [1000, -1000],
      ],
      of,
      true,
    ),
    [1, 0],
  );
});

test("labels come as a list or with commas between them", () => {
  assert.deepEqual(readLabels(" travel,cooking ,, not  cooking,"), ["travel", "cooking", "not  cooking"]);
  assert.deepEqual(readLabels(["a, b", " c ", "a, b"]), ["a, b", " c ", "a, b"]);
});

const NO_LABELS = {
  "no label": [[], /no labels/],
  "commas alone": [" , ,", /no labels/],
  "an empty label": [["a", " "], /labels\[1\] is empty/],
  "a number": [["a", 7], /labels\[1\] must be a string, not a value of type number/],
  "a hole": [["a", , "b"], /labels\[1\].*undefined/],
  null: [null, /not null/],
  "an object": [{ a: 1 }, /type object/],
  "more labels than anybody waits for": [Array.from({ length: 5000 }, (_, i) => `label ${i}`), /5000 labels/],
};

for (const [name, [labels, message]] of Object.entries(NO_LABELS)) {
  test(`refuses ${name}`, () =>
    assert.throws(() => readLabels(labels), { name: "TabsenseError", kind: "invalid_argument", message }));
}

test(`takes ${MAX_LABELS} labels`, () => {
  assert.equal(readLabels(Array.from({ length: MAX_LABELS }, (_, i) => `${i}`)).length, MAX_LABELS);
});

test("templates are formatted as Python formats them", () => {
  for (const [template, wanted] of [
    ["This example is {}.", "This example is $&."],
    ["{}", "$&"],
    ["{0} or not {0}", "$& or not $&"],
    ["{{{}}} it", "{$&} it"],
    ["}}{{ {}", "}{ $&"],
  ]) {
    // A label is not interpreted as a replacement pattern.
    assert.deepEqual(hypotheses(template, ["$&"]), [wanted]);
  }
});

test("refuses templates without a place for the label, as Python does, and such as it can't format", () => {
  for (const template of ["This example is good.", "", "{{}}", "{{0}}"]) {
    assert.throws(() => hypotheses(template, ["a"]), {
      kind: "invalid_argument",
      message: /^The provided hypothesis_template ".*" was not able to be formatted with the target labels\./,
    });
  }
  for (const template of ["{} and {}", "{label}", "{1}", "{", "a } b {}", "{!r}", "{:>9}"]) {
    assert.throws(() => hypotheses(template, ["a"]), {
      kind: "invalid_argument",
      message: /with one \{\} or with \{0\}/,
    });
  }
  assert.throws(() => hypotheses(null, ["a"]), { kind: "invalid_argument", message: /not null/ });
});
