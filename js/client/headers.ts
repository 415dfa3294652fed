/** The option `headers`: the headers of requests for a model's files. */

import { TabsenseError } from "../api/errors.js";
import type { HeadersOption, HeadersValue } from "../api/types.js";
import type { HeadersAnswer, HeadersRequest } from "./protocol.js";

/** The headers as a record, which survives `postMessage`. Throws if they are not valid headers. */
export function recordOf(headers: HeadersValue): Record<string, string> {
  return Object.fromEntries(new Headers(headers as HeadersInit));
}

/** Calls the caller's function for the headers that the service requests. */
export async function answerHeaders(
  { id, url }: HeadersRequest,
  option: HeadersOption | null,
): Promise<HeadersAnswer> {
  const failed = (what: string): HeadersAnswer => {
    const message = `The function in the option headers ${what} for ${url}.`;
    return { type: "headers", id, headers: {}, error: { kind: "invalid_argument", message } };
  };
  let value: HeadersValue | null | undefined;
  try {
    value = typeof option === "function" ? await option(url) : option;
  } catch (cause) {
    return failed(`failed (${String(cause)})`);
  }
  try {
    return { type: "headers", id, headers: recordOf(value ?? {}), error: null };
  } catch {
    // The runtime's message repeats the value, which may be a token.
    return failed("returned an invalid header name or value");
  }
}

/** The service's requests to the caller's function, and their answers. */
export interface HeadersClient {
  /** Rejects if `signal` aborts or the function fails. */
  ask(url: string, signal: AbortSignal): Promise<Record<string, string>>;
  receive(answer: HeadersAnswer): void;
}

/** Starts sending requests through `post`. */
export function startHeadersClient(post: (wanted: HeadersRequest) => void): HeadersClient {
  const waiting = new Map<number, (answer: HeadersAnswer) => void>();
  let last = 0;
  return {
    async ask(url, signal) {
      const id = ++last;
      const { headers, error } = await new Promise<HeadersAnswer>((resolve, reject) => {
        const abort = () => {
          waiting.delete(id);
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", abort, { once: true });
        waiting.set(id, (answer) => {
          signal.removeEventListener("abort", abort);
          resolve(answer);
        });
        post({ type: "headers", id, url });
      });
      if (error) throw new TabsenseError(error.kind, error.message);
      return headers;
    },
    receive(answer) {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    },
  };
}
