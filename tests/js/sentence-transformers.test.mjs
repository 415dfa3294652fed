// The settings of an encoder in the files of sentence-transformers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readModules, readSentenceFiles } from "../../dist/embed/sentence-transformers.js";
import { readEmbedding } from "../../dist/embed/settings.js";
import { ROOT } from "./support.mjs";

const module = (idx, path, type) => ({
  idx,
  name: String(idx),
  path,
  type: `sentence_transformers.models.${type}`,
});
const ENCODER = [module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")];
const NORMALIZED = [...ENCODER, module(2, "2_Normalize", "Normalize")];
/** 1_Pooling/config.json in the format before version 5. */
const pooling = (mode, more = {}) => ({
  word_embedding_dimension: 384,
  pooling_mode_cls_token: mode === "cls",
  pooling_mode_mean_tokens: mode === "mean",
  pooling_mode_max_tokens: mode === "max",
  pooling_mode_mean_sqrt_len_tokens: mode === "mean_sqrt_len",
  ...more,
});
const read = (files) =>
  readSentenceFiles(
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)])),
  );
const NOTHING = {
  pooling: null,
  normalize: false,
  prompts: {},
  defaultPrompt: null,
  similarity: "cosine",
  maxTokens: null,
  lowerCase: false,
  staticFolder: null,
};

test("a model without such files has no settings", () => assert.deepEqual(readSentenceFiles({}), NOTHING));

test("all-MiniLM-L6-v2: the mean, normalized, 256 tokens", () => {
  const versions = {
    __version__: { sentence_transformers: "2.0.0", transformers: "4.6.1", pytorch: "1.8.1" },
  };
  const files = {
    modules: NORMALIZED,
    pooling: pooling("mean"),
    sentenceTransformers: versions,
    sentenceBert: { max_seq_length: 256, do_lower_case: false },
  };
  const wanted = { ...NOTHING, pooling: "mean", normalize: true, maxTokens: 256 };
  assert.deepEqual(read(files), wanted);
  // As bytes, with a byte order mark.
  const bytes = Object.entries(files).map(([name, file]) => [
    name,
    new TextEncoder().encode(`\uFEFF${JSON.stringify(file)}`),
  ]);
  assert.deepEqual(readSentenceFiles(Object.fromEntries(bytes)), wanted);
});

test("bge: the first token, with prompts and another similarity", () => {
  const prompts = {
    query: "Represent this sentence for searching relevant passages: ",
    document: "",
    none: null,
  };
  const settings = read({
    modules: NORMALIZED,
    pooling: pooling("cls", { pooling_mode_weightedmean_tokens: false, pooling_mode_lasttoken: false }),
    sentenceTransformers: { prompts, default_prompt_name: "query", similarity_fn_name: "dot" },
    sentenceBert: { max_seq_length: null, do_lower_case: true },
  });
  const { none, ...known } = prompts;
  const wanted = {
    pooling: "cls",
    normalize: true,
    prompts: known,
    defaultPrompt: "query",
    similarity: "dot",
  };
  assert.deepEqual(settings, { ...NOTHING, ...wanted, lowerCase: true });
});

test("files of version 6 name the mode and other modules' paths", () => {
  const type = (part) => `sentence_transformers.${part}`;
  const modules = [
    { idx: 0, name: "0", path: "", type: type("base.modules.transformer.Transformer") },
    { idx: 1, name: "1", path: "./my_pooling/", type: type("sentence_transformer.modules.pooling.Pooling") },
    { idx: 2, name: "2", path: "2_Dropout", type: type("sentence_transformer.modules.dropout.Dropout") },
  ];
  assert.deepEqual(readModules(JSON.stringify(modules)), {
    poolingFolder: "my_pooling",
    normalize: false,
    staticFolder: null,
  });
  for (const pooling_mode of ["cls", ["cls"]]) {
    assert.equal(read({ modules, pooling: { embedding_dimension: 384, pooling_mode } }).pooling, "cls");
  }
  // A pooling module whose file is missing, or enables no mode, uses the mean.
  assert.equal(read({ modules }).pooling, "mean");
  assert.equal(read({ modules, pooling: pooling("none") }).pooling, "mean");
  assert.equal(read({ pooling: pooling("cls") }).pooling, "cls", "without modules.json");
  assert.equal(read({ modules: [ENCODER[0]] }).pooling, null);
});

test("a Normalize before there is a vector does nothing", () => {
  assert.equal(read({ modules: [ENCODER[0], NORMALIZED[2], ENCODER[1]] }).normalize, false);
});

test("static embeddings, as model2vec and sentence-transformers write them", () => {
  const saved = (name) => readFileSync(join(ROOT, "test_data/static", name, "modules.json"));
  assert.deepEqual(readSentenceFiles({ modules: saved("plain") }), {
    ...NOTHING,
    pooling: "mean",
    normalize: true,
    staticFolder: "",
  });
  assert.equal(readModules(saved("int8")).normalize, false);
  assert.equal(readModules(saved("bag")).staticFolder, "");
  assert.equal(
    readModules(JSON.stringify([module(0, "0_StaticEmbedding", "StaticEmbedding")])).staticFolder,
    "0_StaticEmbedding",
  );
  const further = readFileSync(join(ROOT, "test_data/static/bag/config_sentence_transformers.json"));
  const { prompts, defaultPrompt } = readSentenceFiles({ sentenceTransformers: further });
  assert.deepEqual({ prompts, defaultPrompt }, { prompts: { query: "", document: "" }, defaultPrompt: null });
});

const UNSUPPORTED = {
  "max pooling": [{ pooling: pooling("max") }, /pooling "max", which is not supported/],
  "the mean by the root": [{ pooling: pooling("mean_sqrt_len") }, /"mean_sqrt_len_tokens"/],
  "the weighted mean": [
    { pooling: pooling("none", { pooling_mode_weightedmean_tokens: true }) },
    /"weightedmean"/,
  ],
  "the last token": [{ pooling: { pooling_mode: "lasttoken" } }, /"lasttoken"/],
  "two poolings at once": [
    { pooling: pooling("cls", { pooling_mode_mean_tokens: true }) },
    /concatenates .*"cls", "mean"/,
  ],
  "a prompt that does not count": [
    {
      pooling: pooling("mean", { include_prompt: false }),
      sentenceTransformers: { prompts: { query: "query: " } },
    },
    /include_prompt false/,
  ],
  "a dense layer": [
    { modules: [...ENCODER, module(2, "2_Dense", "Dense")] },
    /module "Dense", a further layer/,
  ],
  "bags of words": [{ modules: [module(0, "0_BoW", "BoW")] }, /module "BoW"/],
  "code of its own": [
    { modules: [{ idx: 0, path: "", type: "custom_st.Transformer" }] },
    /custom code of the model/,
  ],
  "an unknown similarity": [{ sentenceTransformers: { similarity_fn_name: "angle" } }, /"angle"/],
};

for (const [name, [files, message]] of Object.entries(UNSUPPORTED)) {
  test(`refuses ${name}`, () => assert.throws(() => read(files), { kind: "config_unsupported", message }));
}

test("include_prompt false is accepted without a prompt", () => {
  assert.equal(read({ pooling: pooling("mean", { include_prompt: false }) }).pooling, "mean");
});

const BROKEN = {
  "modules.json cut": [{ modules: "[{" }, /modules\.json can't be read: it is not JSON/],
  "modules.json of no list": [{ modules: "{}" }, /list of modules/],
  "a module without a type": [{ modules: '[{"path": ""}]' }, /module 0/],
  "null for a module": [{ modules: "[null]" }, /module 0/],
  "a path that is not a string": [{ modules: '[{"type": "a.B", "path": 1}]' }, /module 0/],
  "a pooling that is a list": [{ pooling: "[]" }, /1_Pooling\/config\.json.*object/],
  "a flag that is a text": [{ pooling: '{"pooling_mode_cls_token": "yes"}' }, /true or false, not "yes"/],
  "a mode that is a number": [{ pooling: '{"pooling_mode": 1}' }, /pooling_mode must be a string, not 1/],
  "max_seq_length of 0": [{ sentenceBert: '{"max_seq_length": 0}' }, /max_seq_length must be .*, not 0/],
  "max_seq_length as a text": [{ sentenceBert: '{"max_seq_length": "512"}' }, /not "512"/],
  "prompts as a list": [{ sentenceTransformers: '{"prompts": ["query: "]}' }, /prompts must be an object/],
  "a prompt that is a number": [
    { sentenceTransformers: '{"prompts": {"query": 7}}' },
    /the prompt "query" must be/,
  ],
  "a default prompt that is none": [
    { sentenceTransformers: '{"prompts": {"query": "q: "}, "default_prompt_name": "passage"}' },
    /"passage", but the prompts are: "query"/,
  ],
  "a default prompt without prompts": [{ sentenceTransformers: '{"default_prompt_name": "a"}' }, /are: none/],
  "an empty file": [{ sentenceBert: "" }, /not JSON/],
};

for (const [name, [files, message]] of Object.entries(BROKEN)) {
  test(`reports ${name}`, () =>
    assert.throws(() => readSentenceFiles(files), {
      name: "TabsenseError",
      kind: "config_invalid",
      message,
    }));
}

test("distinguishes a web page from a file", () => {
  assert.throws(() => readSentenceFiles({ modules: "<!doctype html><p>Not found" }), {
    kind: "not_a_model",
    message: /modules\.json is a web page/,
  });
});

/** The settings that an embedder reads from `files`, a record by name. */
const embedding = (asked, files, config = {}) => {
  const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));
  const named = Object.entries(files).map(([name, file]) => [name, bytes(file)]);
  return readEmbedding(asked, Object.fromEntries(named), bytes(config));
};

test("an embedder pools by its option, by its files, or by the mean", () => {
  const files = { "modules.json": NORMALIZED, "1_Pooling/config.json": pooling("cls") };
  const { pooling: mode, normalize } = embedding(null, files);
  assert.deepEqual([mode, normalize], ["cls", true]);
  assert.equal(embedding("mean", files).pooling, "mean");
  assert.equal(embedding(null, {}).pooling, "mean");
  // An explicit option wins over a file's setting that isn't supported.
  const last = { "1_Pooling/config.json": { pooling_mode: "lasttoken" } };
  assert.throws(() => embedding(null, last), { kind: "config_unsupported", message: /"lasttoken"/ });
  assert.equal(embedding("cls", last).pooling, "cls");
  const elsewhere = { "modules.json": [ENCODER[0], module(1, "2_Pooling", "Pooling")] };
  assert.throws(() => embedding(null, elsewhere), {
    kind: "config_unsupported",
    message: /folder "2_Pooling"/,
  });
  assert.equal(embedding("mean", elsewhere).pooling, "mean");
});

test("a model2vec without modules.json says in its configuration whether vectors are scaled", () => {
  assert.equal(embedding(null, {}, { model_type: "model2vec", normalize: true }).normalize, true);
  assert.equal(embedding(null, {}, { model_type: "model2vec", normalize: false }).normalize, false);
  const modules = { "modules.json": [module(0, ".", "StaticEmbedding")] };
  assert.equal(embedding(null, modules, { normalize: true }).normalize, false);
});
