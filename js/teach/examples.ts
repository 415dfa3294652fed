/** The examples that a classifier is taught with: what a caller passes, checked. */

import { TabsenseError } from "../api/errors.js";
import { kindOf } from "../api/options.js";
import type { Example, Examples } from "../api/teach-types.js";

/** The maximum numbers of labels and examples; src/teach has the same limits. */
export const MAX_LABELS = 5_000;
export const MAX_EXAMPLES = 100_000;

/** The labels by name, in order, and the examples of each. */
export interface Collected {
  labels: string[];
  /** Whether a text may have several labels, or none. */
  multi: boolean;
  examples: { text: string; labels: string[] }[];
}

/**
 * Collects the examples passed to `teach`. Throws kind `"invalid_argument"` if they can't be taught, and says
 * why.
 */
export function collect(given: Examples | unknown): Collected {
  if (typeof given !== "object" || given === null)
    throw invalid(
      `teach needs examples by label ({ billing: ["I was charged twice"] }) or a list of { text, label }, not ${kindOf(given)}.`,
    );
  const collected = Array.isArray(given) ? fromList(given) : fromRecord(given as Record<string, unknown>);
  checkCounts(collected);
  checkTexts(collected);
  return collected;
}

function fromRecord(given: Record<string, unknown>): Collected {
  const labels = Object.keys(given);
  const examples = labels.flatMap((label) => {
    const texts = given[label];
    if (!Array.isArray(texts))
      throw invalid(
        `The examples of ${JSON.stringify(label)} must be an array of texts, not ${kindOf(texts)}.`,
      );
    return texts.map((text: unknown, i) => {
      if (typeof text !== "string")
        throw invalid(`Example ${i} of ${JSON.stringify(label)} is not a string but ${kindOf(text)}.`);
      return { text, labels: [label] };
    });
  });
  return { labels, multi: false, examples };
}

function fromList(given: readonly unknown[]): Collected {
  const examples = given.map((one, i) => checkExample(one, `examples[${i}]`));
  const multi = examples.some(({ multi }) => multi);
  const mixed = multi ? examples.findIndex((one) => !one.multi) : -1;
  if (mixed >= 0)
    throw invalid(
      `examples[${mixed}] has label, others have labels. Give all of them labels, even if the list has one.`,
    );
  const labels = [...new Set(examples.flatMap((one) => one.labels))];
  return { labels, multi, examples: examples.map(({ text, labels }) => ({ text, labels })) };
}

/** Checks one `{ text, label }` or `{ text, labels }`, which `place` names in errors. */
export function checkExample(
  one: unknown,
  place: string,
): { text: string; labels: string[]; multi: boolean } {
  const { text, label, labels } = (typeof one === "object" && one !== null ? one : {}) as Partial<
    Record<keyof Example | "labels", unknown>
  >;
  if (typeof text !== "string")
    throw invalid(
      `${place} has no text: pass { text, label }, or { text, labels } for several labels per text.`,
    );
  if (label !== undefined && labels !== undefined)
    throw invalid(`${place} has both label and labels. Pass one of them.`);
  if (labels !== undefined) {
    if (!Array.isArray(labels) || !labels.every((name) => typeof name === "string"))
      throw invalid(`${place}: labels must be an array of strings.`);
    return { text, labels: [...new Set(labels as string[])], multi: true };
  }
  if (typeof label !== "string") throw invalid(`${place}: label must be a string, not ${kindOf(label)}.`);
  return { text, labels: [label], multi: false };
}

function checkCounts({ labels, multi, examples }: Collected): void {
  const empty = labels.findIndex((label) => label.trim() === "");
  if (empty >= 0) throw invalid("A label has an empty name. Name every label.");
  const min = multi ? 1 : 2;
  if (labels.length < min)
    throw invalid(
      labels.length === 0
        ? 'There are no labels to teach. Pass examples by label: { billing: ["I was charged twice"], bug: [] }.'
        : `There is only one label (${JSON.stringify(labels[0])}). Add a second one, such as "other"; it needs no example.`,
    );
  if (labels.length > MAX_LABELS)
    throw invalid(`There are ${labels.length} labels, more than ${MAX_LABELS}. Remove some.`);
  if (examples.length > MAX_EXAMPLES)
    throw invalid(
      `There are ${examples.length} examples, more than ${MAX_EXAMPLES}. Pass a sample for each label.`,
    );
}

/** Rejects empty texts, and a text with two different answers, one of which must be wrong. */
function checkTexts({ multi, examples }: Collected): void {
  const seen = new Map<string, string[]>();
  for (const { text, labels } of examples) {
    checkText(text, labels);
    const before = seen.get(text);
    if (!multi && before && before[0] !== labels[0]) throw contradiction(text, before[0]!, labels[0]!);
    if (multi && before && [...before].sort().join("\n") !== [...labels].sort().join("\n"))
      throw invalid(
        `${startOf(text)} occurs twice, with different labels. Pass it once, with all of its labels.`,
      );
    seen.set(text, labels);
  }
}

/** Refuses an empty text. */
export function checkText(text: string, labels: readonly string[]): void {
  if (text.trim() !== "") return;
  const of = labels.length > 0 ? ` of ${labels.map((label) => JSON.stringify(label)).join(", ")}` : "";
  throw invalid(`An example${of} is empty. Remove it.`);
}

/** The error for a text under two labels. */
export function contradiction(text: string, one: string, other: string): TabsenseError {
  return invalid(
    `${startOf(text)} is an example of ${JSON.stringify(one)} and of ${JSON.stringify(other)}. Remove one of them, or pass { text, labels } where a text may have several.`,
  );
}

function startOf(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

export function invalid(message: string): TabsenseError {
  return new TabsenseError("invalid_argument", message);
}
