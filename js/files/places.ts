/** Where a model's files are. */

import { TabsenseError } from "../api/errors.js";
import type { FileRef } from "../client/protocol.js";

/** Where a file is that is not in memory. */
export type Place = { path: string } | { url: string };

/** The file `name` in the folder of `file`, where that is known. */
export function beside(file: Place, name: string): Place;
export function beside(file: FileRef, name: string): Place | null;
export function beside(file: FileRef, name: string): Place | null {
  if ("path" in file) return { path: file.path.replace(/[^/\\]*$/, name) };
  if (!("url" in file)) return null;
  const url = new URL(file.url);
  url.pathname = url.pathname.replace(/[^/]*$/, name);
  return { url: url.href };
}

/** Whether a file could not be opened because it isn't there. */
export function isMissing(thrown: unknown): boolean {
  const cause = thrown instanceof TabsenseError ? thrown.cause : null;
  return cause === 404 || (cause as { code?: unknown } | null)?.code === "ENOENT";
}

/** Whether copies of a file are kept: of those from servers, and from nowhere else. */
export function isKept(file: FileRef | null | undefined): file is { url: string } {
  return !!file && "url" in file && /^https?:/.test(file.url);
}
