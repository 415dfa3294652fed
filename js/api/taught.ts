/** The way back from a saved classifier. */

import type * as teach from "../teach/taught.js";
import type { SavedClassifier } from "../teach/saved.js";
import { sessionOf, LoadedEmbedder } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import { loadTasks } from "./load-tasks.js";

/** A classifier of labels of one's own, as `embedder.teach` gives it. */
export type TaughtClassifier = teach.TaughtClassifier;

/** Saved classifiers, read again. */
export const TaughtClassifier = {
  /**
   * The classifier that was saved by `JSON.stringify`, from its object, its JSON text, or a file of that. `embedder` is the
   * one that it was taught on; it may hold other numbers (int8 for fp32).
   *
   * Rejects with kind `"not_a_model"` for what is none, or is damaged; `"config_unsupported"` for one of a newer
   * version; `"weights_mismatch"` for another embedder.
   */
  async from(
    saved: SavedClassifier | string | Uint8Array | Blob,
    embedder: LoadedEmbedder,
  ): Promise<TaughtClassifier> {
    if (!(embedder instanceof LoadedEmbedder))
      throw new TabsenseError(
        "invalid_argument",
        "TaughtClassifier.from takes the embedder that the classifier was taught on: await Embedder.load(…).",
      );
    const { TaughtClassifier } = await loadTasks();
    return TaughtClassifier.from(saved, { embedder, session: sessionOf(embedder) });
  },
};
