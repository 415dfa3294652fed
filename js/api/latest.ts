/** The newest call wins: for search-as-you-type, where only the answer to the newest text counts. */

import { checkClassifyOptions } from "./options.js";
import type { ClassifyOptions, Latest, Text } from "./types.js";

/** Wraps `classify` so that a new call supersedes the previous one. */
export function startLatest(
  classify: (input: Text | readonly Text[], options: ClassifyOptions) => Promise<unknown>,
): Latest {
  let newest: AbortController | null = null;
  const latest = async (input: Text | readonly Text[], options?: ClassifyOptions): Promise<unknown> => {
    const { signal } = checkClassifyOptions(options); // an invalid call supersedes none
    newest?.abort();
    const own = (newest = new AbortController());
    const abort = () => own.abort(signal!.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    try {
      const answer = await classify(input, { ...options, signal: own.signal });
      return newest === own ? answer : null;
    } catch (thrown) {
      if (newest !== own) return null;
      throw thrown;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  };
  return latest as Latest;
}
