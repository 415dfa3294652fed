// Turns samples into findings: summaries, ratios against each peer, and sweeps with
// their lines and predictions.

import { IMPLEMENTATIONS } from "./implementations/index.mjs";
import { milliseconds, operations } from "./predict.mjs";
import { fitLine, ratio, summarize } from "./statistics.mjs";

/** The tables of a result, computed from the measurements. */
export function analyse({ samples, cases, ...measured }, subjects, models, config) {
  const latencies = samples.map((sample) => {
    const { batch, tokens } = caseOf(cases, sample, subjects);
    const summary = summarize(sample.times);
    return {
      subject: sample.subject,
      case: sample.case,
      ...summary,
      requestsPerSecond: 1000 / summary.mean,
      textsPerSecond: (1000 * batch) / summary.mean,
      tokensPerSecond: (1000 * batch * tokens) / summary.mean,
      rounds: sample.rounds,
    };
  });
  return {
    cases,
    latencies,
    ratios: ratiosOf(latencies, subjects),
    ...measured,
    sweeps: sweepsOf(latencies, cases, subjects, models, config),
  };
}

/** How many times as long each other implementation takes as each of Tabsense's, for each case. */
function ratiosOf(latencies, subjects) {
  const by = new Map(subjects.map((subject) => [subject.id, subject]));
  const model = ({ subject }) => by.get(subject).model;
  const own = latencies.filter(({ subject }) => by.get(subject).own);
  const others = latencies.filter(({ subject }) => !by.get(subject).own);
  return own.flatMap((ours) =>
    others
      .filter((theirs) => theirs.case === ours.case && model(theirs) === model(ours))
      .map((theirs) => ({
        own: ours.subject,
        other: theirs.subject,
        case: ours.case,
        ...ratio(theirs.rounds, ours.rounds),
      })),
  );
}

/**
 * Each sweep's lines: `{ sweep, over, subject, points: [{ x, measured, predicted, leaves }], slope, …,
 * predictedSlope }`, in ms per unit.
 */
function sweepsOf(latencies, cases, subjects, models, config) {
  return config.sweeps.flatMap((sweep) => {
    const workload = `sweep ${sweep.name}`;
    const rows = latencies
      .filter(({ case: id }) => id.startsWith(`${workload}/`))
      .map((latency) => {
        const subject = subjects.find(({ id }) => id === latency.subject);
        const shape = models.find(({ name }) => name === subject.model);
        return {
          latency,
          subject,
          ...pointOf(sweep, latency, caseOf(cases, latency, subjects), subject, shape, config.prediction),
        };
      });
    return [...groupsOf(rows, sweep.over)]
      .filter(([, group]) => group.length > 1)
      .map(([name, group]) => ({
        sweep: sweep.name,
        over: sweep.over,
        unit: UNITS[sweep.over],
        subject: name,
        ...lineOf(
          group.map(({ point }) => point),
          config.prediction.leaves,
        ),
      }));
  });
}

const UNITS = { tokens: "token", batch: "text", model: "10^9 operations", threads: "thread" };

function pointOf(sweep, latency, { tokens, batch }, subject, shape, prediction) {
  const entry = IMPLEMENTATIONS[subject.implementation];
  const needed = operations(shape, tokens, batch, entry.skipsLastRows);
  const rates = entry.own && entry.device === "cpu" ? prediction[subject.dtype] : null;
  const x = { tokens, batch, model: (needed.linear + needed.attention) / 1e9, threads: subject.threads }[
    sweep.over
  ];
  return { point: { x, measured: latency.p50, predicted: milliseconds(needed, rates, subject.threads) } };
}

/**
 * Groups rows into lines: one subject over tokens or batches; one implementation over
 * its models or its threads.
 */
function groupsOf(rows, over) {
  const groups = new Map();
  for (const row of rows) {
    const { implementation, dtype, threads, model, id } = row.subject;
    const key =
      over === "model"
        ? `${implementation}-${dtype}${threads > 1 ? `-${threads}t` : ""}`
        : over === "threads"
          ? `${implementation}-${dtype}@${model}`
          : id;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

function lineOf(unsorted, leaves) {
  const points = unsorted
    .sort((a, b) => a.x - b.x)
    .map((point) => {
      const factor = point.predicted === null ? null : point.measured / point.predicted;
      return { ...point, leaves: factor !== null && (factor > leaves || factor < 1 / leaves) };
    });
  const predicted = points.every((point) => point.predicted !== null)
    ? fitLine(points.map(({ x, predicted: y }) => [x, y]))
    : null;
  return {
    points,
    ...fitLine(points.map(({ x, measured }) => [x, measured])),
    predictedSlope: predicted?.slope ?? null,
  };
}

function caseOf(cases, { subject, case: id }, subjects) {
  const { model } = subjects.find((other) => other.id === subject);
  return cases.find((other) => other.id === id && other.model === model);
}
