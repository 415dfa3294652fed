// Times the kernels of a package built with the feature "bench", in this page's thread.

import init, { Bench } from "./package/tabsense.js";

const RUNS = 21;
const RUN_MS = 30;
const WARM_UP_MS = 300;

// Rates of one core of a server x86 (Zen 4) in Chromium 156, portable SIMD: what a build should come near to, in 10^9 a second.
const REFERENCE = { f32: 37, int8: 81 };

const SHAPES = [
  [96, 768, 768],
  ...[16, 32, 128].flatMap((rows) => [[rows, 768, 768], [rows, 768, 3072], [rows, 3072, 768]]),
];

/** Measures every kernel; yields rows `{ kernel, shape, unit, rate, ofCeiling, ofReference, ofBest }`, rates in 10^9 a second. */
window.measure = async () => {
  await init();
  const rows = [];
  const add = (kernel, shape, unit, bench, precision) => rows.push({ kernel, shape, unit, bench, precision, best: Infinity });
  for (const [precision, unit] of [["f32", "GFLOP/s"], ["int8", "Gop/s"]]) {
    const int8 = precision === "int8";
    add(`rows in registers, ${precision}`, "4×2", unit, Bench.ceiling(int8), null);
    for (const [n, depth, width] of SHAPES) add(`linear ${precision}`, `${n}×${depth}×${width}`, unit, Bench.linear(n, depth, width, int8), precision);
  }
  for (const [precision, unit] of [["f32", "GFLOP/s"], ["int8", "Gop/s"]]) {
    for (const tokens of [16, 32, 128]) add(`whole model ${precision}`, `${tokens} tokens, 6×768`, unit, Bench.model(tokens, precision === "int8"), precision);
  }
  for (const [texts, tokens] of [[1, 16], [1, 128], [8, 16], [1, 512]]) {
    add("attention, 12 heads", `${texts}×${tokens}×768`, "GFLOP/s", Bench.attention(texts, tokens, 768, 12), "f32");
  }
  add("layer_norm", "128×768", "Gvalues/s", Bench.layer_norm(128, 768), null);
  add("gelu", "32×3072", "Gvalues/s", Bench.gelu(32 * 3072), null);

  for (const row of rows) time(row.bench, WARM_UP_MS); // until the engine has optimized it
  // Round by round: what disturbs the machine for a while hurts one round of each kernel, not all rounds of one.
  for (let round = 0; round < RUNS; round++) {
    for (const row of rows) row.best = Math.min(row.best, time(row.bench, RUN_MS));
  }
  const rates = rows.map(({ bench, best }) => bench.operations / best / 1e6);
  const ceiling = (precision) => rates[rows.findIndex(({ kernel }) => kernel === `rows in registers, ${precision}`)];
  const best = (precision) => Math.max(...rates.filter((_, i) => rows[i].kernel === `linear ${precision}`));
  return rows.map(({ kernel, shape, unit, bench, precision }, i) => {
    bench.free();
    const rate = rates[i];
    if (precision === null) return { kernel, shape, unit, rate };
    if (kernel.startsWith("whole model")) return { kernel, shape, unit, rate, ofBest: rate / best(precision) };
    const ofReference = kernel.startsWith("linear") ? rate / REFERENCE[precision] : undefined;
    return { kernel, shape, unit, rate, ofCeiling: rate / ceiling(precision), ofReference };
  });
};

/** Milliseconds a run, over at least `duration` ms. */
function time(bench, duration) {
  const start = performance.now();
  let times = 0;
  let elapsed = 0;
  do {
    bench.run(1);
    times++;
    elapsed = performance.now() - start;
  } while (elapsed < duration);
  return elapsed / times;
}
