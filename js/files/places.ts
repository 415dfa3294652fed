/** Where a model's files are, and whether one isn't there. */

import { TabsenseError } from "../api/errors.js";
import type { FileRef } from "../client/protocol.js";
import { WEB_PAGE } from "./foreign.js";
import { WITHHELD } from "./withheld.js";

/** Where a file is that is not in memory. */
export type Place = { path: string } | { url: string };

/** The file `name` in the folder of `file`, where that is known; `name` may lead into a folder below. */
export function beside(file: Place, name: string): Place;
export function beside(file: FileRef, name: string): Place | null;
export function beside(file: FileRef, name: string): Place | null {
  if ("path" in file) return { path: file.path.replace(/[^/\\]*$/, name) };
  if (!("url" in file)) return null;
  const url = new URL(file.url);
  url.pathname = url.pathname.replace(/[^/]*$/, name);
  return { url: url.href };
}

/** Whether copies of a file are kept: of those from servers, and from nowhere else. */
export function isKept(file: FileRef | null | undefined): file is { url: string } {
  return !!file && "url" in file && /^https?:/.test(file.url);
}

/** Whether a file could not be opened because it isn't there. */
export function isMissing(thrown: unknown): boolean {
  const cause = causeOf(thrown);
  return cause === 404 || (cause as { code?: unknown } | null)?.code === "ENOENT";
}

/**
 * Whether a server says that a file isn't there, be it in another way: by the status 403, which storage without a
 * listing has, or because it answers with the site's page.
 */
export function isRefusedOrPage(thrown: unknown): boolean {
  const cause = causeOf(thrown);
  return cause === 403 || cause === 410 || cause === WEB_PAGE;
}

/** Whether the weights may be in another file than in `file`, which could not be opened. */
export function isElsewhere(file: FileRef, thrown: unknown): boolean {
  return isMissing(thrown) || ("url" in file && (isRefusedOrPage(thrown) || causeOf(thrown) === WITHHELD));
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof TabsenseError ? thrown.cause : null;
}
