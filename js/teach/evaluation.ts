/** The results of leave-one-out over the examples. */

import type { LeftOut } from "../client/protocol.js";
import type { DoubtfulExample, Evaluation, LabelEvaluation, TaughtExample } from "../api/teach-types.js";

/**
 * An example is doubtful if the others give it another label that is this many times as likely as its own.
 */
const DOUBTFUL_RATIO = 3;

/** The evaluation of `examples`, in the order in which they were learnt. */
export function evaluation(
  leftOut: LeftOut,
  threshold: number,
  examples: readonly TaughtExample[],
  labels: readonly string[],
  multi: boolean,
): Evaluation {
  const predicted = examples.map((_, i) =>
    multi
      ? labels.filter((_, label) => leftOut.own[i * labels.length + label]! >= threshold)
      : [labels[leftOut.predicted[i]!]!],
  );
  const isRight = ({ labels: own }: TaughtExample, i: number) =>
    predicted[i]!.length === own.length && predicted[i]!.every((label) => own.includes(label));
  const right = examples.filter(isRight).length;
  return {
    accuracy: examples.length > 0 ? right / examples.length : null,
    examples: examples.length,
    labels: labels.map((label) => ofLabel(label, examples, predicted)),
    confusions: multi ? [] : confusions(examples, predicted),
    doubtful: multi ? [] : doubtful(leftOut, examples, predicted),
  };
}

function ofLabel(
  label: string,
  examples: readonly TaughtExample[],
  predicted: readonly string[][],
): LabelEvaluation {
  const have = examples.filter(({ labels }) => labels.includes(label)).length;
  const get = predicted.filter((labels) => labels.includes(label)).length;
  const both = examples.filter(
    ({ labels }, i) => labels.includes(label) && predicted[i]!.includes(label),
  ).length;
  return {
    label,
    examples: have,
    precision: get > 0 ? both / get : null,
    recall: have > 0 ? both / have : null,
  };
}

function confusions(
  examples: readonly TaughtExample[],
  predicted: readonly string[][],
): Evaluation["confusions"] {
  const counts = new Map<string, Evaluation["confusions"][number]>();
  examples.forEach(({ labels: [label] }, i) => {
    const [other] = predicted[i]!;
    if (label === undefined || other === undefined || label === other) return;
    const key = JSON.stringify([label, other]);
    const counted = counts.get(key) ?? { label, predicted: other, count: 0 };
    counted.count++;
    counts.set(key, counted);
  });
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function doubtful(
  { probability, own }: LeftOut,
  examples: readonly TaughtExample[],
  predicted: readonly string[][],
): DoubtfulExample[] {
  const ratio = (i: number) => probability[i]! / own[i]!;
  const places = [...examples.keys()].filter(
    (i) => predicted[i]![0] !== examples[i]!.labels[0] && ratio(i) >= DOUBTFUL_RATIO,
  );
  places.sort((a, b) => ratio(b) - ratio(a));
  return places.map((i) => ({ ...examples[i]!, predicted: predicted[i]![0]!, score: probability[i]! }));
}
