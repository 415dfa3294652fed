/** Rejects unused digests in the option `integrity`. */

import { TabsenseError } from "../api/errors.js";
import { isWeightsFile } from "./choice.js";
import { isOlder } from "./older-files.js";

/** Rejects a digest of a missing file. */
export function refuseAbsent(hasDigest: boolean, name: string): void {
  if (hasDigest)
    throw new TabsenseError(
      "integrity",
      `integrity names ${name}, which this model doesn't have. Remove it.`,
    );
}

/** Rejects digests of older files of a tokenizer that was read without them. */
export function refuseOlder(integrity: Record<string, string>, read: readonly string[]): void {
  const unread = Object.keys(integrity).find((name) => isOlder(name) && !read.includes(name));
  if (unread !== undefined)
    throw new TabsenseError(
      "integrity",
      `integrity names ${unread}, but this model's tokenizer is read from ${read.join(", ") || "tokenizer.json"}. Pass the digests of those files.`,
    );
}

/**
 * Rejects digests that are not used: the caller relies on them. `isPending` says whether a file may yet be
 * read.
 */
export function refuseUnread(
  integrity: Record<string, string>,
  read: readonly string[],
  isPending: (name: string) => boolean = () => false,
): void {
  const unread = Object.keys(integrity).find(
    (name) => isWeightsFile(name) && !read.includes(name) && !isPending(name),
  );
  if (unread !== undefined)
    throw new TabsenseError(
      "integrity",
      `integrity names ${unread}, but this model's weights are in ${read.join(", ")}. Pass the digests of those files.`,
    );
}
