// The content of the page's charts as plain data: page.js passes it to Chart.js with the page's colours.
//
// A chart: { title, note, kind: "bars" | "stacked" | "spread" | "lines", wide, unit, labels, own, series: [{
// name, own, values | points, dashed }] }. `own`: which bars are Tabsense's.

import { caseName, counterpart, plainCases, shortName } from "./tables.mjs";

/** The charts of a result that have something to show. */
export function chartsOf(result) {
  return [
    ...result.models.flatMap((model) => [...latencyCharts(result, model), ratioChart(result, model)]),
    coldChart(result),
    bytesChart(result),
    memoryChart(result),
    ...sweepCharts(result),
  ].filter(
    (chart) => chart && chart.series.length > 0 && (chart.kind === "lines" || chart.labels.length > 0),
  );
}

/** One chart per case: short and long texts are two orders of magnitude apart. */
function latencyCharts(result, { name }) {
  return plainCases(result, name).map((one) => {
    const rows = result.latencies
      .filter((row) => row.case === one.id)
      .map((row) => ({ row, subject: result.subjects.find(({ id }) => id === row.subject) }))
      .filter(({ subject }) => subject.model === name);
    return {
      title: `${caseName(one)}, ${name}`,
      note: "Median milliseconds from text to scores.",
      kind: "bars",
      unit: "ms",
      labels: rows.map(({ subject }) => shortName(subject.id)),
      own: rows.map(({ subject }) => subject.own),
      series: [{ name: "p50", values: rows.map(({ row }) => row.p50) }],
    };
  });
}

function ratioChart(result, { name }) {
  const cases = plainCases(result, name);
  const others = result.subjects
    .filter(({ own, model }) => !own && model === name)
    .map((other) => ({ other, own: counterpart(result, other) }))
    .filter(({ own }) => own);
  const series = cases.map((one) => ({
    name: caseName(one),
    own: false,
    values: others.map(({ other, own }) => {
      const found = result.ratios.find(
        (row) => row.own === own.id && row.other === other.id && row.case === one.id,
      );
      return found ? { median: found.median, low: found.low, high: found.high } : null;
    }),
  }));
  return {
    title: `Times as long as Tabsense, ${name}`,
    note: "Median of the rounds with its 10th to 90th percentile; above 1, Tabsense is faster.",
    kind: "spread",
    wide: true,
    unit: "×",
    labels: others.map(({ other, own }) => `${shortName(other.id)} / ${shortName(own.id)}`),
    series: others.length > 0 ? series : [],
  };
}

function coldChart({ cold, models }) {
  const stages = {
    download: "download of the runtime",
    compile: "compile",
    weights: "weights and set-up",
    first: "first answer",
  };
  return {
    title: "Cold start",
    note: "Milliseconds from nothing to the first answer, files from this machine.",
    kind: "stacked",
    wide: models.length > 1,
    unit: "ms",
    labels: cold.map(({ subject }) => labelOf(subject, models)),
    series:
      cold.length > 0
        ? Object.entries(stages).map(([key, name]) => ({
            name,
            own: false,
            values: cold.map((row) => row.stages[key] ?? 0),
          }))
        : [],
  };
}

function bytesChart({ bytes, models }) {
  const parts = { runtime: "runtime, brotli", model: "model, brotli" };
  return {
    title: "Transfer",
    note: "Megabytes that a page fetches, compressed with brotli.",
    kind: "stacked",
    wide: models.length > 1,
    unit: "MB",
    labels: bytes.map(({ subject }) => labelOf(subject, models)),
    series:
      bytes.length > 0
        ? Object.entries(parts).map(([key, name]) => ({
            name,
            own: false,
            values: bytes.map((row) => row[key].brotli / 1e6),
          }))
        : [],
  };
}

function memoryChart(result) {
  const rows = result.cold.filter(({ memory }) => memory?.peak);
  return {
    title: "Memory",
    note: "Megabytes: the peak of the whole process until the first answer.",
    kind: "bars",
    wide: result.models.length > 1,
    unit: "MB",
    labels: rows.map(({ subject }) => labelOf(subject, result.models)),
    own: rows.map(({ subject }) => result.subjects.find(({ id }) => id === subject).own),
    series:
      rows.length > 0 ? [{ name: "process, peak", values: rows.map(({ memory }) => memory.peak / 1e6) }] : [],
  };
}

function labelOf(subject, models) {
  return models.length > 1 ? subject : shortName(subject);
}

/** A chart for each sweep: the measured lines, and the predicted ones dashed. */
function sweepCharts({ sweeps, subjects }) {
  return [...new Set(sweeps.map(({ sweep }) => sweep))].map((sweep) => {
    const lines = sweeps.filter((line) => line.sweep === sweep);
    const isOwn = (subject) => subjects.some(({ id, own }) => own && id.startsWith(subject.split("@")[0]));
    const series = lines.flatMap(({ subject, points, predictedSlope }) => [
      {
        name: subject,
        own: isOwn(subject),
        points: points.map(({ x, measured, leaves }) => ({ x, y: measured, leaves })),
      },
      ...(predictedSlope === null
        ? []
        : [
            {
              name: `${subject}, predicted`,
              own: true,
              dashed: true,
              points: points.map(({ x, predicted }) => ({ x, y: predicted })),
            },
          ]),
    ]);
    return {
      title: `Cost as work grows: ${sweep}`,
      note: `Median milliseconds by ${lines[0].unit}s, both axes logarithmic; dashed: predicted. A larger mark: the measured point deviates from the prediction.`,
      kind: "lines",
      wide: true,
      unit: "ms",
      axis: `${lines[0].unit}s`,
      labels: [],
      series,
    };
  });
}
