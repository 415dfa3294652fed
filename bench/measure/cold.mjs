// Cold starts: from nothing (no cache, no running browser) to the first answer, split into stages.

import { median } from "../statistics.mjs";

/** Matches files with code, not with a model. */
const RUNTIME = /\.(m?js|wasm)$/;

/**
 * Starts a subject from scratch `count` times; resolves to
 * `{ runs: [stages], stages, urls, variant, memory }`. Stages, in milliseconds: `download` of the runtime,
 * `compile` (the part that the download doesn't hide), `weights` (everything else until the model is fetched
 * and ready), `first` answer, and their `total`. Stages that can't be observed (in a process) are null.
 */
export async function coldStarts(open, request, count, withMemory) {
  const runs = [];
  let urls = [];
  let memory = null;
  let variant = null;
  for (let run = 0; run < count; run++) {
    const opened = await open();
    try {
      const marks = await opened.ask(request);
      variant = marks.variant;
      // The entries of downloads arrive a moment after them.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const seen = await opened.probe();
      runs.push(stagesOf(marks, seen));
      if (run === 0) {
        urls = seen ? [...new Set(seen.downloads.map(({ url }) => url))] : [];
        if (withMemory) memory = await memoryOf(opened, seen);
      }
      await opened.ask({ op: "dispose" });
    } finally {
      await opened.close();
    }
  }
  const stages = Object.fromEntries(
    Object.keys(runs[0]).map((name) => [
      name,
      runs[0][name] === null ? null : median(runs.map((stages) => stages[name])),
    ]),
  );
  return { runs, stages, urls, variant, memory };
}

/** The stages between the milestones, from the observed intervals. */
export function stagesOf({ start, ready, answered }, seen) {
  const total = answered - start;
  const first = answered - ready;
  if (!seen) return { download: null, compile: null, weights: ready - start, first, total };
  const within = (list) =>
    list
      .map(({ start: from, end }) => [Math.max(from, start), Math.min(end, ready)])
      .filter(([from, end]) => end > from);
  const downloads = within(seen.downloads.filter(({ url }) => RUNTIME.test(new URL(url).pathname)));
  const download = lengthOf(downloads);
  const compile = lengthOf([...downloads, ...within(seen.compiles)]) - download;
  return { download, compile, weights: ready - start - download - compile, first, total };
}

/** The length of the union of intervals. */
function lengthOf(intervals) {
  let [sum, until] = [0, -Infinity];
  for (const [from, end] of intervals.sort(([a], [b]) => a - b)) {
    sum += Math.max(0, end - Math.max(from, until));
    until = Math.max(until, end);
  }
  return sum;
}

/** Bytes: the wasm memory, the page's JavaScript heap, and the peak of the whole process. */
async function memoryOf(opened, seen) {
  const own = await opened.ask({ op: "memory" });
  return {
    wasm: own ?? (seen ? seen.wasmMemory : null),
    heap: await opened.heap(),
    peak: await opened.peak(),
  };
}
