// The models of a run: their files, their shapes, and the texts with known answers.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/run.mjs";

const ONNX = { onnx: "onnx/model.onnx", "onnx-int8": "onnx/model_quantized.onnx" };

/**
 * A model's labels and shape from its config.json, its tokenizer, and its table in the configuration; null
 * if its files are missing.
 */
export function openModel(name, table) {
  const folder = ["int8", "int4", "fp32", "onnx"]
    .map((kind) => table[kind])
    .find((path) => path && existsSync(join(ROOT, path, "config.json")));
  if (!folder) return null;
  const config = readJson(join(ROOT, folder, "config.json"));
  const tokenizer = readJson(join(ROOT, folder, "tokenizer.json"));
  // If the configuration names no labels, there are two, as in transformers.
  const labels = Object.entries(config.id2label ?? { 0: "LABEL_0", 1: "LABEL_1" })
    .sort(([a], [b]) => a - b)
    .map(([, label]) => label);
  const shape = {
    layers: config.n_layers ?? config.num_hidden_layers,
    width: config.dim ?? config.hidden_size,
    heads: config.n_heads ?? config.num_attention_heads,
    hidden: config.hidden_dim ?? config.intermediate_size,
    vocabulary: config.vocab_size,
    labels: labels.length,
  };
  // RoBERTa's positions start after the padding's.
  const first = /roberta|camembert|mpnet|data2vec/.test(config.model_type) ? config.pad_token_id + 1 : 0;
  return { name, table, labels, shape, tokenizer, maxTokens: config.max_position_embeddings - first };
}

/**
 * Where the weights of a kind are: `{ path, file }` from the root of the repository, or `{ missing }`, a
 * sentence. int8 and int4 that the configuration doesn't list are made from fp32 while they load.
 */
export function weightsOf(model, kind) {
  const onnx = ONNX[kind];
  const folder = onnx ? model.table.onnx : (model.table[kind] ?? model.table.fp32);
  const file = onnx ?? "model.safetensors";
  if (onnx && isOutdated(model.table))
    return { missing: `${folder} was exported from other weights than those in ${model.table.fp32}` };
  if (folder && existsSync(join(ROOT, folder, file))) return { path: folder, file };
  return {
    missing: folder
      ? `${join(folder, file)} is missing`
      : `the configuration has no ${kind} files for ${model.name}`,
  };
}

/**
 * Whether a model's ONNX files were made from weights other than its fp32 files: the export
 * keeps a copy of its source.
 */
export function isOutdated({ fp32, onnx }) {
  if (!fp32 || !onnx || fp32 === onnx) return false;
  return ["config.json", "tokenizer.json", "model.safetensors"].some((file) => {
    const [source, copy] = [fp32, onnx].map((folder) => join(ROOT, folder, file));
    if (!existsSync(source) || !existsSync(copy)) return false;
    return statSync(source).size !== statSync(copy).size || !readFileSync(source).equals(readFileSync(copy));
  });
}

/** Texts with PyTorch's logits: rows `{ text, ids, logits }`, or null. */
export function goldensOf(model, tokenize) {
  const path = model.table.goldens;
  if (!path || !existsSync(join(ROOT, path))) return null;
  return path.endsWith(".jsonl")
    ? readLines(join(ROOT, path))
    : fromIds(readJson(join(ROOT, path)).cases, model, tokenize);
}

/** The rows of a data set, or null if its file is missing. */
export function dataSet(path) {
  return existsSync(join(ROOT, path)) ? readLines(join(ROOT, path)) : null;
}

/** Goldens of a random model only have ids. Ids are turned into a text; it is kept if it has the same ids. */
function fromIds(cases, { tokenizer }, tokenize) {
  const words = new Map(Object.entries(tokenizer.model.vocab).map(([word, id]) => [id, word]));
  return cases
    .map(({ ids, logits }) => ({
      text: ids
        .slice(1, -1)
        .map((id) => words.get(id))
        .join(" ")
        .replaceAll(" ##", ""),
      ids,
      logits,
    }))
    .filter(({ text, ids }) => text !== "" && tokenize(text).join() === ids.join());
}

function readLines(path) {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
