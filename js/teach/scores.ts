/** From a vector to the probabilities of labels. */

import type { Trained } from "../client/protocol.js";

/** The probability of each label: together 1, or independent with several labels per text. */
export function scoresOf(vector: Float32Array, trained: Trained, multi: boolean): number[] {
  const { weights, bias, keep } = trained;
  const width = vector.length;
  const logits = Array.from(bias, (b, label) => {
    let sum = b;
    for (let i = 0, at = label * width; i < width; i++, at++) sum += weights[at]! * vector[i]!;
    return sum / keep.temperature;
  });
  if (multi) return logits.map((x) => 1 / (1 + Math.exp(-x)));
  const largest = Math.max(...logits);
  const exponentials = logits.map((x) => Math.exp(x - largest));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}
