// The texts written for this project: labelled sentences to measure accuracy, and texts to measure speed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const DATA = fileURLToPath(new URL("../../test_data", import.meta.url));
const LABELS = ["POSITIVE", "NEGATIVE"];
const DOMAINS = ["shops", "films", "food", "software", "travel", "work"];

/** The minimum number of sentences in each category. */
const CATEGORIES = { plain: 100, negation: 40, irony: 40, mixed: 40, emoji: 40 };

/** The minimum number of texts of each length, and its range of tokens, including [CLS] and [SEP]. */
const LENGTHS = {
  short: { texts: 32, from: 3, to: 16 },
  medium: { texts: 32, from: 17, to: 64 },
  long: { texts: 32, from: 65, to: 200 },
  very_long: { texts: 24, from: 201, to: 700 },
};
const MAX_TOKENS = 512;

/** Two sentences that share more of their words than this count as duplicates. */
const NEAR = 0.4;

function read(name) {
  return readFileSync(join(DATA, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function count(rows, ...wanted) {
  return rows.filter((row) => wanted.every(([key, value]) => row[key] === value)).length;
}

/** Words and punctuation marks, as BERT splits a text before WordPiece: each is at least one token. */
function pieces(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu) ?? [];
}

function assertNoDuplicates(rows) {
  const bare = rows.map(({ text }) => pieces(text).filter((piece) => /[\p{L}\p{N}]/u.test(piece)));
  const seen = new Map();
  for (const [i, words] of bare.entries()) {
    const key = words.join(" ");
    assert.ok(!seen.has(key), `written twice: ${rows[i].text}`);
    seen.set(key, i);
  }
  const sets = bare.map((words) => new Set(words));
  for (let i = 0; i < sets.length; i++) {
    for (let j = 0; j < i; j++) {
      const shared = [...sets[i]].filter((word) => sets[j].has(word)).length;
      const overlap = shared / (sets[i].size + sets[j].size - shared);
      assert.ok(overlap <= NEAR, `too much alike: ${rows[j].text} | ${rows[i].text}`);
    }
  }
}

test("the labelled sentences are balanced in every domain and category", () => {
  const rows = read("sentiment_validation.jsonl");
  assert.ok(rows.length >= 320, `only ${rows.length} sentences`);
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), ["text", "label", "domain", "category"], row.text);
    assert.ok(row.text === row.text.trim() && row.text.length > 0, `"${row.text}"`);
    assert.ok(
      LABELS.includes(row.label) && DOMAINS.includes(row.domain) && row.category in CATEGORIES,
      JSON.stringify(row),
    );
    assert.equal(/\p{Extended_Pictographic}/u.test(row.text), row.category === "emoji", row.text);
  }
  for (const [category, fewest] of Object.entries(CATEGORIES)) {
    assert.ok(count(rows, ["category", category]) >= fewest, `too few of ${category}`);
    for (const domain of DOMAINS) {
      const [positive, negative] = LABELS.map((label) =>
        count(rows, ["category", category], ["domain", domain], ["label", label]),
      );
      assert.ok(positive > 0, `nothing of ${category} about ${domain}`);
      assert.equal(positive, negative, `${category} about ${domain}`);
    }
  }
  const words = rows.map(({ text }) => text.split(/\s+/).length);
  assert.ok(
    Math.min(...words) === 2 && Math.max(...words) > 50 && Math.max(...words) <= 60,
    `${Math.min(...words)} to ${Math.max(...words)} words`,
  );
});

test("no labelled sentence occurs twice", () => {
  assertNoDuplicates(read("sentiment_validation.jsonl"));
});

test("the texts of the benchmark have the lengths that they claim", () => {
  const rows = read("sentiment_benchmark.jsonl");
  assert.ok(rows.length >= 128, `only ${rows.length} texts`);
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, "ids are unique");
  for (const { id, text, length, ...rest } of rows) {
    assert.deepEqual(rest, {}, id);
    assert.ok(length in LENGTHS && id.startsWith(length.replace("_", "-")), id);
    // Pieces are a lower bound on tokens, and for English prose not far below them.
    const tokens = pieces(text).length + 2;
    assert.ok(
      tokens >= 0.9 * LENGTHS[length].from && tokens <= LENGTHS[length].to,
      `${id} has about ${tokens} tokens`,
    );
  }
  for (const [length, { texts }] of Object.entries(LENGTHS))
    assert.ok(count(rows, ["length", length]) >= texts, `too few ${length} texts`);
  const cut = rows.filter(({ text }) => pieces(text).length + 2 > MAX_TOKENS);
  assert.ok(cut.length >= 4, `only ${cut.length} texts are cut at ${MAX_TOKENS} tokens`);
});

test("no text of the benchmark occurs twice", () => {
  assertNoDuplicates(read("sentiment_benchmark.jsonl"));
});
