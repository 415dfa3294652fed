/** Where a model's files are, and whether one is missing. */

import { TabsenseError } from "../api/errors.js";
import type { FileRef } from "../client/protocol.js";
import { WEB_PAGE } from "./foreign.js";
import { WITHHELD } from "./withheld.js";

/** The place of a file that is not in memory. */
export type Place = { path: string } | { url: string };

/** The file `name` in the folder of `file`, if that is known; `name` may include a subfolder. */
export function siblingOf(file: Place, name: string): Place;
export function siblingOf(file: FileRef, name: string): Place | null;
export function siblingOf(file: FileRef, name: string): Place | null {
  if ("path" in file) return { path: file.path.replace(/[^/\\]*$/, name) };
  if (!("url" in file)) return null;
  const url = new URL(file.url);
  url.pathname = url.pathname.replace(/[^/]*$/, name);
  return { url: url.href };
}

/** Whether copies of a file are kept: only if it comes from a server. */
export function isKept(file: FileRef | null | undefined): file is { url: string } {
  return !!file && "url" in file && /^https?:/.test(file.url);
}

/** Whether a file could not be opened because it doesn't exist. */
export function isMissing(thrown: unknown): boolean {
  const cause = causeOf(thrown);
  return cause === 404 || (cause as { code?: unknown } | null)?.code === "ENOENT";
}

/**
 * Whether a server says in another way that a file doesn't exist: by the status 410, by 403 (as storage
 * without a listing does), or by sending the site's own page.
 */
export function isRefusedOrPage(thrown: unknown): boolean {
  const cause = causeOf(thrown);
  return cause === 403 || cause === 410 || cause === WEB_PAGE;
}

/** Whether the weights may be in a file other than `file`, which could not be opened. */
export function isElsewhere(file: FileRef, thrown: unknown): boolean {
  return isMissing(thrown) || ("url" in file && (isRefusedOrPage(thrown) || causeOf(thrown) === WITHHELD));
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof TabsenseError ? thrown.cause : null;
}
