/**
 * The spread: a histogram of latencies at one length, with lines at p50 and p95; over all lengths on a
 * logarithmic axis.
 */

import uPlot from "uplot";
import { counted, milliseconds } from "../../format.ts";
import { histogram, percentile } from "../../statistics.ts";
import { axis, baseline, logMark, logMarks, write, type Draw, type Drawing } from "./chart.ts";
import type { Theme } from "./theme.ts";

const MIN_MS = 0.05;
const BINS = 24;
const BIN_PX = 13; // a bar is at least this wide, with its gap
const COUNT_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]; // for the axis of calls
const FINEST_LOG = 0.02; // of a decade

/** What to draw the spread of. */
export interface Latencies {
  values: readonly number[];
  /** Whether the values come from many lengths, and are far apart. */
  all: boolean;
  /** The clock's step: no bin is narrower. */
  clockStep: number;
  /** What was timed: "32 tokens". */
  name: string;
}

/** Draws the latencies that `current` returns. */
export function spreadChart(current: () => Latencies | null): Draw {
  return (theme, width) => {
    const now = current();
    return now && now.values.length > 0 ? drawing(now, theme, width) : null;
  };
}

function drawing({ values, all, clockStep, name }: Latencies, theme: Theme, width: number): Drawing {
  const place = (ms: number): number => (all ? Math.log10(Math.max(ms, MIN_MS)) : ms);
  const value = (at: number): number => (all ? 10 ** at : at);
  const bins = histogram(
    values.map(place),
    Math.min(BINS, Math.floor(width / BIN_PX)),
    all ? FINEST_LOG : clockStep,
  );
  const centres = bins.counts.map((_, index) => bins.start + (index + 0.5) * bins.width);
  const end = bins.start + bins.counts.length * bins.width;
  const margin = Math.max(bins.width, (end - bins.start) * 0.04);
  const maxCount = Math.max(...bins.counts);
  const p50 = percentile(values, 0.5);
  const p95 = percentile(values, 0.95);
  const bars = uPlot.paths.bars?.({ size: [0.86, 40], gap: 0 });
  const between = (index: number): string => {
    const [from, to] = [bins.start + index * bins.width, bins.start + (index + 1) * bins.width].map((at) =>
      fine(value(at)),
    );
    return bins.above > 0 && index === bins.counts.length - 1 ? `from ${from} ms on` : `${from} to ${to} ms`;
  };

  const marks = logMarks(bins.start - margin, end + margin);
  const places: uPlot.Axis = all
    ? { splits: () => marks, values: () => marks.map(logMark) }
    : { values: (_, splits) => splits.map((at) => String(Number(at.toFixed(3)))) };
  const options: Drawing["options"] = {
    padding: [16, 8, 0, 4],
    scales: {
      x: { time: false, range: [bins.start - margin, end + margin] },
      y: { range: [0, maxCount * 1.05] },
    },
    axes: [
      axis(theme, { ...places, label: "milliseconds", size: 24, space: 44 }, false),
      axis(theme, { incrs: COUNT_STEPS, label: "calls", size: 30, space: 26 }, true),
    ],
    series: [{}, { fill: theme.accent, width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) }],
    hooks: {
      drawAxes: [baseline(theme)],
      draw: [
        (plot) => {
          line(plot, theme, place(p50), "p50", []);
          // A p95 beyond the last bin can't be drawn, and one close to p50 has no room for its name.
          if (place(p95) > end) return;
          const apart = plot.valToPos(place(p95), "x") - plot.valToPos(place(p50), "x");
          line(plot, theme, place(p95), apart > 30 ? "p95" : "", [3, 3]);
        },
      ],
    },
  };
  const above =
    bins.above > 0
      ? `The last bar also contains ${counted(bins.above, "slower call")}, up to ${milliseconds(Math.max(...values))}.`
      : "";
  return {
    options,
    data: [centres, bins.counts],
    words:
      `Histogram of ${counted(values.length, "call")}, ${name}: p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}. ${above}`.trim(),
    remark: above,
    at: (index) => `${between(index)}: ${counted(bins.counts[index] ?? 0, "call")}`,
  };
}

function line(
  { ctx, bbox, valToPos }: uPlot,
  theme: Theme,
  at: number,
  name: string,
  dash: readonly number[],
): void {
  const left = valToPos(at, "x", true);
  ctx.save();
  ctx.strokeStyle = theme.ink;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
  write(ctx, theme, name, left, bbox.top - 5 * devicePixelRatio, "center");
}

/** Milliseconds with as many digits as a bin's edge needs. */
function fine(ms: number): string {
  return String(Number(ms.toPrecision(3)));
}
