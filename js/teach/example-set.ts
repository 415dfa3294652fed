/** The labels and examples that a classifier is taught with, with their vectors once computed. */

import type { TaughtExample } from "../api/teach-types.js";
import { checkExample, checkText, contradiction, invalid, MAX_EXAMPLES, MAX_LABELS } from "./examples.js";

/** An example. Its labels are indices of {@link ExampleSet.labels}. */
export interface StoredExample {
  id: number;
  text: string;
  labels: number[];
  vector: Float32Array | null;
}

/** A label with the vectors of its name and description. */
export interface Label {
  name: string;
  description: string | null;
  vectors: Float32Array[] | null;
}

/** Labels, which are only ever added, and examples, which can also be removed. */
export class ExampleSet {
  readonly labels: Label[];
  /** Whether a text may have several labels, or none. */
  readonly multi: boolean;
  /** How many times an example was added or removed so far. */
  changes = 0;
  readonly #byId = new Map<number, StoredExample>();
  readonly #byText = new Map<string, StoredExample>();
  #next = 0;

  constructor(labels: readonly Omit<Label, "vectors">[], multi: boolean) {
    this.labels = labels.map(({ name, description }) => ({ name, description, vectors: null }));
    this.multi = multi;
  }

  /** The examples, in order. */
  get entries(): StoredExample[] {
    return [...this.#byId.values()];
  }

  /** The examples in their public form. */
  get examples(): TaughtExample[] {
    return this.entries.map(({ id, text, labels }) => ({
      id,
      text,
      labels: labels.map((place) => this.#name(place)),
    }));
  }

  /** Adds an example that was checked; the same text is stored only once. */
  insert(text: string, labels: number[]): StoredExample {
    const before = this.#byText.get(text);
    if (before) return before;
    this.changes++;
    const example = { id: this.#next++, text, labels, vector: null };
    this.#byId.set(example.id, example);
    this.#byText.set(text, example);
    return example;
  }

  /** Checks and adds an example, and its label if new. Throws as `TaughtClassifier.add` does. */
  add(text: string, label: string | readonly string[]): number {
    const given = typeof label === "string" ? { text, label } : { text, labels: label };
    const { labels, multi } = checkExample(given, "The example");
    if (multi && !this.multi) throw invalid("Each text has one label here. Pass add a label, not a list.");
    checkText(text, labels);
    const before = this.#byText.get(text);
    if (before && !this.multi) {
      const name = this.#name(before.labels[0]!);
      if (name !== labels[0]) throw contradiction(text, name, labels[0]!);
      return before.id;
    }
    if (this.#byId.size >= MAX_EXAMPLES)
      throw invalid(`There are already ${MAX_EXAMPLES} examples, the maximum. Remove some first.`);
    const places = labels.map((name) => this.#placeOf(name));
    if (before) this.remove(before.id);
    return this.insert(text, places).id;
  }

  /** Removes an example; returns whether there was one with this id. */
  remove(id: number): boolean {
    const example = this.#byId.get(id);
    if (!example) return false;
    this.changes++;
    this.#byId.delete(id);
    this.#byText.delete(example.text);
    return true;
  }

  /** The index of a label, which is added if new. */
  #placeOf(name: string): number {
    if (name.trim() === "") throw invalid("A label has an empty name. Name every label.");
    const place = this.labels.findIndex((label) => label.name === name);
    if (place >= 0) return place;
    if (this.labels.length >= MAX_LABELS)
      throw invalid(`There are already ${MAX_LABELS} labels, the maximum. Remove some first.`);
    return this.labels.push({ name, description: null, vectors: null }) - 1;
  }

  #name(place: number): string {
    return this.labels[place]!.name;
  }
}
