/**
 * Turns tokens into entities, like `TokenClassificationPipeline` of Python's transformers 5.24 (oracle:
 * test_data/make_tagging.py). It differs in two points: labels of BIOES and BILOU end their entities
 * (labels.ts), and a label without a prefix is never cut at its first hyphen.
 */

import { type Tag, tagsOf } from "./labels.js";
import type { Aggregation, Group, TaggedText } from "./types.js";

/** A word or a token with its label, before neighbours are joined. */
interface Labelled extends Group {
  /** The label's number. */
  id: number;
}

/** Turns one text's tokens into entities. The caller filters them by label: `"O"` is included. */
export type Aggregate = (tagged: TaggedText, aggregation: Aggregation) => Group[];

/** Prepares the aggregation for a model, given its L labels by number. */
export function aggregator(labels: readonly string[]): Aggregate {
  const tags = tagsOf(labels);
  return (tagged, aggregation) => {
    const units = aggregation === "none" || aggregation === "simple" ? tokensOf(tagged) : wordsOf(tagged);
    const labelled = units.map((unit) => labelledAs(tagged, unit, aggregation, labels));
    return aggregation === "none" ? labelled.map(plain) : joined(labelled, tags);
  };
}

/** The indices of each word's tokens. */
function wordsOf({ tokens }: TaggedText): number[][] {
  const words: number[][] = [];
  for (const [place, { subword }] of tokens.entries()) {
    if (words.length > 0 && subword) words.at(-1)!.push(place);
    else words.push([place]);
  }
  return words;
}

function tokensOf({ tokens }: TaggedText): number[][] {
  return tokens.map((_, place) => [place]);
}

/** One label for the tokens at `places`, which are consecutive. */
function labelledAs(
  { tokens, scores }: TaggedText,
  places: readonly number[],
  aggregation: Aggregation,
  labels: readonly string[],
): Labelled {
  const count = labels.length;
  const row = (place: number) => scores.subarray(place * count, (place + 1) * count);
  const rows = places.map(row);
  const [first, last] = [places[0]!, places.at(-1)!];
  let chosen: ArrayLike<number> = rows[0]!;
  if (aggregation === "max") chosen = rows[indexOfMax(rows.map((row) => row[indexOfMax(row)]!))]!;
  if (aggregation === "average")
    chosen = labels.map((_, id) => rows.reduce((sum, row) => sum + row[id]!, 0) / rows.length);
  const id = indexOfMax(chosen);
  return {
    id,
    label: labels[id]!,
    score: chosen[id]!,
    start: tokens[first]!.start,
    end: tokens[last]!.end,
    tokens: [first, last + 1],
  };
}

/** Joins neighbours of the same name; the score is the mean of their scores. */
function joined(labelled: readonly Labelled[], tags: readonly Tag[]): Group[] {
  const runs: Labelled[][] = [];
  for (const next of labelled) {
    const run = runs.at(-1);
    const tag = tags[next.id]!;
    const before = run && tags[run.at(-1)!.id]!;
    if (before && before.name === tag.name && !tag.begins && !before.ends) run.push(next);
    else runs.push([next]);
  }
  return runs.map((run) => {
    const [first, last] = [run[0]!, run.at(-1)!];
    return {
      label: tags[first.id]!.name,
      score: run.reduce((sum, { score }) => sum + score, 0) / run.length,
      start: first.start,
      end: last.end,
      tokens: [first.tokens[0], last.tokens[1]],
    };
  });
}

function plain({ id: _, ...group }: Labelled): Group {
  return group;
}

/** The index of the largest value; of equal ones, the first. */
function indexOfMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Turns rows of L logits into probabilities, in place. */
export function softmaxRows(logits: Float32Array, labels: number): Float32Array {
  for (let at = 0; at < logits.length; at += labels) {
    const row = logits.subarray(at, at + labels);
    const largest = row.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - largest);
    for (let i = 0; i < row.length; i++) row[i] = Math.exp(row[i]! - largest) / sum;
  }
  return logits;
}
