/**
 * Where the time goes: for each length, the stages' shares of the mean latency, stacked;
 * the mean is written above.
 */

import uPlot from "uplot";
import { milliseconds, percent, whole } from "../../format.ts";
import { STAGES, type Results, type Row } from "../results.ts";
import { axis, baseline, write, type Draw, type Drawing } from "./chart.ts";
import { hatch, type Theme } from "./theme.ts";

const NAMES: Record<(typeof STAGES)[number], string> = {
  tokenize: "tokenize",
  forward: "forward",
  rest: "messages",
};
const NARROW = 46; // px per column, below which the unit is left out of the figure above it

/** Draws the results of the device that `current` returns. */
export function stagesChart(current: () => { results: Results; device: string } | null): Draw {
  return (theme, width) => {
    const now = current();
    const rows = now?.results.rowsOf(now.device) ?? [];
    return rows.length > 0 ? drawing(rows, theme, width) : null;
  };
}

function drawing(rows: readonly Row[], theme: Theme, width: number): Drawing {
  const shares = rows.map(({ stages }) => {
    const sum = STAGES.reduce((all, stage) => all + stages[stage], 0) || 1;
    return { tokenize: stages.tokenize / sum, forward: stages.forward / sum, rest: stages.rest / sum };
  });
  const narrow = width / rows.length < NARROW;
  const bars = uPlot.paths.bars?.({ size: [0.7, 44], gap: 0 });
  const layer = (fill: uPlot.Series.Fill): uPlot.Series => ({
    fill,
    width: 0,
    points: { show: false },
    ...(bars ? { paths: bars } : {}),
  });
  const places = rows.map((_, index) => index);

  const options: Drawing["options"] = {
    padding: [16, 4, 0, 4],
    scales: { x: { time: false, range: [-0.5, rows.length - 0.5] }, y: { range: [0, 1] } },
    axes: [
      axis(
        theme,
        {
          splits: () => places,
          values: () => rows.map(({ tokens }) => String(tokens)),
          label: "tokens; above, the mean in milliseconds",
          size: 24,
        },
        false,
      ),
      { show: false },
    ],
    // Each layer goes from the baseline to the top of its stage; the lower ones are drawn over it.
    series: [{}, layer((plot) => hatch(plot.ctx, theme)), layer(theme.accent), layer(theme.ink)],
    hooks: {
      drawAxes: [baseline(theme)],
      draw: [
        ({ ctx, bbox, valToPos }) => {
          rows.forEach(({ latency: { mean } }, index) => {
            const text = narrow ? milliseconds(mean).replace(" ms", "") : milliseconds(mean);
            write(ctx, theme, text, valToPos(index, "x", true), bbox.top - 5 * devicePixelRatio, "center");
          });
        },
      ],
    },
  };
  return {
    options,
    data: [
      places,
      shares.map(() => 1),
      shares.map(({ tokenize, forward }) => tokenize + forward),
      shares.map(({ tokenize }) => tokenize),
    ],
    words: `Shares of the stages by length. ${rows.map(({ tokens }, index) => `${tokens} tokens: ${describeShares(shares[index])}`).join("; ")}.`,
    at: (index) => `${whole(rows[index]?.tokens ?? 0)} tokens: ${describeShares(shares[index])}`,
  };
}

function describeShares(shares: Row["stages"] | undefined): string {
  return shares ? STAGES.map((stage) => `${NAMES[stage]} ${percent(shares[stage])}`).join(", ") : "";
}
