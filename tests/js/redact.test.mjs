// Masking: placeholders, restoring the originals, overlapping entities, and invalid options.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutOverlaps } from "../../dist/redact/overlaps.js";
import { redact } from "../../dist/redact/redact.js";

/** The text and the entities of markup like `"Call [NAME Ana]"`. */
function marked(source, more = {}) {
  const entities = [];
  let text = "";
  let at = 0;
  for (const { 0: all, 1: label, 2: part, index } of source.matchAll(/\[([A-Z_]+) ([^\]]*)\]/g)) {
    text += source.slice(at, index);
    entities.push({
      label,
      score: 0.9,
      start: text.length,
      end: text.length + part.length,
      text: part,
      ...more,
    });
    text += part;
    at = index + all.length;
  }
  return { text: text + source.slice(at), entities };
}

const masked = (source, options) => {
  const { text, entities } = marked(source);
  return redact(text, entities, options);
};

const refused = (action, words) =>
  assert.throws(action, (error) => {
    assert.equal(error.kind, "invalid_argument");
    assert.match(error.message, words);
    return true;
  });

test("values get numbers by label, and the same value the same number", () => {
  const { text, entities, restore } = masked("[NAME Ana] wrote [NAME Bo] at [MAIL a@b.c]. [NAME Ana] waits.");
  assert.equal(text, "[NAME_1] wrote [NAME_2] at [MAIL_1]. [NAME_1] waits.");
  assert.deepEqual(
    entities.map(({ placeholder, start, text }) => [placeholder, start, text]),
    [
      ["[NAME_1]", 0, "Ana"],
      ["[NAME_2]", 10, "Bo"],
      ["[MAIL_1]", 16, "a@b.c"],
      ["[NAME_1]", 23, "Ana"],
    ],
  );
  assert.equal(restore(text), "Ana wrote Bo at a@b.c. Ana waits.");
});

test("an answer gets its entities back wherever their placeholders are", () => {
  const { restore, missing } = masked("Call [NAME Ana] or [NAME Bo], [PHONE 600 1]");
  const answer = "Dear [NAME_2], [NAME_2]! I told [NAME_1]; not [NAME_3], nor [Name_1].";
  assert.equal(restore(answer), "Dear Bo, Bo! I told Ana; not [NAME_3], nor [Name_1].");
  assert.deepEqual(
    missing(answer).map(({ text }) => text),
    ["600 1"],
  );
  refused(() => restore(answer, { strict: true }), /lacks 1 of 3 placeholders: \[PHONE_1\]/);
  assert.equal(restore("[NAME_1] [NAME_2] [PHONE_1]", { strict: true }), "Ana Bo 600 1");
  refused(() => restore(null), /restore needs a string, not null/);
  refused(() => missing(1), /missing needs a string, not number/);
});

test("doesn't use a placeholder that occurs in the text", () => {
  const { text, restore } = masked("As [[NAME_1]] says, [NAME Ana]");
  assert.equal(text, "As [[NAME_1]] says, [NAME_2]");
  assert.equal(restore(text), "As [[NAME_1]] says, Ana");
});

test("values that look like placeholders, patterns or replacements come back as they are", () => {
  const values = ["$&", "$1", "\\", "(NAME", "^.*"];
  const text = values.join(" ");
  const entities = values.map((value) => {
    const start = text.indexOf(value);
    return { label: "A.B*", score: 1, start, end: start + value.length, text: value };
  });
  const { text: out, restore } = redact(text, entities);
  assert.equal(out, "[A.B*_1] [A.B*_2] [A.B*_3] [A.B*_4] [A.B*_5]");
  assert.equal(restore(out), text);
  const eleven = masked(Array.from({ length: 11 }, (_, i) => `[N x${i}]`).join(""), {
    replace: (_, n) => `N${n}`,
  });
  assert.equal(eleven.restore("N11, N1"), "x10, x0");
});

test("labels choose what is masked, and replace what stands for it", () => {
  const source = "[NAME Ana], [PHONE 600 1], [PHONE 600 2]";
  assert.equal(masked(source, { labels: ["PHONE"] }).text, "Ana, [PHONE_1], [PHONE_2]");
  assert.equal(masked(source, { labels: [] }).text, "Ana, 600 1, 600 2");
  const seen = [];
  const { text } = masked(source, {
    replace: ({ label, text }, number) => (seen.push([label, text, number]), "█"),
  });
  assert.equal(text, "█, █, █");
  assert.deepEqual(seen, [
    ["NAME", "Ana", 1],
    ["PHONE", "600 1", 1],
    ["PHONE", "600 2", 2],
  ]);
});

test("says why ambiguous placeholders can't be restored", () => {
  const label = { replace: ({ label }) => `[${label}]` };
  assert.equal(masked("[NAME Ana] and [NAME Ana]", label).restore("[NAME]!"), "Ana!");
  refused(
    () => masked("[NAME Ana] and [NAME Bo]", label).restore("[NAME]!"),
    /"\[NAME\]" stands for different values/,
  );
  refused(() => masked("[NAME Ana]", { replace: () => "" }).restore("x"), /"" is empty/);
  refused(
    () => masked("me, [NAME Ana]", { replace: () => "me" }).restore("me"),
    /"me" also occurs in the text/,
  );
  refused(
    () => masked("x[NAME Ana]", { replace: () => "xx" }).restore("xx"),
    /"xx" also occurs in the text, alone or joined with the text around it/,
  );
  refused(() => masked("[NAME Ana]", { replace: () => 1 }), /replace returned number.*"NAME"/);
});

test("rejects an entity outside the text", () => {
  const entity = { label: "NAME", score: 1, start: 0, end: 3, text: "Ana" };
  for (const [start, end] of [
    [0, 4],
    [-1, 2],
    [2, 2],
    [3, 1],
    [0.5, 2],
    [Number.NaN, 2],
    [undefined, undefined],
  ])
    refused(() => redact("Ana", [{ ...entity, start, end }]), /is outside a text of 3 characters/);
});

test("nothing to mask leaves the text as it is", () => {
  const { text, entities, restore, missing } = redact("A text.", []);
  assert.deepEqual(
    [text, entities, restore("An answer."), missing("An answer.")],
    ["A text.", [], "An answer.", []],
  );
});

test("of overlapping entities a pattern wins, then the longest; all found text is masked", () => {
  const text = "mail ana.ruiz@example.com now, 0123456789";
  const entity = (label, part, more) => {
    const start = text.indexOf(part);
    return { label, score: 0.5, start, end: start + part.length, text: part, ...more };
  };
  const found = (...entities) =>
    withoutOverlaps(text, entities).map(({ label, text }) => `${label}: ${text}`);
  const pattern = { source: "pattern", score: 1 };
  assert.deepEqual(found(entity("NAME", "ana"), entity("MAIL", "ana.ruiz@example.com")), [
    "MAIL: ana.ruiz@example.com",
  ]);
  assert.deepEqual(
    found(entity("X", "mail ana.ruiz@example.com now"), entity("MAIL", "ana.ruiz@example.com", pattern)),
    ["X: mail", "MAIL: ana.ruiz@example.com", "X: now"],
  );
  assert.deepEqual(found(entity("A", "012345"), entity("B", "456789", { score: 0.6 })), [
    "A: 0123",
    "B: 456789",
  ]);
  assert.deepEqual(found(entity("A", "0123456"), entity("B", "456789")), ["A: 0123456", "B: 789"]);
  assert.deepEqual(found(entity("A", "0123456789"), entity("B", "345"), entity("C", "9")), ["A: 0123456789"]);
  // A remainder of only space and punctuation is dropped, and an entity has no space at its ends.
  assert.deepEqual(found(entity("A", "now,"), entity("B", "now", pattern)), ["B: now"]);
  assert.deepEqual(found(entity("A", " now, ")), ["A: now,"]);
  assert.deepEqual(found({ ...entity("A", " "), end: 5 }), []);
});

test("ten thousand entities are masked and restored within two seconds", () => {
  const text = Array.from({ length: 10_000 }, (_, i) => `name${i}`).join(" ");
  const entities = [...text.matchAll(/name\d+/g)].map(({ 0: part, index }) => {
    return { label: "NAME", score: 1, start: index, end: index + part.length, text: part };
  });
  const start = performance.now();
  const { text: out, restore } = redact(text, entities);
  assert.equal(restore(out), text);
  assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`);
});
