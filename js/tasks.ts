/**
 * Code for tasks other than classification, for the page and its worker: a separate module, fetched only if
 * one is used.
 */

import { features } from "./api/pipeline-features.js";
import { tokens } from "./api/pipeline-tokens.js";
import { zeroShot } from "./api/pipeline-zero-shot.js";

/** For models of this module, whose classes are copies of the entry's. */
export { warn } from "./api/model.js";

/** How `ZeroShot` scores labels. */
export { byEntailment, bySimilarity } from "./zero-shot/labelling.js";
export { redactTexts, tagStream, tagTexts } from "./api/tagging.js";
export { readEmbedding } from "./embed/settings.js";
export { TaughtClassifier } from "./teach/taught.js";
export { tag } from "./worker/tagging.js";
export { startTraining } from "./worker/teaching.js";

/** Loads the pipelines of these tasks. */
export const KINDS = {
  "feature-extraction": features,
  "token-classification": tokens,
  "zero-shot-classification": zeroShot,
};
