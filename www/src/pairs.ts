/** Whether a model has a use for a second text. */

import { TabsenseError, type ClassifierInfo } from "tabsense";
import { listed } from "./catalogue.ts";
import type { Loaded } from "./slot.ts";

/** `"no"`: a pair is an error, or makes no sense; `"yes"`: the model was trained on pairs; else `"maybe"`. */
export type Pairs = "no" | "maybe" | "yes";

/** Labels of models that compare two texts. */
const OF_PAIRS = /^(not_?)?(entail|contradict|duplicate|paraphrase|equivalent)/i;

/**
 * Whether `loaded` takes pairs. The tokenizer says whether it can frame them: an empty pair has no labels,
 * so that it costs no arithmetic. What a model was trained on no file says: the list of models does, or its
 * labels (one alone is a ranking's).
 */
export async function pairsOf({ classifier, request: { source } }: Loaded): Promise<Pairs> {
  const known = typeof source === "string" ? listed(source) : null;
  if (known && !known.pairs) return "no";
  try {
    await classifier.classify({ text: "", pair: "" });
  } catch (error) {
    if (error instanceof TabsenseError && error.kind === "tokenizer_unsupported") return "no";
    throw error;
  }
  return known?.pairs || areOfPairs(classifier.info.model) ? "yes" : "maybe";
}

function areOfPairs({ labels }: ClassifierInfo["model"]): boolean {
  return labels.length === 1 || labels.some((label) => OF_PAIRS.test(label));
}
