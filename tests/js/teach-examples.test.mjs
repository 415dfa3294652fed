// The examples that `teach` accepts and refuses; labels as words; leave-one-out reports. Needs no model.

import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluation } from "../../dist/teach/evaluation.js";
import { collect } from "../../dist/teach/examples.js";
import { textsOf, wordsOf } from "../../dist/teach/names.js";
import { scoresOf } from "../../dist/teach/scores.js";

test("examples by label, and lists of them, are the same", () => {
  const wanted = {
    labels: ["a", "b"],
    multi: false,
    examples: [
      { text: "one", labels: ["a"] },
      { text: "two", labels: ["a"] },
      { text: "three", labels: ["b"] },
    ],
  };
  assert.deepEqual(collect({ a: ["one", "two"], b: ["three"] }), wanted);
  const list = wanted.examples.map(({ text, labels: [label] }) => ({ text, label }));
  assert.deepEqual(collect(list), wanted);
});

test("a label may have no example, and a text several labels or none", () => {
  assert.deepEqual(collect({ a: [], b: [] }), { labels: ["a", "b"], multi: false, examples: [] });
  const several = [
    { text: "one", labels: ["a", "b", "a"] },
    { text: "two", labels: [] },
  ];
  assert.deepEqual(collect(several), {
    labels: ["a", "b"],
    multi: true,
    examples: [
      { text: "one", labels: ["a", "b"] },
      { text: "two", labels: [] },
    ],
  });
});

const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`label ${i}`, []]));
const REFUSED = {
  "no object": ["one", /examples by label .* or a list of \{ text, label \}, not string/],
  null: [null, /not null/],
  "no label": [{}, /no labels to teach/],
  "an empty list": [[], /no labels to teach/],
  "one label": [{ a: ["one", "two"] }, /only one label \("a"\).*"other"/],
  "texts that are not an array": [
    { a: "one", b: [] },
    /examples of "a" must be an array of texts, not string/,
  ],
  "a text that is none": [{ a: ["one", 2], b: [] }, /Example 1 of "a" is not a string but 2/],
  "an empty text": [{ a: ["one", " \n"], b: [] }, /An example of "a" is empty\. Remove it/],
  "a label without a name": [{ "": ["one"], b: [] }, /label has an empty name/],
  "a text under two labels": [
    { a: ["one"], b: ["one"] },
    /"one" is an example of "a" and of "b"\. Remove one/,
  ],
  "an example without a text": [[{ label: "a" }], /examples\[0\] has no text/],
  "an example without a label": [[{ text: "one" }], /examples\[0\]: label must be a string, not undefined/],
  "both kinds of labels": [[{ text: "one", label: "a", labels: ["a"] }], /both label and labels/],
  "both kinds of examples": [
    [
      { text: "one", labels: ["a"] },
      { text: "two", label: "b" },
    ],
    /examples\[1\] has label, others have labels/,
  ],
  "a text with other labels the second time": [
    [
      { text: "one", labels: ["a"] },
      { text: "one", labels: ["a", "b"] },
    ],
    /"one" occurs twice, with different labels/,
  ],
  "too many labels": [many(5001), /5001 labels, more than 5000/],
};

for (const [what, [given, message]] of Object.entries(REFUSED))
  test(`refused: ${what}`, () => {
    assert.throws(() => collect(given), { kind: "invalid_argument", message });
  });

test("accepts 5,000 labels", () => {
  assert.equal(collect(many(5000)).labels.length, 5000);
});

test("reads the words in labels' names", () => {
  for (const [name, words] of [
    ["card_payment_fee", "card payment fee"],
    ["Sci/Tech", "Sci Tech"],
    ["refundRequest", "refund Request"],
    ["HTTPError", "HTTP Error"],
    ["top-up limits", "top up limits"],
    ["C++", "C++"],
    ["don't know", "don't know"],
    ["größeÄndern", "größe Ändern"],
    ["1", "1"],
    ["?!", "?!"],
  ])
    assert.equal(wordsOf(name), words);
  assert.deepEqual(textsOf({ name: "a_b", description: "what it is" }), ["a b", "what it is"]);
  assert.deepEqual(textsOf({ name: "a_b", description: null }), ["a b"]);
});

test("scores are a softmax at the temperature, or with several labels a sigmoid each", () => {
  const trained = {
    weights: Float32Array.from([1, 0, 0, 2]),
    bias: Float32Array.from([0, Math.log(2)]),
    keep: { temperature: 2 },
  };
  const vector = Float32Array.from([1, 0]);
  const [a, b] = [Math.exp(0.5), Math.exp(Math.log(2) / 2)];
  const near = (got, wanted) =>
    got.forEach((x, i) => assert.ok(Math.abs(x - wanted[i]) < 1e-7, `${x} for ${wanted[i]}`));
  near(scoresOf(vector, trained, false), [a / (a + b), b / (a + b)]);
  near(scoresOf(vector, trained, true), [a / (1 + a), b / (1 + b)]);
  trained.bias = Float32Array.from([3e38, 0]);
  near(scoresOf(vector, trained, false), [1, 0]);
});

const example = (id, ...labels) => ({ id, text: `text ${id}`, labels });

test("a report counts what leave-one-out says", () => {
  const examples = [example(0, "a"), example(1, "a"), example(2, "b"), example(3, "b")];
  const leftOut = {
    predicted: Uint32Array.from([0, 1, 1, 0]),
    probability: Float32Array.from([0.9, 0.5, 0.75, 0.875]),
    own: Float32Array.from([0.9, 0.25, 0.75, 0.0625]),
  };
  assert.deepEqual(evaluation(leftOut, 0.5, examples, ["a", "b", "c"], false), {
    accuracy: 0.5,
    examples: 4,
    labels: [
      { label: "a", examples: 2, precision: 0.5, recall: 0.5 },
      { label: "b", examples: 2, precision: 0.5, recall: 0.5 },
      { label: "c", examples: 0, precision: null, recall: null },
    ],
    confusions: [
      { label: "a", predicted: "b", count: 1 },
      { label: "b", predicted: "a", count: 1 },
    ],
    // Twice as likely doesn't count as doubtful.
    doubtful: [{ ...examples[3], predicted: "a", score: 0.875 }],
  });
});

test("a report of texts with several labels counts each label", () => {
  const examples = [example(0, "a", "b"), example(1), example(2, "b")];
  const own = Float32Array.from([0.9, 0.8, 0.1, 0.6, 0.2, 0.7]);
  const leftOut = { predicted: new Uint32Array(0), probability: new Float32Array(0), own };
  assert.deepEqual(evaluation(leftOut, 0.5, examples, ["a", "b"], true), {
    accuracy: 2 / 3,
    examples: 3,
    labels: [
      { label: "a", examples: 1, precision: 1, recall: 1 },
      { label: "b", examples: 2, precision: 2 / 3, recall: 1 },
    ],
    confusions: [],
    doubtful: [],
  });
});

test("a report without examples has no accuracy", () => {
  const none = { predicted: new Uint32Array(0), probability: new Float32Array(0), own: new Float32Array(0) };
  assert.equal(evaluation(none, 0.5, [], ["a", "b"], false).accuracy, null);
});
