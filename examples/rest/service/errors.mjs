/** Why a request is refused, and the body that says so: `{ "error": { "kind", "message" } }`. */

/** Seconds after which a retry makes sense, unless the service knows better. */
export const RETRY_AFTER = 2;

/** The status of errors that a text or a busy machine causes; all other kinds are 500. */
const STATUS = {
  invalid_argument: 400,
  disposed: 503,
  out_of_memory: 503,
};

/** An error response: its status, kind and message. */
export class HttpError extends Error {
  constructor(status, kind, message, retryAfter = null) {
    super(message);
    Object.assign(this, { status, kind, retryAfter });
  }
}

export function refuse(...args) {
  throw new HttpError(...args);
}

/** Nobody reads this answer, but a log of statuses shows it. */
export function clientClosed() {
  return new HttpError(499, "aborted", "The client closed the connection.");
}

/** Answers any error: Hono's `onError`. */
export function answerError(error, c) {
  // A body that was cut off is not the service's fault, and not worth a line of its log.
  const isClosed = !(error instanceof HttpError) && (error.code === "ECONNRESET" || c.req.raw.signal.aborted);
  const { status, kind, message, retryAfter } = toHttpError(isClosed ? clientClosed() : error);
  if (status === 500) console.error(error);
  if (status === 503 || retryAfter) c.header("retry-after", String(retryAfter ?? RETRY_AFTER));
  // The unread rest of a body would block the connection's next request.
  if (c.req.raw.body && !c.req.raw.bodyUsed) c.header("connection", "close");
  return c.json({ error: { kind, message } }, status);
}

/** A `TabsenseError` keeps its kind. If the service is at fault, the message only goes to the log. */
function toHttpError(error) {
  if (error instanceof HttpError) return error;
  const status = STATUS[error.kind] ?? 500;
  if (status === 500)
    return new HttpError(500, error.kind ?? "internal", "The service failed. Its log says why.");
  return new HttpError(status, error.kind, error.message);
}
