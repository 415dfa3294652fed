// What entropy coding could save of a file of integer weights: `node bench/entropy.mjs FILE.safetensors`
//
// The bound of a coder that knows each tensor's distribution (order 0: neighbours tell nothing of each other in weights,
// as brotli's and zstd's sizes show), with integers a symbol each: a byte of int8, half a byte of int4. Scales in half
// precision count as two symbols, a byte each with a distribution of its own.

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const file = readFileSync(process.argv[2]);
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

/** Bits that `symbols` take together at least, each coded by itself. */
function entropy(symbols) {
  const counts = new Map();
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return [...counts.values()].reduce((bits, n) => bits - n * Math.log2(n / symbols.length), 0);
}
