// Names that every JavaScript object has, used as labels, columns, tensors, prompts and keys of any file that
// JavaScript reads: they are treated like any other name, and no object gets a new property.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Classifier, Embedder, env, pipeline, TaughtClassifier } from "tabsense";
import { readSentenceFiles } from "../../dist/embed/sentence-transformers.js";
import { merged, shardNames } from "../../dist/files/shards.js";
import { objects, scratch, start } from "./command.mjs";
import { INDEX, safetensors, sharded } from "./sharded.mjs";
import { filesOf, rejects, TINY } from "./support.mjs";

/** One for each label of the tiny model. */
const NAMES = ["__proto__", "constructor", "prototype"];

/** Keys that an attacker would write to pollute the prototype. */
const POISON = '"__proto__": { "polluted": true }, "constructor": { "prototype": { "polluted": true } }';

const before = Reflect.ownKeys(Object.prototype);
after(() => assertClean());

function assertClean() {
  assert.deepEqual(Reflect.ownKeys(Object.prototype), before);
  assert.equal({}.polluted, undefined);
  assert.deepEqual(Reflect.ownKeys(Object).sort(), CONSTRUCTOR);
}
const CONSTRUCTOR = Reflect.ownKeys(Object).sort();

/** JSON whose object begins with the poison. */
const poisoned = (bytes) =>
  new TextEncoder().encode(new TextDecoder().decode(bytes).replace("{", () => `{ ${POISON},`));

/** The tiny model's files with other labels. */
function labelled(labels = NAMES) {
  const files = filesOf();
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  config.id2label = Object.fromEntries(labels.map((label, id) => [String(id), label]));
  config.label2id = Object.fromEntries(labels.map((label, id) => [label, id]));
  return { ...files, "config.json": new TextEncoder().encode(JSON.stringify(config)) };
}

/** Runs the command, which must succeed and leave its own process clean. */
async function command(...args) {
  const check = `process.on("exit", () => {
    if (Reflect.ownKeys(Object.prototype).length !== ${before.length}) process.exitCode = 99;
  });`;
  const node = ["--import", `data:text/javascript,${encodeURIComponent(check)}`];
  const { how, stdout, stderr } = await start(args, { node }).ended;
  assert.equal(how, 0, `${how}: ${stderr}`);
  return stdout;
}

/** Writes these files to a temporary folder. */
function folderOf(t, files) {
  const { folder, write } = scratch(t);
  for (const [name, bytes] of Object.entries(files)) write(name, bytes);
  return folder;
}

for (const worker of [true, false]) {
  test(`they are labels of a model like any other, worker: ${worker}`, async (t) => {
    const classifier = await Classifier.load(labelled(), { worker });
    t.after(() => classifier.dispose());
    assert.deepEqual(classifier.info.model.labels, NAMES);
    const scores = await classifier.classify("a text", { topK: null });
    assert.deepEqual(scores.map(({ label }) => label).sort(), [...NAMES].sort());
    assertClean();
  });
}

test("they are labels of a pipeline, which are looked up by name and by number", async (t) => {
  const classify = await pipeline("text-classification", labelled());
  t.after(() => classify.dispose());
  const { id2label, label2id } = classify.model.config;
  for (const [id, name] of NAMES.entries()) {
    assert.equal(id2label[id], name);
    assert.equal(Object.getOwnPropertyDescriptor(label2id, name).value, id);
  }
  assertClean();
});

test("they are keys of every JSON file of a model, which change nothing", async (t) => {
  const files = filesOf();
  const plain = await Classifier.load(files);
  const expected = await plain.classify("a text", { topK: null });
  await plain.dispose();
  const settings = { "tokenizer_config.json": '{ "tokenizer_class": "DistilBertTokenizer" }' };
  const all = { ...files, ...settings, "special_tokens_map.json": "{ }" };
  for (const name of Object.keys(all).filter((name) => name.endsWith(".json"))) {
    const bytes = typeof all[name] === "string" ? new TextEncoder().encode(all[name]) : all[name];
    const classifier = await Classifier.load({ ...files, [name]: poisoned(bytes) });
    assert.deepEqual(await classifier.classify("a text", { topK: null }), expected, name);
    await classifier.dispose();
    assertClean();
  }
});

test("they are tensors of weights in several files, and keys of their index", async () => {
  const entry = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const header = JSON.parse(`{ "__proto__": ${JSON.stringify(entry)}, "constructor": 0 }`);
  header.constructor = { ...entry, data_offsets: [4, 8] };
  const file = safetensors(header, Buffer.alloc(8));
  const open = async function* () {
    yield file;
  };
  const chunks = [];
  for await (const chunk of merged([{ name: "a", open }])) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const whole = JSON.parse(String(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0)))));
  assert.deepEqual(Object.keys(whole).sort(), ["__proto__", "constructor"]);
  const map = '{ "weight_map": { "__proto__": "a.safetensors", "constructor": "b.safetensors" } }';
  assert.deepEqual(shardNames(map, INDEX), ["a.safetensors", "b.safetensors"]);
  const files = sharded(2);
  files[INDEX] = poisoned(files[INDEX]);
  const classifier = await Classifier.load(files);
  assert.equal((await classifier.classify("a text")).length, 1);
  await classifier.dispose();
  assertClean();
});

test("they are prompts of an embedder", () => {
  const { prompts, defaultPrompt } = readSentenceFiles({
    sentenceTransformers:
      '{ "prompts": { "__proto__": "one: ", "constructor": "two: " }, "default_prompt_name": "__proto__" }',
  });
  assert.deepEqual(Object.entries(prompts), [
    ["__proto__", "one: "],
    ["constructor", "two: "],
  ]);
  assert.equal(defaultPrompt, "__proto__");
  assertClean();
});

test("they are taught, saved and read like any label, with and without a description", async (t) => {
  const embedder = await Embedder.load(TINY, { device: "cpu", threads: 1 });
  t.after(() => embedder.dispose());
  const examples = JSON.parse(
    '{ "__proto__": ["one text", "two"], "constructor": ["another", "more"], "toString": ["a third"] }',
  );
  const descriptions = JSON.parse('{ "__proto__": "the first" }');
  const mine = await embedder.teach(examples, { descriptions });
  assert.deepEqual(mine.labels, ["__proto__", "constructor", "toString"]);
  const saved = JSON.stringify(mine);
  const [wanted] = await mine.classify(["one text"], { topK: null });
  const again = await TaughtClassifier.from(saved, embedder);
  assert.deepEqual(await again.classify(["one text"], { topK: null }), [wanted]);
  // A key that was added to the file makes it invalid.
  await rejects("not_a_model", TaughtClassifier.from(saved.replace("{", `{ ${POISON},`), embedder));
  assertClean();
});

test("they are rejected as options and settings", async () => {
  const options = JSON.parse('{ "__proto__": { "worker": false } }');
  await rejects("invalid_argument", Classifier.load(TINY, options), /Unknown option "__proto__"/);
  const classifier = await Classifier.load(TINY);
  await rejects("invalid_argument", classifier.classify("a", options), /Unknown option "__proto__"/);
  await classifier.dispose();
  const own = { value: {}, enumerable: true, configurable: true };
  Object.defineProperty(env, "__proto__", own);
  await rejects("invalid_argument", pipeline("text-classification", TINY), /Unknown setting env\.__proto__/);
  Reflect.deleteProperty(env, "__proto__");
  assertClean();
});

test("the command reads and writes them as columns", async (t) => {
  const { write } = scratch(t);
  const csv = write("in.csv", "__proto__,constructor,text\none,two,a text\n");
  const model = ["--model", folderOf(t, labelled())];
  const [row] = objects(await command("classify", csv, ...model, "--column", "text"));
  assert.deepEqual(Object.entries(row).slice(0, 3), [
    ["__proto__", "one"],
    ["constructor", "two"],
    ["text", "a text"],
  ]);
  assert.ok(NAMES.includes(row.label));
  const byName = await command("classify", csv, ...model, "--column", "__proto__", "--out-format", "csv");
  assert.equal(byName.split("\n")[0], "__proto__,constructor,text,label,score");
  const jsonl = write("in.jsonl", `{ ${POISON}, "text": "a text" }\n`);
  assert.match(await command("classify", jsonl, ...model), /^\{ "__proto__": \{ "polluted": true \}/);
  assert.match(
    await command("classify", write("in.constructor", "a text"), "--format", "text", ...model),
    /a text/,
  );
});

test("info shows a model that has them as labels, types, tensors and facts", async (t) => {
  const files = labelled();
  const length = Number(new DataView(files["model.safetensors"].buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(files["model.safetensors"].subarray(8, 8 + length)));
  const data = files["model.safetensors"].subarray(8 + length);
  const first = Object.keys(header).find((name) => name !== "__metadata__");
  header[first].dtype = "__proto__";
  header.__metadata__ = JSON.parse('{ "__proto__": "x", "license": "MIT" }');
  const folder = folderOf(t, { ...files, "model.safetensors": safetensors(header, data) });
  const { labels, tensors, licence } = JSON.parse(await command("info", folder, "--json"));
  assert.deepEqual(labels, NAMES);
  assert.deepEqual(Object.entries(tensors).find(([type]) => type === "__proto__")?.[1].count, 1);
  assert.equal(licence, "MIT");
  await command("info", folder);
});
