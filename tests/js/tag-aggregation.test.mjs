// Tokens to entities, compared with Python's pipeline (test_data/make_tagging.py); BIOES labels.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { aggregator, softmaxRows } from "../../dist/tag/aggregate.js";
import { tagsOf } from "../../dist/tag/labels.js";
import { AGGREGATIONS } from "../../dist/tag/types.js";
import { wordsOf } from "../../dist/tag/words.js";
import { ROOT } from "./support.mjs";

/** Python adds up probabilities in F32. */
const TOLERANCE = 1e-6;

const FOLDER = join(ROOT, "test_data/tagging");

for (const file of readdirSync(FOLDER)) {
  const { labels, spelling, cases } = JSON.parse(readFileSync(join(FOLDER, file), "utf8"));
  const aggregate = aggregator(labels);
  for (const aggregation of AGGREGATIONS) {
    test(`entities are those of Python's pipeline: ${file}, ${aggregation}`, () => {
      for (const { text, tokens: rows, logits, expected } of cases) {
        const tokens = rows.map(([text, start, end, subword]) => ({
          text,
          start,
          end,
          subword: subword === 1,
        }));
        const scores = softmaxRows(new Float32Array(logits), labels.length);
        const groups = aggregate({ text, tokens, scores }, aggregation);
        assert.deepEqual(
          groups.map(({ label, start, end }) => [label, start, end]),
          expected[aggregation].map(([label, , start, end]) => [label, start, end]),
          text,
        );
        for (const [i, [, score, start, end, word]] of expected[aggregation].entries()) {
          assert.ok(Math.abs(groups[i].score - score) <= TOLERANCE, `${text}, ${i}: ${groups[i].score}`);
          const own = tokens.slice(...groups[i].tokens);
          // Python gives the token as in the vocabulary, but an unknown token as in the text.
          const unknown = ["[UNK]", "<unk>"].includes(own[0].text);
          if (aggregation === "none")
            assert.equal(unknown ? text.slice(start, end) : own[0].text, word, text);
          // With words, Python decodes twice: "Zoë" becomes "Zo�", and spaces are lost.
          const simple = aggregation === "simple" || spelling === "prefix";
          if (aggregation !== "none" && simple) assert.equal(wordsOf(own, text, spelling), word, text);
        }
      }
    });
  }
}

/** The entities of a sequence of labels, one word each: `"B-A I-A"`. */
function entitiesOf(sequence) {
  const text = sequence;
  const wanted = sequence.split(" ");
  const labels = ["O", "B-A", "I-A", "E-A", "S-A", "L-A", "U-A", "B-B", "I-B", "S-B", "E-MAIL"];
  const tokens = wanted.map((label, i) => {
    const start = wanted.slice(0, i).join(" ").length + (i > 0 ? 1 : 0);
    return { text: label, start, end: start + label.length, subword: false };
  });
  const scores = new Float32Array(wanted.flatMap((label) => labels.map((each) => (each === label ? 1 : 0))));
  const aggregate = aggregator(labels);
  return aggregate({ text, tokens, scores }, "simple").map(
    ({ label, start, end }) => `${label}: ${text.slice(start, end)}`,
  );
}

for (const [sequence, entities] of Object.entries({
  "B-A I-A B-A": ["A: B-A I-A", "A: B-A"],
  "I-A I-A I-B": ["A: I-A I-A", "B: I-B"],
  "B-A I-A E-A I-A": ["A: B-A I-A E-A", "A: I-A"],
  "B-A E-A B-A E-A": ["A: B-A E-A", "A: B-A E-A"],
  "S-A S-A I-A": ["A: S-A", "A: S-A", "A: I-A"],
  "B-A L-A U-A E-A": ["A: B-A L-A", "A: U-A", "A: E-A"],
  "B-A S-B I-B": ["A: B-A", "B: S-B", "B: I-B"],
  "E-MAIL E-MAIL O": ["E-MAIL: E-MAIL E-MAIL", "O: O"],
}))
  test(`labels of BIOES and BILOU: ${sequence}`, () => assert.deepEqual(entitiesOf(sequence), entities));

test("a label without B- or I- of its name has no prefix, whatever it begins with", () => {
  const labels = ["S-BAHN", "L-SHAPED", "B-", "NOUN-PROPER", "U-BOAT", "I-BOAT"];
  const names = tagsOf(labels).map(({ name }) => name);
  assert.deepEqual(names, ["S-BAHN", "L-SHAPED", "B-", "NOUN-PROPER", "BOAT", "BOAT"]);
});
