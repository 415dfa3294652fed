// The files that JavaScript parses itself, with any content: an index of weights and the headers of its
// files, a taught classifier, and an embedder's settings.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEmbedding } from "../../dist/embed/settings.js";
import { olderFilesOf } from "../../dist/files/older-files.js";
import { merged, shardNames } from "../../dist/files/shards.js";
import { plainName } from "../../dist/files/weights.js";
import { read, saved } from "../../dist/teach/saved.js";
import {
  deepJson,
  changed,
  cut,
  cuts,
  assertProperty,
  KEYS,
  hostileJson,
  hostileValue,
  readOrRefused,
} from "./properties.mjs";
import { safetensors } from "./sharded.mjs";

const json = (text) => new TextEncoder().encode(text);

const shardName = fc.oneof(
  fc.constantFrom("model-1.safetensors", "model-2.safetensors", "pytorch_model.bin", "a.safetensors.exe"),
  fc.constantFrom(
    "../a.safetensors",
    "/a.safetensors",
    "a/b.safetensors",
    "..safetensors",
    "C:a.safetensors",
  ),
  fc.constantFrom("http://x/a.safetensors", "a\\b.safetensors", "a.safetensors?x", "%2e%2e%2fa.safetensors"),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => `${text}.safetensors`),
);
const index = fc.oneof(
  hostileJson,
  fc
    .dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), shardName)
    .map((weight_map) => JSON.stringify({ weight_map })),
  hostileValue.map((weight_map) => JSON.stringify({ weight_map })),
);

test("rejects an index that names files elsewhere", () =>
  assertProperty(
    1500,
    fc.asyncProperty(index, async (text) => {
      const names = await readOrRefused(() => shardNames(text, "model.safetensors.index.json"));
      for (const name of names ?? []) assert.match(name, /^[\w-][\w.-]*\.safetensors$/);
      assert.deepEqual(names, names && [...new Set(names)].sort());
    }),
  ));

test("rejects an ONNX file that names files elsewhere", () =>
  assertProperty(
    1000,
    fc.asyncProperty(fc.oneof(shardName, fc.string({ unit: "binary" })), async (name) => {
      const plain = await readOrRefused(() => plainName(name, "model.onnx"));
      if (plain !== null) assert.ok(plain === name && !/[/\\]|^\.|\p{C}/u.test(plain), JSON.stringify(plain));
    }),
  ));

const tensor = fc.record({
  name: fc.oneof(fc.constantFrom(...KEYS, "a", "b.weight"), fc.string({ unit: "binary", maxLength: 6 })),
  numbers: fc.uint8Array({ maxLength: 24 }),
});

/** Files of tensors: the name and numbers of each tensor. */
const files = fc.array(fc.array(tensor, { maxLength: 4 }), { minLength: 1, maxLength: 5 });

function headerOf(tensors) {
  let at = 0;
  return Object.fromEntries(
    tensors.map(({ name, numbers }) => [
      name,
      { dtype: "U8", shape: [numbers.length], data_offsets: [at, (at += numbers.length)] },
    ]),
  );
}

async function whole(parts, at) {
  const shards = parts.map((bytes, i) => ({
    name: `model-${i}.safetensors`,
    async *open() {
      yield* cut(bytes, at);
    },
  }));
  const chunks = [];
  for await (const chunk of merged(shards)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The header and the data of a file. */
function parts(file) {
  const length = Number(file.readBigUInt64LE());
  return { header: JSON.parse(file.subarray(8, 8 + length).toString()), data: file.subarray(8 + length) };
}

test("weights in several files are those of the one file", () =>
  assertProperty(
    400,
    fc.asyncProperty(files, cuts, async (files, at) => {
      // Each tensor is in only one file, and `__metadata__` is not a tensor.
      const seen = new Set(["__metadata__"]);
      const own = files.map((tensors) => tensors.filter(({ name }) => !seen.has(name) && seen.add(name)));
      const all = own.map((tensors) =>
        safetensors(headerOf(tensors), Buffer.concat(tensors.map((t) => t.numbers))),
      );
      const { header, data } = parts(await whole(all, at));
      const tensors = own.flat();
      assert.deepEqual(Object.keys(header).sort(), tensors.map(({ name }) => name).sort());
      for (const { name, numbers } of tensors) {
        const [start, end] = Object.getOwnPropertyDescriptor(header, name).value.data_offsets;
        assert.deepEqual([...data.subarray(start, end)], [...numbers], name);
      }
    }),
  ));

test("weights in several files whose headers lie are one file, or an error", () => {
  const header = files.chain(([tensors]) => changed(headerOf(tensors)));
  const file = fc.oneof(
    fc.tuple(header, fc.uint8Array({ maxLength: 60 })).map(([header, data]) => safetensors(header, data)),
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(hostileJson, fc.uint8Array({ maxLength: 8 })).map(([text, data]) => {
      const bytes = json(text);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return new Uint8Array(Buffer.concat([length, bytes, data]));
    }),
  );
  return assertProperty(
    1000,
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 5 }), cuts, async (all, at) => {
      const bytes = await readOrRefused(() => whole(all, at));
      if (bytes === null) return;
      const { header, data } = parts(bytes);
      for (const { data_offsets } of Object.values(header)) assert.ok(data_offsets[1] <= data.length);
    }),
  );
});

/** The contents of a taught classifier. */
const contents = fc
  .record({
    width: fc.integer({ min: 1, max: 6 }),
    labels: fc.integer({ min: 1, max: 4 }),
    multi: fc.boolean(),
  })
  .chain(({ width, labels, multi }) => {
    const floats = (length) =>
      fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true });
    const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    const text = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: "binary" }));
    const places = fc.uniqueArray(fc.integer({ min: 0, max: labels - 1 }));
    return fc.record({
      multi: fc.constant(multi),
      prompt: fc.option(text),
      encoder: fc.record({ name: text, width: fc.constant(width), probe: floats(width) }),
      labels: fc.array(fc.record({ name: text, description: fc.option(text) }), {
        minLength: labels,
        maxLength: labels,
      }),
      trained: fc.record({
        weights: floats(labels * width),
        bias: floats(labels),
        keep: fc.record({
          temperature: positive,
          threshold: fc.double({ noNaN: true, noDefaultInfinity: true }),
          strength: positive,
          nameWeight: positive,
        }),
        leftOut: fc.constant(null),
      }),
      examples: fc.option(fc.array(fc.record({ text, labels: places }), { maxLength: 4 })),
    });
  });

/** The value after a round trip through JSON, which turns -0 into 0. */
const plain = (value) => JSON.parse(JSON.stringify(value));

test("loads a saved taught classifier unchanged", () =>
  assertProperty(
    300,
    fc.asyncProperty(contents, async (contents) => {
      const text = JSON.stringify(saved(contents));
      for (const given of [text, JSON.parse(text), json(text), new Blob([text])])
        assert.deepEqual(plain(await read(given)), plain(contents));
    }),
  ));

test("rejects a changed taught classifier", () =>
  assertProperty(
    1000,
    fc.asyncProperty(
      contents.chain((contents) => {
        const file = JSON.parse(JSON.stringify(saved(contents)));
        return fc.tuple(fc.constant(JSON.stringify(file)), changed(file));
      }),
      async ([before, file]) => {
        const text = JSON.stringify(file);
        const found = await readOrRefused(() => read(text));
        assert.ok(found === null || sorted(text) === sorted(before), text);
      },
    ),
  ));

/** JSON with its keys in order. */
function sorted(text) {
  const order = (value) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value)
          .map(([key, one]) => [key, order(one)])
          .sort(([a], [b]) => (a < b ? -1 : 1))
      : Array.isArray(value)
        ? value.map(order)
        : value;
  return JSON.stringify(order(JSON.parse(text)));
}

test("rejects arbitrary text as a taught classifier without repeating it", () =>
  assertProperty(
    200,
    fc.asyncProperty(contents, hostileJson, deepJson, fc.nat(), async (contents, other, deep, at) => {
      const text = JSON.stringify(saved(contents));
      assert.equal(await readOrRefused(() => read(other)), null);
      assert.equal(await readOrRefused(() => read(text.slice(0, at % text.length))), null);
      assert.equal(await readOrRefused(() => read(`${text.slice(0, -1)},"more":${deep}}`)), null);
      const secret = `{"format":"tabsense-taught-classifier","examples":[{"text":"swordfish`;
      await assert.rejects(read(secret), ({ message }) => !/sword/.test(message));
    }),
  ));

test("reads or rejects any settings of sentence-transformers", () => {
  const file = fc.option(
    fc.oneof(
      hostileJson,
      fc
        .constantFrom(
          { modules: [{ type: "sentence_transformers.models.Transformer" }] },
          { pooling_mode: ["mean", "max"], include_prompt: false },
          { prompts: { a: "b" }, default_prompt_name: "a", similarity_fn_name: "dot", max_seq_length: 3 },
        )
        .chain(changed)
        .map((value) => JSON.stringify(value)),
      fc.array(hostileValue.map((type) => ({ type, path: type }))).map((value) => JSON.stringify(value)),
    ),
    { nil: undefined },
  );
  return assertProperty(
    1200,
    fc.asyncProperty(fc.array(file, { minLength: 5, maxLength: 5 }), async (files) => {
      const [modules, pooling, transformers, bert, config] = files.map((text) => text && json(text));
      const settings = await readOrRefused(() =>
        readEmbedding(
          null,
          {
            "modules.json": modules,
            "1_Pooling/config.json": pooling,
            "config_sentence_transformers.json": transformers,
            "sentence_bert_config.json": bert,
          },
          config ?? json("{}"),
        ),
      );
      if (settings !== null) assert.ok(["mean", "cls"].includes(settings.pooling));
      const older = olderFilesOf(config ?? json("{}"), bert);
      assert.ok(older === null || older.vocabulary.length > 0);
    }),
  );
});
