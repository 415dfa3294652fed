// Times the kernels of a package built with the feature "bench", in this page's thread.

import init, { Bench } from "./package/tabsense.js";

const RUNS = 7;
const RUN_MS = 60;
const WARM_UP_MS = 300;

// Rates of one core of a server x86 (Zen 4) in Chromium 156, portable SIMD: what a build should come near to, in 10^9 a second.
const REFERENCE = { f32: 37, int8: 81 };

const SHAPES = [
  [96, 768, 768],
  ...[16, 32, 128].flatMap((rows) => [[rows, 768, 768], [rows, 768, 3072], [rows, 3072, 768]]),
];

/** Measures every kernel; yields rows `{ kernel, shape, unit, rate, ofCeiling, ofReference }`, rates in 10^9 a second. */
window.measure = async () => {
  await init();
  const rows = [];
  const ceilings = {};
  for (const precision of ["f32", "int8"]) {
    const int8 = precision === "int8";
    const unit = int8 ? "Gop/s" : "GFLOP/s";
    ceilings[precision] = rate(Bench.ceiling(int8));
    rows.push({ kernel: `registers only, ${precision}`, shape: "4×2", unit, rate: ceilings[precision] });
    for (const [n, depth, width] of SHAPES) {
      const measured = rate(Bench.linear(n, depth, width, int8));
      rows.push({ kernel: `linear ${precision}`, shape: `${n}×${depth}×${width}`, unit, rate: measured, ofCeiling: measured / ceilings[precision], ofReference: measured / REFERENCE[precision] });
    }
  }
  for (const [texts, tokens] of [[1, 16], [1, 128], [8, 16], [1, 512]]) {
    const measured = rate(Bench.attention(texts, tokens, 768, 12));
    rows.push({ kernel: "attention, 12 heads", shape: `${texts}×${tokens}×768`, unit: "GFLOP/s", rate: measured, ofCeiling: measured / ceilings.f32 });
  }
  rows.push({ kernel: "layer_norm", shape: "128×768", unit: "Gvalues/s", rate: rate(Bench.layer_norm(128, 768)) });
  rows.push({ kernel: "gelu", shape: "32×3072", unit: "Gvalues/s", rate: rate(Bench.gelu(32 * 3072)) });
  return rows;
};

/** The best of some runs, after the engine has had time to optimize. */
function rate(bench) {
  time(bench, WARM_UP_MS);
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) best = Math.min(best, time(bench, RUN_MS));
  const result = bench.operations / best / 1e6;
  bench.free();
  return result;
}

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
