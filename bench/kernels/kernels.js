// Times the kernels of a package built with the feature "bench", in this page's thread.

import init, { Bench } from "./package/tabsense.js";

const RUNS = 21;
const RUN_MS = 30;
const WARM_UP_MS = 300;

const SHAPES = [
  [96, 768, 768],
  ...[16, 32, 128].flatMap((rows) => [
    [rows, 768, 768],
    [rows, 768, 3072],
    [rows, 3072, 768],
  ]),
];

/**
 * Measures every kernel; resolves to rows `{ kernel, shape, unit, rate, ofTile }`. Rates are in 10^9 per
 * second, the best of all rounds. `ofTile` is the median of the rounds; in each, the tile is timed right
 * after the kernel and for the same time, because a shared processor is slower over a longer time.
 */
window.measure = async () => {
  await init();
  const rows = [];
  const add = (kernel, shape, unit, bench, tile) =>
    rows.push({ kernel, shape, unit, bench, tile, best: Infinity, shares: [] });
  const precisions = [
    ["f32", "GFLOP/s"],
    ["int8", "Gop/s"],
    ["int4", "Gop/s"],
  ];
  const tiles = Object.fromEntries(precisions.map(([precision]) => [precision, Bench.tile(precision)]));
  for (const [precision, unit] of precisions) {
    add(`tile ${precision}`, "K 256", unit, tiles[precision], null);
    for (const [n, depth, width] of SHAPES)
      add(
        `linear ${precision}`,
        `${n}×${depth}×${width}`,
        unit,
        Bench.linear(n, depth, width, precision),
        tiles[precision],
      );
  }
  for (const [precision, unit] of precisions) {
    for (const tokens of [16, 32, 128])
      add(
        `whole model ${precision}`,
        `${tokens} tokens, 6×768`,
        unit,
        Bench.model(tokens, precision),
        tiles[precision],
      );
  }
  for (const [texts, tokens] of [
    [1, 16],
    [1, 128],
    [8, 16],
    [1, 512],
  ]) {
    add(
      "attention, 12 heads",
      `${texts}×${tokens}×768`,
      "GFLOP/s",
      Bench.attention(texts, tokens, 768, 12),
      tiles.f32,
    );
  }
  add("layer_norm", "128×768", "Gvalues/s", Bench.layer_norm(128, 768), null);
  add("gelu", "32×3072", "Gvalues/s", Bench.gelu(32 * 3072), null);

  for (const { bench } of rows) time(bench, WARM_UP_MS); // until the engine has optimized it
  // Round by round, so that a passing disturbance of the machine affects one round of each kernel, not
  // all rounds of one kernel.
  for (let round = 0; round < RUNS; round++) {
    for (const row of rows) {
      const { each, elapsed } = time(row.bench, RUN_MS);
      row.best = Math.min(row.best, each);
      if (row.tile)
        row.shares.push(row.bench.operations / each / (row.tile.operations / time(row.tile, elapsed).each));
    }
  }
  const result = rows.map(({ kernel, shape, unit, bench, best, shares }) => ({
    kernel,
    shape,
    unit,
    rate: bench.operations / best / 1e6,
    ofTile: shares.sort((a, b) => a - b)[shares.length >> 1],
  }));
  for (const { bench } of rows) bench.free();
  return result;
};

/** Repeats a run for at least `duration` ms; returns the milliseconds per run and in total. */
function time(bench, duration) {
  const start = performance.now();
  let times = 0;
  let elapsed = 0;
  do {
    bench.run(1);
    times++;
    elapsed = performance.now() - start;
  } while (elapsed < duration);
  return { each: elapsed / times, elapsed };
}
