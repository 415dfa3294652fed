/** The progress line on a terminal. */

import { onOneLine } from "./visible.js";

/** The progress so far. */
export interface Step {
  /** Rows answered in this run. */
  rows: number;
  /** Bytes of the input up to the end of the last of them. */
  bytes: number;
}

/** A running bar. */
export interface Bar {
  /** Shows what happens before the first row. */
  say(text: string): void;
  step(step: Step): void;
  clear(): void;
}

/** Milliseconds between two drawings. */
const INTERVAL = 100;
const WIDTH = 24;
const CLEAR = "\r\x1b[K";

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/**
 * Starts a bar on stderr if that is a terminal; otherwise it shows nothing. `total`: the bytes of the input,
 * if known.
 */
export function startBar(total: number | null): Bar {
  const screen = process.stderr;
  if (!screen.isTTY) return { say: () => {}, step: () => {}, clear: () => {} };
  let first: Step | null = null;
  let start = 0;
  let drawn = 0;
  const draw = (text: string) =>
    screen.write(`${CLEAR}${onOneLine(text).slice(0, Math.max(10, (screen.columns || 80) - 1))}`);
  return {
    say: draw,
    step(step) {
      const now = performance.now();
      if (first === null) [first, start] = [step, now];
      else if (now - drawn < INTERVAL && step.bytes !== total) return;
      drawn = now;
      draw(lineOf(step, first, (now - start) / 1000, total));
    },
    clear: () => void screen.write(CLEAR),
  };
}

/**
 * `[#######-----------]  38 %  1,234 texts  81.3 texts/s  2:05 left`; the rate counts what came after `first`.
 */
function lineOf(step: Step, first: Step, seconds: number, total: number | null): string {
  const rate = seconds > 0 ? (step.rows - first.rows) / seconds : 0;
  const parts = [`${COUNT.format(step.rows)} texts`, `${rateOf(rate)} texts/s`];
  if (total === null || total === 0) return parts.join("  ");
  const share = Math.min(1, step.bytes / total);
  const filled = Math.round(share * WIDTH);
  const left =
    step.bytes > first.bytes ? (seconds * (total - step.bytes)) / (step.bytes - first.bytes) : Infinity;
  const bar = `[${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
  return [bar, ...parts, `${timeOf(left)} left`].join("  ");
}

/** A rate with only its meaningful digits. */
export function rateOf(rate: number): string {
  return rate >= 100 ? COUNT.format(rate) : rate.toFixed(1);
}

/** Seconds as `1:02:03` or `2:03`. */
function timeOf(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.ceil(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
