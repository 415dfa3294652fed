/**
 * Latency over length, both logarithmic: a line at p50 and a band up to p95 for each device, and where two
 * lines cross.
 */

import type uPlot from "uplot";
import { milliseconds, whole } from "../../format.ts";
import type { Results } from "../results.ts";
import { axis, baseline, logMark, logMarks, write, type Draw, type Drawing } from "./chart.ts";
import { deviceStyle, type Theme } from "./theme.ts";

const MIN_MS = 0.05; // what a logarithmic axis shows for a latency below the clock's step
const X_MARGIN = 0.25; // of a doubling: the margin beyond the first and last length

const NAME_PX = 26; // the room that a device's name needs above the end of its line

/** A device's latencies at each length, as decimal logarithms; null if there is none. */
interface Line {
  device: string;
  p50: (number | null)[];
  p95: (number | null)[];
}

/** Draws the results that `current` returns. */
export function lengthsChart(current: () => Results | null): Draw {
  return (theme) => {
    const results = current();
    return !results || results.empty ? null : drawing(results, theme);
  };
}

function drawing(results: Results, theme: Theme): Drawing {
  const rows = results.rows();
  const lengths = [...new Set(rows.map(({ tokens }) => tokens))].sort((a, b) => a - b);
  const lines = results.devices.map((device): Line => {
    const byLength = new Map(results.rowsOf(device).map(({ tokens, latency }) => [tokens, latency]));
    return {
      device,
      p50: lengths.map((length) => log(byLength.get(length)?.p50)),
      p95: lengths.map((length) => log(byLength.get(length)?.p95)),
    };
  });
  const values = lines.flatMap(({ p50, p95 }) => [...p50, ...p95]).filter((value) => value !== null);
  const [low, high] = [Math.min(...values) - 0.12, Math.max(...values) + 0.12];
  const xs = lengths.map(Math.log2);
  const ticks = logMarks(low, high);

  const options: Drawing["options"] = {
    padding: [14, 12, 0, 0],
    scales: {
      x: { time: false, range: [(xs[0] ?? 0) - X_MARGIN, (xs.at(-1) ?? 0) + X_MARGIN] },
      y: { range: [low, high] },
    },
    axes: [
      axis(theme, { splits: () => xs, values: () => lengths.map(String), label: "tokens", size: 24 }, false),
      axis(
        theme,
        { splits: () => ticks, values: () => ticks.map(logMark), label: "milliseconds", size: 40 },
        true,
      ),
    ],
    series: [
      {},
      ...lines.flatMap((_, index): uPlot.Series[] => {
        const { stroke, dash } = deviceStyle(theme, index);
        return [
          { stroke: "transparent", width: 0, points: { show: false } },
          { stroke, dash, width: 2, points: { show: true, size: 7, fill: stroke, stroke } },
        ];
      }),
    ],
    bands: lines.map((_, index) => ({
      series: [1 + 2 * index, 2 + 2 * index],
      fill: deviceStyle(theme, index).band,
    })),
    hooks: {
      drawAxes: [baseline(theme)],
      draw: [
        (plot) => {
          markCrossings(plot, results, theme);
          if (lines.length > 1) nameLines(plot, theme, lines, xs);
        },
      ],
    },
  };
  return {
    options,
    data: [xs, ...lines.flatMap(({ p50, p95 }) => [p95, p50])],
    words: `Latency by length. ${rows.map(({ device, tokens, latency }) => `${device}, ${tokens} tokens: ${milliseconds(latency.p50)} at the median, ${milliseconds(latency.p95)} at p95`).join("; ")}.`,
    at: (index) =>
      rows
        .filter(({ tokens }) => tokens === lengths[index])
        .map(
          ({ device, tokens, latency }) =>
            `${device}, ${whole(tokens)} tokens: p50 ${milliseconds(latency.p50)}, p95 ${milliseconds(latency.p95)}`,
        )
        .join("; "),
  };
}

/** Marks where one device becomes the faster one. */
function markCrossings({ ctx, bbox, valToPos }: uPlot, results: Results, theme: Theme): void {
  for (const { x, y } of results.crossings()) {
    const left = valToPos(Math.log2(x), "x", true);
    const top = valToPos(Math.log10(y), "y", true);
    ctx.save();
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.arc(left, top, 5 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fillStyle = theme.paper;
    ctx.fill();
    ctx.stroke();
    ctx.restore();
    const late = left > bbox.left + 0.7 * bbox.width;
    write(
      ctx,
      theme,
      `even at ${Math.round(x)} tokens`,
      left + (late ? -6 : 6) * devicePixelRatio,
      bbox.top + 10 * devicePixelRatio,
      late ? "right" : "left",
    );
  }
}

/** Writes each device's name above the end of its line, or below it if another line ends close above. */
function nameLines(
  { ctx, valToPos }: uPlot,
  theme: Theme,
  lines: readonly Line[],
  xs: readonly number[],
): void {
  const ends = lines.map(({ p50 }) => {
    const last = p50.findLastIndex((value) => value !== null);
    return { x: valToPos(xs[last] ?? 0, "x", true), y: valToPos(p50[last] ?? 0, "y", true) };
  });
  ends.forEach(({ x, y }, index) => {
    const crowded = ends.some((other) => other.y < y && y - other.y < NAME_PX * devicePixelRatio);
    write(
      ctx,
      theme,
      lines[index]?.device ?? "",
      x,
      y + (crowded ? 18 : -10) * devicePixelRatio,
      "right",
      deviceStyle(theme, index).stroke,
    );
  });
}

function log(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.log10(Math.max(ms, MIN_MS));
}
