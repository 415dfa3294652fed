/** Whether a model can use a second text. */

import { TabsenseError, type ClassifierInfo } from "tabsense";
import { findModel } from "./catalogue.ts";
import type { Loaded } from "./slot.ts";

/** `"no"`: a pair is an error, or makes no sense; `"yes"`: the model was trained on pairs; else `"maybe"`. */
export type Pairs = "no" | "maybe" | "yes";

/** Labels of models that compare two texts. */
const OF_PAIRS = /^(not_?)?(entail|contradict|duplicate|paraphrase|equivalent)/i;

/**
 * Whether `loaded` accepts pairs. An empty pair shows whether the tokenizer can frame pairs: it has no
 * labels, so it costs no arithmetic. No file says what a model was trained on, but the list of models or its
 * labels do (a single label is a ranking's).
 */
export async function pairsOf({ classifier, request: { source } }: Loaded): Promise<Pairs> {
  const known = typeof source === "string" ? findModel(source) : null;
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
