// The tagger with the model pii-en: entities compared with onnxruntime's, long texts, masks, streams, errors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findPhoneNumbersInText } from "libphonenumber-js/min";
import { pipeline, TabsenseError, Tagger } from "tabsense";
import { setUpModel } from "../../scripts/models.mjs";
import { count, readSentences } from "../../scripts/pii-sentences.mjs";
import { filesOf, rejects, ROOT } from "./support.mjs";

/** For scores whose logits are 2e-5 off, and for the rounded decimals of the goldens. */
const TOLERANCE = 1e-5;

const FOLDER = join(ROOT, "models/pii-en");
const { cases } = JSON.parse(readFileSync(join(ROOT, "test_data/pii/entities.json"), "utf8"));
const TEXTS = cases.map(({ text }) => text);

let tagger;
before(async () => {
  await setUpModel("pii-en");
  tagger = await Tagger.load(FOLDER, { device: "cpu", threads: 1 });
});
after(() => tagger?.dispose());

const words = (entities) => entities.map(({ label, text }) => `${label}: ${text}`);

for (const aggregation of ["simple", "first"])
  test(`entities of 200 sentences are those that onnxruntime gives: ${aggregation}`, async () => {
    const found = await tagger.tag(TEXTS, { aggregation });
    let worst = 0;
    for (const [i, wanted] of cases.entries()) {
      const places = found[i].map(({ label, start, end }) => [label, start, end]);
      assert.deepEqual(
        places,
        wanted[aggregation].map(([label, start, end]) => [label, start, end]),
        wanted.text,
      );
      for (const [j, { score, text, start, end, ...rest }] of found[i].entries()) {
        assert.equal(text, wanted.text.slice(start, end));
        assert.deepEqual(Object.keys(rest), ["label"]);
        worst = Math.max(worst, Math.abs(score - wanted[aggregation][j][3]));
      }
    }
    assert.ok(worst <= TOLERANCE, `${worst}`);
  });

test("finds whole words by default", async () => {
  assert.deepEqual(
    await tagger.tag(TEXTS.slice(0, 20)),
    await tagger.tag(TEXTS.slice(0, 20), { aggregation: "first" }),
  );
});

test("the model and patterns find what the card says", async () => {
  const sentences = readSentences();
  const masked = await tagger.redact(TEXTS, { patterns: true });
  const counts = count(
    sentences,
    masked.map(({ entities }) => entities),
  );
  const sum = (key) => Object.values(counts).reduce((sum, each) => sum + each[key], 0);
  const { there, found, partly, missed, alarms } = Object.fromEntries(
    ["there", "found", "partly", "missed", "alarms"].map((key) => [key, sum(key)]),
  );
  const card = readFileSync(join(FOLDER, "README.md"), "utf8");
  assert.match(
    card,
    new RegExp(`\\| all \\| ${there} \\|.*\\| ${found} \\| ${partly} \\| ${missed} \\| ${alarms} \\|`),
  );
  for (const [i, { restore, text, entities }] of masked.entries()) {
    assert.equal(restore(text), TEXTS[i]);
    for (const entity of entities) assert.equal(entity.text, TEXTS[i].slice(entity.start, entity.end));
  }
});

test("finds entities beyond the model's 512 tokens, with positions in the whole text", async () => {
  const filler = "The printer is out of paper and the queue is stuck. ";
  const names = ["Hannah Lindqvist", "Marcus Oyelaran", "Ingrid Solberg"];
  const text = names.map((name) => `${filler.repeat(60)}My name is ${name}. `).join("");
  assert.ok(text.length > 9000);
  const entities = await tagger.tag(text);
  const people = entities.filter(({ label }) => /NAME/.test(label));
  assert.equal(people.map(({ text }) => text).join(" "), names.join(" "));
  for (const { start, end, text: part } of entities) assert.equal(text.slice(start, end), part);
  const { text: masked, restore } = await tagger.redact(text);
  assert.ok(names.every((name) => name.split(" ").every((part) => !masked.includes(part))));
  assert.equal(restore(masked), text);
});

test("entities name their source if patterns are used", async () => {
  const text = "Ana pays with 4111 1111 1111 1111";
  const found = await tagger.tag(text, { patterns: ["card"] });
  assert.deepEqual(
    found.map(({ label, source, pattern }) => [label, source, pattern]),
    [
      ["GIVEN_NAME", "model", undefined],
      ["CARD", "pattern", "card"],
    ],
  );
  assert.ok((await tagger.tag(text)).every((entity) => !("source" in entity)));
});

test("phone numbers by libphonenumber-js are a pattern like any other", async () => {
  const find = (text) =>
    findPhoneNumbersInText(text, "US").map(({ startsAt, endsAt }) => ({ start: startsAt, end: endsAt }));
  const phone = { name: "phone", label: "PHONE", find };
  const { text, entities } = await tagger.redact("You can reach our office on +1 303 555 0198.", {
    patterns: [phone],
  });
  assert.equal(text, "You can reach our office on [PHONE_1].");
  assert.equal(entities[0].pattern, "phone");
  const masked = await tagger.redact(TEXTS, { patterns: ["email", "iban", "card", "ip", "url", phone] });
  const { PHONE } = count(
    readSentences(),
    masked.map(({ entities }) => entities),
  );
  assert.deepEqual(
    [PHONE.there, PHONE.found, PHONE.partly, PHONE.alarms],
    [32, 31, 1, 0],
    "as the card says",
  );
});

test("restores the values in an answer", async () => {
  const text = "My name is Ana Ruiz, write to ana@example.com.";
  const { text: masked, restore, missing } = await tagger.redact(text, { patterns: true });
  assert.equal(masked, "My name is [GIVEN_NAME_1] [SURNAME_1], write to [EMAIL_1].");
  assert.equal(restore("Dear [GIVEN_NAME_1]!"), "Dear Ana!");
  assert.deepEqual(words(missing("Dear [GIVEN_NAME_1]!")), ["SURNAME: Ruiz", "EMAIL: ana@example.com"]);
  const label = await tagger.redact("Ana met Peter.", { replace: ({ label }) => `[${label}]` });
  assert.equal(label.text, "[GIVEN_NAME] met [GIVEN_NAME].");
  assert.throws(
    () => label.restore(label.text),
    (error) => error instanceof TabsenseError && error.kind === "invalid_argument",
  );
});

test("labels, ignoreLabels, and texts without anything", async () => {
  const text = "My name is Ana Ruiz from Seville.";
  assert.deepEqual(words(await tagger.tag(text, { ignoreLabels: ["O", "CITY"] })), [
    "GIVEN_NAME: Ana",
    "SURNAME: Ruiz",
  ]);
  const all = await tagger.tag(text, { ignoreLabels: [] });
  assert.ok(all.some(({ label }) => label === "O"));
  assert.equal(
    (await tagger.redact(text, { labels: ["SURNAME"] })).text,
    "My name is Ana [SURNAME_1] from Seville.",
  );
  assert.deepEqual(await tagger.tag(["", " \n", "ok then"]), [[], [], []]);
  assert.deepEqual(await tagger.tag([]), []);
  assert.deepEqual(await tagger.redact([]), []);
  assert.equal((await tagger.redact("")).text, "");
});

test("a stream yields the entities of each text in order, and rejects anything but strings", async () => {
  async function* source() {
    for (const text of TEXTS.slice(0, 30)) yield text;
  }
  const wanted = await tagger.tag(TEXTS.slice(0, 30));
  const got = [];
  for await (const one of tagger.stream(source())) got.push(one);
  assert.deepEqual(
    got,
    wanted.map((entities, index) => ({ index, text: TEXTS[index], entities })),
  );
  const all = async (texts, options) => {
    for await (const _ of tagger.stream(texts, options));
  };
  await rejects("invalid_argument", all([{ text: "a", pair: "b" }]), /is not a string but object/);
  await rejects("invalid_argument", all("a text"), /stream needs an iterable of texts/);
  await rejects("invalid_argument", all(["a"], { onProgress() {} }), /doesn't support onProgress/);
});

test("rejects invalid options and says what to pass", async () => {
  for (const [call, words] of [
    [() => tagger.tag(1), /tag takes a string or an array of strings, not 1/],
    [() => tagger.tag(["a", null]), /texts\[1\] is not a string but null/],
    [() => tagger.tag("a", { aggregation: "mean" }), /aggregation must be one of .*"first".* not "mean"/],
    [() => tagger.tag("a", { aggregate: "first" }), /Unknown option "aggregate"/],
    [() => tagger.tag("a", { ignoreLabels: "O" }), /ignoreLabels must be an array of labels/],
    [() => tagger.tag("a", { patterns: ["phone"] }), /"phone" is not a pattern/],
    [() => tagger.redact("a", { aggregation: "none" }), /aggregation must be one of/],
    [() => tagger.redact("a", { labels: ["NAME"] }), /labels names "NAME", .*GIVEN_NAME/],
    [() => tagger.redact("a", { labels: ["IBAN"] }), /labels names "IBAN"/],
    [() => tagger.redact("a", { replace: "x" }), /replace must be a function/],
    [() => tagger.redact("Ana Ruiz", { replace: () => null }), /replace returned null/],
  ])
    await rejects("invalid_argument", call(), words);
  assert.equal((await tagger.redact("a", { labels: ["IBAN"], patterns: ["iban"] })).text, "a");
});

test("a call can be aborted and reports progress", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const call = tagger.tag(Array(400).fill(TEXTS.join(" ").slice(0, 4000)), { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(call, (thrown) => thrown === reason);
  const reported = [];
  await tagger.tag(TEXTS.slice(0, 40), { onProgress: ({ done, total }) => reported.push([done, total]) });
  assert.deepEqual(reported.at(-1), [40, 40]);
});

test("a tagger that is disposed of refuses calls", async () => {
  const other = await Tagger.load(FOLDER, { device: "cpu", threads: 1 });
  await other.dispose();
  await rejects("disposed", other.tag("a"));
  await rejects("disposed", other.redact("a"));
});

test("rejects a model with another head, and one without labels", async () => {
  await rejects("config_unsupported", Tagger.load(filesOf(), { device: "cpu" }), /ForTokenClassification/);
  const read = (name) => readFileSync(join(FOLDER, name));
  const config = JSON.parse(read("config.json"));
  delete config.id2label;
  delete config.label2id;
  const files = {
    "config.json": Buffer.from(JSON.stringify(config)),
    "tokenizer.json": read("tokenizer.json"),
    "onnx/model_q4.onnx": read("onnx/model_q4.onnx"),
  };
  await rejects("config_invalid", Tagger.load(files, { device: "cpu" }), /id2label/);
});

test("pipeline gives what transformers.js gives", async (t) => {
  const ner = await pipeline("ner", FOLDER, { device: "cpu" });
  t.after(() => ner.dispose());
  const text = "Jürgen Weiß signed the contract";
  const tokens = await ner(text);
  assert.deepEqual(
    tokens.map(({ score, ...rest }) => rest),
    [
      { entity: "B-GIVEN_NAME", index: 1, word: "jurgen", start: 0, end: 6 },
      { entity: "B-SURNAME", index: 2, word: "wei", start: 7, end: 10 },
      { entity: tokens[2].entity, index: 3, word: "##ß", start: 10, end: 11 },
    ],
  );
  const groups = await ner([text, "ok"], { aggregation_strategy: "first" });
  assert.deepEqual(
    groups.map((list) => list.map(({ score, ...rest }) => rest)),
    [
      [
        { entity_group: "GIVEN_NAME", word: "jurgen", start: 0, end: 6 },
        { entity_group: "SURNAME", word: "weiß", start: 7, end: 11 },
      ],
      [],
    ],
  );
  const everything = await ner("ok then", { ignore_labels: [] });
  assert.deepEqual(
    everything.map(({ word, index }) => [word, index]),
    [
      ["ok", 1],
      ["then", 2],
    ],
  );
  assert.equal(ner.task, "token-classification");
  assert.equal(ner.model.config.id2label[1], "B-GIVEN_NAME");
  assert.equal((await ner.tagger.redact("I am Ana.")).text, "I am [GIVEN_NAME_1].");
  await rejects(
    "invalid_argument",
    ner("a", { aggregation_strategy: "mean" }),
    /aggregation_strategy must be one of/,
  );
  await rejects("invalid_argument", ner("a", { ignore_labels: "O" }), /ignore_labels must be an array/);
  await rejects("invalid_argument", ner(["a", 1]), /texts\[1\]/);
});
