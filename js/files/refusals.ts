/** The errors for files that a server doesn't send. */

import { TabsenseError } from "../api/errors.js";

/** The error for a request without a response. */
export function notFetched(url: string, cause: unknown): TabsenseError {
  return new TabsenseError(
    "network",
    `${url} could not be fetched (${reason(cause)}). Check the address and the connection, and that the server allows this origin (CORS).`,
    { cause },
  );
}

/** The error for a status other than success, which is its cause. */
export function refused(url: string, response: Response): TabsenseError {
  const { status, statusText } = response;
  return new TabsenseError(
    "network",
    `${url} answered ${`${status} ${statusText}`.trimEnd()}. ${adviceOf(url, response)}`,
    { cause: status },
  );
}

/** The error for a part of a file when all of it was requested. */
export function unrequestedRange(url: string): TabsenseError {
  return new TabsenseError(
    "network",
    `${url} answered with a part of the file (206) when all of it was requested. Check the server and any proxy.`,
    { cause: 206 },
  );
}

/** What to do, according to the status and a model hub's error code. */
function adviceOf(url: string, response: Response): string {
  const { status, headers } = response;
  const code = headers.get("x-error-code");
  const [page, file] = url.split(/\/resolve\/[^/]+\//) as [string, string | undefined];
  const token = 'pass your token in the option `headers` ({ Authorization: "Bearer …" })';
  if (code === "GatedRepo")
    return `The model is gated: accept its terms at ${page}, then ${token}, or fetch the files yourself and pass them.`;
  if (code === "RepoNotFound")
    return `The model doesn't exist or is private (the hub doesn't say which). Check the name; if it is right, ${token}.`;
  if (code === "RevisionNotFound")
    return `The model has no revision ${revisionOf(url)}. Use a branch, a tag, a commit or a pull request ("refs/pr/1") that exists; the default is main.`;
  if (code === "EntryNotFound" && file)
    return `The model has no file ${JSON.stringify(decodeURIComponent(file))} at revision ${revisionOf(url)}.`;
  if (/disabled/i.test(code ?? headers.get("x-error-message") ?? ""))
    return "The hub has disabled access to this model. Use another one.";
  if (status === 401 || status === 403)
    return "The file is private or gated, or doesn't exist (model hubs don't say which). Check the name; if it is right, pass your token in the option `headers`, or fetch the files yourself and pass them.";
  if (status === 429) {
    const ms = retryAfter(response);
    const when = ms === null ? "later" : `in ${Math.ceil(ms / 1000)} seconds`;
    return `The server limits requests. Try again ${when}; a model hub allows more with a token in the option \`headers\`.`;
  }
  return "Check the address and that the file exists.";
}

function revisionOf(url: string): string {
  const revision = /\/resolve\/([^/]+)\//.exec(url)?.[1];
  return revision === undefined ? "of that name" : JSON.stringify(decodeURIComponent(revision));
}

/**
 * How many milliseconds a server asks to wait, or null if it doesn't say (or hides it from other origins).
 */
export function retryAfter({ headers }: Response): number | null {
  // `RateLimit: "resolvers";r=0;t=55` is the form of the draft standard, which hubs use.
  const header =
    headers.get("retry-after") ?? /;\s*r=0\s*;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1];
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(ms, 0);
}

/** The reason for a failure, as its error states it. */
export function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Node's fetch says "fetch failed" and keeps the reason in `cause`.
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
