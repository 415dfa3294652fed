/** `tabsense bench`: how fast a model is on this machine. */

import { availableParallelism, cpus } from "node:os";
import { Classifier } from "../node.js";
import { threadsFor } from "../worker/threads.js";
import type { ClassifierInfo } from "../api/info.js";
import type { LoadOptions } from "../api/types.js";
import { loadOptionsOf, modelOf, threadsOf, type Invocation, type Values } from "./arguments.js";
import { rateOf, startBar } from "./bar.js";
import { print } from "./print.js";
import { stoppable } from "./stops.js";

/** The measurements for one way to store the weights and one number of threads. Times are in milliseconds. */
export interface Measured {
  dtype: ClassifierInfo["dtype"];
  threads: number;
  build: ClassifierInfo["build"];
  /** The median of {@link LOADS} loads. */
  load: number;
  latency: { tokens: number; calls: number; p50: number; p90: number }[];
  /** In one call with {@link BATCH} texts of all lengths. */
  textsPerSecond: number;
}

/** All measurements, and the machine they were made on. */
export interface Report {
  model: string;
  processor: string;
  processors: number;
  node: string;
  results: Measured[];
}

const LENGTHS = [16, 32, 128];
const LOADS = 3;
const BATCH = 64;
/**
 * For how many milliseconds calls of one length, and batches, are repeated; a call is repeated at least
 * {@link MIN_RUNS} times.
 */
const LATENCY_MS = 1500;
const BATCH_MS = 1500;
const MIN_RUNS = 5;

/** Words that are one token each in an English vocabulary; in another one they are a few tokens each. */
const WORDS =
  "the people who came to see this were happy with it and said that they would come again next year for more of the same".split(
    " ",
  );

/** Measures a model and prints the report. */
export async function bench(invocation: Invocation): Promise<void> {
  const { values } = invocation;
  const model = modelOf(invocation);
  const ways = waysOf(values);
  const bar = startBar(null);
  const report = await stoppable("", async (signal): Promise<Report> => {
    const results: Measured[] = [];
    let name = model;
    try {
      for (const [i, way] of ways.entries()) {
        bar.say(`measuring ${way.dtype}, threads: ${way.threads} (${i + 1} of ${ways.length})`);
        const { measured, info } = await measure(model, way, signal);
        results.push(measured);
        name = info.model.name;
      }
    } finally {
      bar.clear();
    }
    return {
      model: name,
      processor: cpus()[0]?.model.trim() ?? process.arch,
      processors: availableParallelism(),
      node: process.versions.node,
      results,
    };
  });
  await print(values.json ? `${JSON.stringify(report, null, 2)}\n` : tableOf(report));
}

/** The ways to measure: each `--dtype` on each of `--threads`. */
function waysOf(values: Values): LoadOptions[] {
  const dtypes = (values.dtype ?? "auto").split(",");
  const threads =
    values.threads?.split(",") ?? [...new Set([1, threadsFor("auto", availableParallelism())])].map(String);
  return dtypes.flatMap((dtype) =>
    threads.map((some) => ({
      ...loadOptionsOf({ ...values, dtype }),
      threads: threadsOf({ ...values, threads: some }, 1),
    })),
  );
}

async function measure(
  model: string,
  way: LoadOptions,
  signal: AbortSignal,
): Promise<{ measured: Measured; info: ClassifierInfo }> {
  const loads: number[] = [];
  let classifier: Classifier | null = null;
  try {
    while (loads.length < LOADS) {
      await classifier?.dispose();
      classifier = null;
      const start = performance.now();
      classifier = await Classifier.load(model, { ...way, signal });
      loads.push(performance.now() - start);
    }
    const loaded = classifier!;
    const { info } = loaded;
    const lengths = LENGTHS.filter((tokens) => tokens <= info.model.maxTokens);
    const texts = await Promise.all(lengths.map((tokens) => textOf(loaded, tokens)));
    const latency: Measured["latency"] = [];
    for (const [i, tokens] of lengths.entries()) {
      const times = await repeat(LATENCY_MS, () => loaded.classify(texts[i]!, { signal }));
      latency.push({ tokens, calls: times.length, p50: quantile(times, 0.5), p90: quantile(times, 0.9) });
    }
    const batch = Array.from({ length: BATCH }, (_, i) => texts[i % texts.length]!);
    const batches = await repeat(BATCH_MS, () => loaded.classify(batch, { signal }), 1);
    const measured = {
      dtype: info.dtype,
      threads: info.threads,
      build: info.build,
      load: quantile(loads, 0.5),
      latency,
      textsPerSecond: (1000 * BATCH) / quantile(batches, 0.5),
    };
    return { measured, info };
  } finally {
    await classifier?.dispose();
  }
}

/** A text of `tokens` tokens for this model, including special ones, or of a few fewer. */
async function textOf(classifier: Classifier, tokens: number): Promise<string> {
  const words = Array.from({ length: tokens }, (_, i) => WORDS[i % WORDS.length]!);
  const { tokens: found } = await classifier.classify(words.join(" "), { details: true, topK: 1 });
  const own = found
    .filter(({ special }) => !special)
    .slice(0, tokens - found.filter(({ special }) => special).length);
  return words.join(" ").slice(0, own.at(-1)!.end);
}

/**
 * The milliseconds of each of several calls in sequence, for about `ms` in total; the first one is left out.
 */
async function repeat(ms: number, call: () => Promise<unknown>, minRuns = MIN_RUNS): Promise<number[]> {
  await call();
  const times: number[] = [];
  const end = performance.now() + ms;
  while (times.length < minRuns || performance.now() < end) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return times;
}

/** The smallest time that a `share` of the times doesn't exceed. */
function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

function tableOf({ model, processor, processors, node, results }: Report): string {
  const lengths = results[0]!.latency.map(({ tokens }) => tokens);
  const head = ["weights", "threads", "load", ...lengths.map((tokens) => `${tokens} tokens`), "many"];
  const rows = results.map(({ dtype, threads, load, latency, textsPerSecond }) => [
    dtype,
    String(threads),
    `${load.toFixed(0)} ms`,
    ...latency.map(({ p50, p90 }) => `${p50.toFixed(1)} / ${p90.toFixed(1)} ms`),
    `${rateOf(textsPerSecond)} texts/s`,
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const lines = [head, ...rows].map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
  return `${model} on ${processor}, ${processors} ${processors === 1 ? "processor" : "processors"}, Node ${node}\n${lines.join("\n")}\nFrom text to scores: median / 90th percentile. Many: ${BATCH} texts of these lengths in a call.\n`;
}
