/** What is said where a server does not give a file. */

import { TabsenseError } from "../api/errors.js";

/** The error for a request that no answer came to. */
export function notFetched(url: string, cause: unknown): TabsenseError {
  return new TabsenseError(
    "network",
    `${url} could not be fetched (${reason(cause)}). Check the address and the connection, and that the server allows this origin (CORS).`,
    { cause },
  );
}

/** The error for a status other than success, which is its cause. */
export function refused(url: string, { status, statusText }: Response): TabsenseError {
  const advice =
    status === 401 || status === 403
      ? "The file is private or gated, or there is none of that name (model hubs don't say which). Check the name; where it is right, pass your token in the option `headers`, or fetch the files yourself and pass them."
      : "Check the address and that the file is there.";
  return new TabsenseError("network", `${url} answered ${`${status} ${statusText}`.trimEnd()}. ${advice}`, {
    cause: status,
  });
}

/** What went wrong, as its error says. */
export function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Node's fetch says "fetch failed" and keeps the reason in `cause`.
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
