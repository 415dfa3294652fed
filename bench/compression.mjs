// Measures what compressing a model's weights saves and costs: `node bench/compression.mjs FOLDER`, with a
// model of integer weights, after `npm run build`. Prints
//
// - the lower bound for a coder that knows each tensor's distribution (order 0: neighbouring weights say
//   nothing about each other, as brotli's size shows). Each integer is a symbol: a byte of int8, half a byte
//   of int4. A scale in half precision counts as two symbols, one per byte, each with its own distribution;
// - the size after `convert --compress`, and the median times to load both files on one thread, alternately.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { loadConverter } from "../dist/convert.js";
import { Classifier } from "../dist/node.js";
import { median } from "./statistics.mjs";

const LOADS = 11;

const folder = process.argv[2];
const file = readFileSync(join(folder, "model.safetensors"));
const length = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.subarray(8, 8 + length));
const totals = {};
for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
  if (name === "__metadata__") continue;
  const bytes = file.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]);
  const planes =
    {
      I8: (all) => [all],
      U8: (all) => [
        Uint8Array.from({ length: 2 * all.length }, (_, i) => (all[i >> 1] >> (4 * (i & 1))) & 15),
      ],
      F16: (all) => [0, 1].map((byte) => all.filter((_, i) => i % 2 === byte)),
    }[dtype]?.(bytes) ?? [];
  const bits = planes.reduce((sum, plane) => sum + entropy(plane), 0);
  const total = (totals[dtype] ??= { tensors: 0, bytes: 0, coded: 0 });
  total.tensors += 1;
  total.bytes += bytes.length;
  total.coded += planes.length ? bits / 8 : bytes.length;
}
const sum = Object.values(totals).reduce((all, one) => ({
  tensors: all.tensors + one.tensors,
  bytes: all.bytes + one.bytes,
  coded: all.coded + one.coded,
}));
const brotli = brotliCompressSync(file, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).length;
for (const [dtype, { tensors, bytes, coded }] of [...Object.entries(totals), ["all", sum]])
  console.log(
    `${dtype.padEnd(4)} ${String(tensors).padStart(4)} tensors, ${bytes} bytes, at least ${Math.round(coded)} coded: ` +
      `${(100 * (1 - coded / bytes)).toFixed(1)} % less`,
  );
console.log(`brotli (quality 9): ${brotli}, ${(100 * (1 - brotli / file.length)).toFixed(1)} % less`);

const compressed = (await loadConverter()).encode(file);
console.log(
  `compressed: ${compressed.length}, ${(100 * (1 - compressed.length / file.length)).toFixed(1)} % less`,
);
const other = mkdtempSync(join(tmpdir(), "tabsense-"));
try {
  cpSync(folder, other, { recursive: true });
  writeFileSync(join(other, "model.safetensors"), compressed);
  const times = { plain: [], compressed: [] };
  for (let i = 0; i < LOADS; i++) {
    times.plain.push(await loadTime(folder));
    times.compressed.push(await loadTime(other));
  }
  const [plain, decoded] = Object.values(times).map(median);
  const rate = file.length / 1000 / (decoded - plain);
  console.log(
    `loading: ${plain.toFixed(0)} ms, compressed ${decoded.toFixed(0)} ms: ${rate.toFixed(0)} MB/s`,
  );
} finally {
  rmSync(other, { recursive: true });
}

async function loadTime(model) {
  const start = performance.now();
  const classifier = await Classifier.load(model, { device: "cpu", threads: 1, worker: false });
  const time = performance.now() - start;
  await classifier.dispose();
  return time;
}

/** The minimum number of bits for all `symbols` together, each coded on its own. */
function entropy(symbols) {
  const counts = new Map();
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return [...counts.values()].reduce((bits, n) => bits - n * Math.log2(n / symbols.length), 0);
}
