/** Distinguishes a missing file on another origin from one that can't be reached. */

import { TabsenseError } from "../api/errors.js";

/** The cause of the error for such a file. */
export const WITHHELD = "withheld";

/** The timeout for both responses, in milliseconds. */
const LIMIT = 3000;

/**
 * Whether a server of another origin responds to `url`, but without the headers that let this page read the
 * response. Many servers add them only to files that exist; the browser then hides the status 404.
 */
export async function isWithheld(url: string, thrown: unknown, signal: AbortSignal): Promise<boolean> {
  if (!(thrown instanceof TabsenseError) || thrown.kind !== "network") return false;
  if (typeof thrown.cause === "number") return false; // a status that could be read
  const { origin } = globalThis;
  if (origin === undefined || origin === new URL(url).origin) return false;
  const limited = new AbortController();
  const end = () => limited.abort();
  signal.addEventListener("abort", end);
  const timer = setTimeout(end, LIMIT);
  const ask = (mode: RequestMode) =>
    fetch(url, { mode, method: "HEAD", credentials: "omit", signal: limited.signal });
  try {
    if ((await ask("no-cors")).type !== "opaque") return false;
    // Again: the connection may have been lost only for a moment.
    return await ask("cors").then(
      () => false,
      () => !limited.signal.aborted,
    );
  } catch {
    return false; // no answer at all
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
