/**
 * The exports of the WebAssembly module that teaches a classifier (src/web_teach.rs). Every method throws
 * `Error`s that have a `kind`. Letters: N examples, D numbers of a vector, L labels.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/**
 * A classifier that is being taught: accepts examples and names, works in slices, and returns its weights.
 *
 * Vectors may have any length: they are read as unit vectors, and the weights are for unit vectors.
 */
export class Teacher {
  /** `multi`: an example may have any number of labels, and each label has an independent probability. */
  constructor(width: number, labels: number, multi: boolean);
  /**
   * Adds examples: their vectors (N × D), the numbers of all their labels, and how many of these each example
   * has; without `counts`, each has one. May be called many times.
   */
  examples(vectors: Float32Array, labels: Uint32Array, counts?: Uint32Array): void;
  /**
   * Adds names or descriptions of labels: their vectors, and the number of each one's label. Several of one
   * label share the weight of one; a label without examples needs at least one.
   */
  names(vectors: Float32Array, labels: Uint32Array): void;
  /** Starts from the weights (L × D) and biases (L) of an earlier training: faster, with the same result. */
  start(weights: Float32Array, bias: Float32Array): void;
  /**
   * Keeps these values instead of searching for them: one fit, no leave-one-out (`predicted`, `probability`
   * and `own` are then empty).
   */
  keep(strength: number, nameWeight: number, temperature: number, threshold: number): void;
  /**
   * Works for about 10 ms; returns how much of the work is done, 0 to 1. It is 1 at the end, and only then.
   */
  step(): number;
  /** The result; consumes the teacher. */
  finish(): Taught;
  free(): void;
}

/**
 * The result of teaching: for a unit vector x, the logits are `weights x + bias`, the probabilities
 * `softmax(logits / temperature)`, or `sigmoid(logits / temperature)` with several labels per example.
 */
export interface Taught {
  /** L. */
  labels: number;
  /** L × D. */
  weights: Float32Array;
  /** L. */
  bias: Float32Array;
  /** The penalty on the squared weights. */
  strength: number;
  /** How many examples a label's name counts for. */
  nameWeight: number;
  temperature: number;
  /**
   * The score under which an answer is more often wrong than right; with several labels per example, the
   * minimum score of a label that is returned.
   */
  threshold: number;
  /** For each example, the label that it gets from a classifier that has not seen it (N). */
  predicted: Uint32Array;
  /** That label's probability (N). */
  probability: Float32Array;
  /** The probability of the example's own label (N); with several per example, of all labels (N × L). */
  own: Float32Array;
}
