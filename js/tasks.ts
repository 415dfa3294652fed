/**
 * What tasks other than classification need: a module of its own, which a page fetches only where it uses one.
 */

import { features } from "./api/pipeline-features.js";
import { tokens } from "./api/pipeline-tokens.js";

export { redactTexts, tagStream, tagTexts } from "./api/tagging.js";

/** How the pipelines of these tasks are loaded. */
export const KINDS = { "feature-extraction": features, "token-classification": tokens };
