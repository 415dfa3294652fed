// Models with the tokenizer files of older repositories (make_folders.py), and digests of Python's tokens.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesOf, ROOT } from "./support.mjs";

const encoded = (text) => new TextEncoder().encode(text);
const read = (name) => readFileSync(join(ROOT, "test_data", name), "utf8");
const linesOf = (name) =>
  read(name)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** The tiny model of each model type. */
const TINY_OF = {
  distilbert: "tiny-f32",
  bert: "tiny-bert",
  electra: "tiny-electra",
  mpnet: "tiny-mpnet",
  roberta: "tiny-roberta",
  "data2vec-text": "tiny-data2vec-text",
  "xlm-roberta": "tiny-xlm-roberta",
  camembert: "tiny-camembert",
};
/** Rows of the word embedding: enough for the largest of the vocabularies. */
const ROWS = 1600;

/** The content of a file from its value in folders.jsonl, which may be a placeholder. */
function contentOf(value) {
  const bpe = () => JSON.parse(read("tokenizer/bpe.json"));
  if (value === "@words")
    return encoded(
      JSON.parse(`[${/WORDS = \[(.*?)\]\n/s.exec(read("make_folders.py"))[1]}]`)
        .map((word) => `${word}\n`)
        .join(""),
    );
  if (value === "@vocab.json") return encoded(JSON.stringify(bpe().vocab));
  if (value === "@merges.txt")
    return encoded(
      `#version: 0.2\n${bpe()
        .merges.map((pair) => `${pair.join(" ")}\n`)
        .join("")}`,
    );
  if (value === "@spm.model")
    return new Uint8Array(readFileSync(join(ROOT, "test_data/tokenizer/spm.model")));
  return encoded(JSON.stringify(value));
}

/** The weights with a different number of rows in the word embedding. */
function withRows(weights, rows) {
  const length = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  const parts = [];
  let at = 0;
  for (const [name, tensor] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = tensor.data_offsets;
    let bytes = weights.subarray(8 + length + start, 8 + length + end);
    if (name.endsWith("word_embeddings.weight")) {
      const [old, width] = tensor.shape;
      const all = new Uint8Array((bytes.length / old) * rows);
      for (let row = 0; row < all.length; row += bytes.length)
        all.set(bytes.subarray(0, all.length - row), row);
      [bytes, tensor.shape] = [all, [rows, width]];
    }
    tensor.data_offsets = [at, (at += bytes.length)];
    parts.push(bytes);
  }
  const text = JSON.stringify(header);
  const head = encoded(text + " ".repeat((8 - (text.length % 8)) % 8));
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(head.length), true);
  return new Uint8Array(Buffer.concat([size, head, ...parts]));
}

/** The folders without a tokenizer.json: `{ name, files, digests }`, with all files of a model. */
export function olderFolders() {
  return linesOf("tokenizer/folders.jsonl")
    .filter(({ files }) => !files["tokenizer.json"])
    .map(({ name, model_type: type, files, digests }) => {
      // The DeBERTa model isn't supported; its tokenizer is, and runs with another model.
      const own = TINY_OF[type] ? {} : { tokenizer_class: "DebertaV2Tokenizer" };
      const model = filesOf(join(ROOT, "test_data/models", TINY_OF[type] ?? "tiny-bert"));
      const config = JSON.parse(new TextDecoder().decode(model["config.json"]));
      const tokenizer = Object.entries(files).map(([file, value]) => [file, contentOf(value)]);
      return {
        name,
        digests,
        files: {
          "config.json": encoded(JSON.stringify({ ...config, ...own, vocab_size: ROWS })),
          "model.safetensors": withRows(model["model.safetensors"], ROWS),
          ...Object.fromEntries(tokenizer),
        },
      };
    });
}

/** The short texts of test_data/make_tokenizers.py, with their index there. */
export function shortTexts() {
  const texts = new Set(linesOf("tokenizer/cases.jsonl").map(({ text }) => text));
  return [...texts].map((text, index) => ({ text, index })).filter(({ text }) => text.length < 100);
}

/** The digest of a text's tokens as in test_data/make_tokenizers.py, where offsets are UTF-8 bytes. */
export function digestOf(text, tokens) {
  const bytes = (end) => Buffer.byteLength(text.slice(0, end));
  let state = 0xcbf29ce484222325n;
  for (const { id, start, end } of tokens)
    for (const n of [id, bytes(start), bytes(end)])
      state = BigInt.asUintN(64, (state ^ BigInt(n)) * 0x100000001b3n);
  state ^= state >> 32n;
  return ((state ^ (state >> 16n)) & 0xffffn).toString(16).padStart(4, "0");
}

/** The files of a BERT model with vocab.txt instead of tokenizer.json. */
export function withVocabTxt(files = filesOf()) {
  const { "tokenizer.json": tokenizer, ...others } = files;
  const { vocab } = JSON.parse(new TextDecoder().decode(tokenizer)).model;
  const words = Object.entries(vocab).sort(([, a], [, b]) => a - b);
  return { ...others, "vocab.txt": encoded(words.map(([word]) => `${word}\n`).join("")) };
}
