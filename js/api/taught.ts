/** Loads a saved classifier. */

import type * as teach from "../teach/taught.js";
import type { SavedClassifier } from "../teach/saved.js";
import { sessionOf, LoadedEmbedder } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import { loadTasks } from "./load-tasks.js";

/** A classifier of your own labels, as returned by `embedder.teach`. */
export type TaughtClassifier = teach.TaughtClassifier;

/** Loads saved classifiers. */
export const TaughtClassifier = {
  /**
   * Loads a classifier that was saved by `JSON.stringify`, from its object, its JSON text, or a file.
   * `embedder` is the one on which it was taught, possibly with another dtype (int8 for fp32).
   *
   * Rejects with kind `"not_a_model"` if `saved` is not a classifier or is damaged; `"config_unsupported"`
   * for a newer version; `"weights_mismatch"` for another embedder.
   */
  async from(
    saved: SavedClassifier | string | Uint8Array | Blob,
    embedder: LoadedEmbedder,
  ): Promise<TaughtClassifier> {
    if (!(embedder instanceof LoadedEmbedder))
      throw new TabsenseError(
        "invalid_argument",
        "TaughtClassifier.from needs the embedder that the classifier was taught on: await Embedder.load(…).",
      );
    const { TaughtClassifier } = await loadTasks();
    return TaughtClassifier.from(saved, { embedder, session: sessionOf(embedder) });
  },
};
