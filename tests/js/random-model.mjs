// A random model whose widths int4 supports, and the command line that converts it.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../bench/random.mjs";
import { ROOT, TINY } from "./support.mjs";

export const CLI = join(ROOT, "dist/cli.js");
const SHAPE = { dim: 64, hidden_dim: 128, n_heads: 4, n_layers: 2 };

/** Runs the command line. */
export function tabsense(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { status, stdout, stderr };
}

/** A temporary folder with a random model whose widths int4 supports, and texts of its vocabulary. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const model = join(folder, "model");
  mkdirSync(model);
  const config = { ...readJson("config.json"), ...SHAPE };
  writeFileSync(join(model, "config.json"), JSON.stringify(config));
  cpSync(join(TINY, "tokenizer.json"), join(model, "tokenizer.json"));
  writeFileSync(join(model, "model.safetensors"), randomWeights(config));
  const words = Object.keys(readJson("tokenizer.json").model.vocab).filter((word) => /^[a-z]+$/.test(word));
  const random = seeded(5);
  const texts = Array.from({ length: 60 }, () =>
    Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]).join(" "),
  );
  writeFileSync(join(folder, "texts.txt"), texts.join("\n"));
  return { folder, model, texts };
}

function readJson(name) {
  return JSON.parse(readFileSync(join(TINY, name), "utf8"));
}

function randomWeights({ vocab_size, max_position_embeddings, dim, hidden_dim, n_layers, id2label }) {
  const random = seeded(1);
  const header = {};
  const parts = [];
  let at = 0;
  const add = (name, shape, middle, spread) => {
    const values = Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => middle + spread * (2 * random() - 1),
    );
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += values.byteLength)] };
    parts.push(Buffer.from(values.buffer));
  };
  const norm = (name) => (add(`${name}.weight`, [dim], 1, 0.1), add(`${name}.bias`, [dim], 0, 0.1));
  const linear = (name, rows, columns) => (
    add(`${name}.weight`, [rows, columns], 0, 2 / Math.sqrt(columns)), add(`${name}.bias`, [rows], 0, 0.1)
  );
  add("distilbert.embeddings.word_embeddings.weight", [vocab_size, dim], 0, 0.5);
  add("distilbert.embeddings.position_embeddings.weight", [max_position_embeddings, dim], 0, 0.1);
  norm("distilbert.embeddings.LayerNorm");
  for (let i = 0; i < n_layers; i++) {
    const layer = `distilbert.transformer.layer.${i}`;
    for (const name of ["q_lin", "k_lin", "v_lin", "out_lin"]) linear(`${layer}.attention.${name}`, dim, dim);
    norm(`${layer}.sa_layer_norm`);
    linear(`${layer}.ffn.lin1`, hidden_dim, dim);
    linear(`${layer}.ffn.lin2`, dim, hidden_dim);
    norm(`${layer}.output_layer_norm`);
  }
  linear("pre_classifier", dim, dim);
  linear("classifier", Object.keys(id2label).length, dim);
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}
