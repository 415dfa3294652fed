/** Progress events of one file, with a smoothed rate, throttled to what a page can draw. */

import { TOKENIZER_CONFIG, type Progress } from "../api/types.js";

/** The progress of one file. */
export type FileProgress = Omit<Progress, "overall">;

/** Milliseconds between two events of one file. */
const INTERVAL = 50;

/** The weight of a new interval against earlier ones. */
const SMOOTHING = 0.3;

/**
 * Returns a function to call with the bytes so far. It calls `emit` for the first bytes, at intervals, and
 * for the last.
 */
export function progressOf(
  stage: Progress["stage"],
  file: string,
  emit: (progress: FileProgress) => void,
): (bytes: number, total: number | null, last?: boolean) => void {
  let then = performance.now();
  let before = 0;
  let rate = 0;
  let first = true;
  return (bytes, total, last = bytes === total) => {
    const now = performance.now();
    if (!first && !last && now - then < INTERVAL) return;
    if (now > then && bytes > before) {
      const current = ((bytes - before) / (now - then)) * 1000;
      rate = rate === 0 ? current : rate + SMOOTHING * (current - rate);
    }
    first = false;
    then = now;
    before = bytes;
    emit({ stage, file, bytes, total, rate });
  };
}

/** The assumed length of a file until it is known, in bytes: the weights are most of a model. */
const EXPECTED = { runtime: 1.2e6, config: 1e3, tokenizer: 7e5, weights: 1e8 };

/**
 * Adds the progress of all files together. They count by their bytes, so that a progress bar moves steadily.
 */
export function withOverall(emit: (progress: Progress) => void): (progress: FileProgress) => void {
  const files = new Map(Object.entries(EXPECTED).map(([stage, total]) => [stage, { bytes: 0, total }]));
  let overall = 0;
  return (progress) => {
    const { stage, bytes, total } = progress;
    if (stage === "ready") {
      overall = 1;
    } else {
      // A file of unknown length gets ever closer to its end. A tokenizer and weights may be in several
      // files, which are counted separately.
      if (progress.file !== TOKENIZER_CONFIG) files.delete(stage);
      const key = stage === "tokenizer" || stage === "weights" ? `${stage} ${progress.file}` : stage;
      files.set(key, { bytes, total: total ?? bytes + EXPECTED[stage] });
      const sum = (key: "bytes" | "total") => [...files.values()].reduce((all, file) => all + file[key], 0);
      // All bytes have arrived before the model is ready.
      overall = Math.max(overall, Math.min(sum("bytes") / sum("total"), MAX_BEFORE_READY));
    }
    emit({ ...progress, overall });
  };
}

/** The maximum progress of a load before its model is ready. */
const MAX_BEFORE_READY = 0.99;
