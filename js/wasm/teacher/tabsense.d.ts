/**
 * What the WebAssembly module that teaches a classifier exports (src/web_teach.rs). Every method throws `Error`s
 * that carry a `kind`. Letters: N examples, D numbers of a vector, L labels.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/**
 * A classifier that is being taught: takes examples and names, works in slices, and gives its weights.
 *
 * Vectors may have any length: they are read as unit vectors, and the weights are for unit vectors.
 */
export class Teacher {
  /** `multi`: an example has any number of labels, and each label a probability by itself. */
  constructor(width: number, labels: number, multi: boolean);
  /**
   * Adds examples: vectors (N × D), the labels' numbers of all, and of each how many of them are its own; without
   * `counts` each has one. May be called many times.
   */
  examples(vectors: Float32Array, labels: Uint32Array, counts?: Uint32Array): void;
  /**
   * Adds names or descriptions of labels: their vectors, and the label's number of each. A label with several
   * splits the weight of one among them; one without examples needs at least one.
   */
  names(vectors: Float32Array, labels: Uint32Array): void;
  /** Begins at the weights (L × D) and biases (L) of an earlier training: faster, with the same result. */
  start(weights: Float32Array, bias: Float32Array): void;
  /**
   * Keeps these values instead of searching them: one fit, no leave-one-out (`predicted`, `probability` and
   * `own` are empty then).
   */
  keep(strength: number, nameWeight: number, temperature: number, threshold: number): void;
  /** Works for some 10 ms; returns how much of all is done, 0 to 1. It is 1 at the end, and only then. */
  step(): number;
  /** What was learned; consumes the teacher. */
  finish(): Taught;
  free(): void;
}

/**
 * What was learned: of a unit vector x, the logits are `weights x + bias`, the probabilities
 * `softmax(logits / temperature)`, or `sigmoid(logits / temperature)` with several labels an example.
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
   * The score under which an answer is more often wrong than right; with several labels an example, the score from
   * which on a label is given.
   */
  threshold: number;
  /** Of each example: the label that it would get had it not been seen (N). */
  predicted: Uint32Array;
  /** That label's probability (N). */
  probability: Float32Array;
  /** The probability of the example's own label (N); with several labels an example those of all (N × L). */
  own: Float32Array;
}
