// Two versions of a model's files. Each file of the new version changes the answer, and differs throughout,
// so that any mixture of files, or of parts of a file, gives the answer of neither version.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sharded } from "../js/sharded.mjs";
import { withVocabTxt } from "../js/older.mjs";

const DATA = fileURLToPath(new URL("../../test_data", import.meta.url));
const SMALL = ["config.json", "tokenizer.json"];

/** The factor by which each weight of the new version is larger. */
const FACTOR = 1.25;
/** How many files the sharded weights have: one more than are kept open at a time. */
const SHARDS = 4;

const read = (...path) => new Uint8Array(readFileSync(join(DATA, ...path)));
const jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
const bytesOf = (value) => new TextEncoder().encode(JSON.stringify(value));

/** Multiplies the F32 numbers from `start`, `count` of them or all, by the factor. */
function scaled(bytes, start, count = (bytes.length - start) / 4) {
  const copy = new Uint8Array(bytes);
  const view = new DataView(copy.buffer);
  for (let at = start; at < start + 4 * count; at += 4)
    view.setFloat32(at, view.getFloat32(at, true) * FACTOR, true);
  return copy;
}

function scaledSafetensors(bytes) {
  return scaled(bytes, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
}

/** The configuration with other labels. */
function otherConfig(bytes) {
  const config = jsonOf(bytes);
  const named = Object.entries(config.id2label).map(([id, label]) => [id, `new ${label}`]);
  const label2id = Object.fromEntries(named.map(([id, label]) => [label, Number(id)]));
  return bytesOf({ ...config, id2label: Object.fromEntries(named), label2id });
}

/** The whole words of a vocabulary. */
function wordsOf(vocab) {
  return Object.keys(vocab).filter((word) => /^[a-z]{2,}$/.test(word));
}

/** The tokenizer with the ids of the text's first word and of another word swapped. */
function otherTokenizer(bytes) {
  const tokenizer = jsonOf(bytes);
  const { vocab } = tokenizer.model;
  const words = wordsOf(vocab);
  const [first, other] = [words[0], words.at(-1)];
  [vocab[first], vocab[other]] = [vocab[other], vocab[first]];
  const sorted = Object.entries(vocab).sort(([, a], [, b]) => a - b);
  return bytesOf({ ...tokenizer, model: { ...tokenizer.model, vocab: Object.fromEntries(sorted) } });
}

function filesOf(folder) {
  const names = [...SMALL, "model.safetensors"];
  return Object.fromEntries(names.map((name) => [name, read("models", folder, name)]));
}

function newer(files) {
  return {
    "config.json": otherConfig(files["config.json"]),
    "tokenizer.json": otherTokenizer(files["tokenizer.json"]),
    "model.safetensors": scaledSafetensors(files["model.safetensors"]),
  };
}

/** Both versions of an ONNX repository whose larger tensors are in a separate file next to the graph. */
function onnx() {
  const { "model.safetensors": weights, ...small } = filesOf("mini-bert");
  const graph = read("onnx", "mini-bert-external.onnx");
  const data = read("onnx", "mini-bert-external.onnx_data");
  // A tensor inside the graph, found by its bytes.
  const start = 8 + Number(new DataView(weights.buffer).getBigUint64(0, true));
  const {
    data_offsets: [from, to],
  } = jsonOf(weights.subarray(8, start))["classifier.weight"];
  const at = Buffer.from(graph).indexOf(weights.subarray(start + from, start + to));
  const named = (graph, data) => ({ "onnx/model.onnx": graph, "onnx/mini-bert-external.onnx_data": data });
  const { "config.json": config, "tokenizer.json": tokenizer } = small;
  return {
    old: { ...small, ...named(graph, data) },
    new: {
      "config.json": otherConfig(config),
      "tokenizer.json": otherTokenizer(tokenizer),
      ...named(scaled(graph, at, (to - from) / 4), scaled(data, 0)),
    },
  };
}

function both(old, make) {
  return { old: make(old), new: make(newer(old)) };
}

function textFor(files) {
  const words = wordsOf(jsonOf(files["tokenizer.json"]).model.vocab);
  return words.slice(0, 4).join(" ");
}

const single = filesOf("tiny-f32");
const mini = filesOf("mini-bert");

/** The models by kind: `{ text, files: { old, new }, target }`; faults hit the file `target` by default. */
export const MODELS = {
  single: { text: textFor(single), files: both(single, (files) => files), target: "model.safetensors" },
  sharded: {
    text: textFor(single),
    files: both(single, (files) => sharded(SHARDS, files)),
    target: "model-00002-of-00004.safetensors",
  },
  onnx: { text: textFor(mini), files: onnx(), target: "onnx/mini-bert-external.onnx_data" },
  vocab: { text: textFor(mini), files: both(mini, withVocabTxt), target: "vocab.txt" },
};

const tags = new WeakMap();

/** The `ETag` of a file. */
export function tagOf(bytes) {
  if (!tags.has(bytes)) tags.set(bytes, `"${createHash("md5").update(bytes).digest("hex")}"`);
  return tags.get(bytes);
}
