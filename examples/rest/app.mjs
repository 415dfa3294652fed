/**
 * The service: its routes, limits and errors. The same file runs on Node and on workerd; it knows nothing of
 * where the model is.
 *
 * POST /classify takes `{ "text": "…" }` or `{ "texts": ["…"], "topK": 1 }` and answers `{ "results": [[{
 * "label", "score" }]] }`, one list a text. GET /health answers 200 where the model is ready, else 503.
 * Whatever fails answers `{ "error": { "kind", "message" } }`.
 */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";

/** What a request may ask for. */
export const LIMITS = {
  /** Bytes of a body. */
  body: 256 * 1024,
  /** Texts of a call. */
  texts: 64,
  /** Characters of a text. */
  characters: 10_000,
  /** Calls that wait or are under way; the next one answers 429. */
  calls: 16,
  /** Milliseconds from the whole body to the answer. */
  time: 10_000,
};

/** Seconds after which it is worth to ask again, where the service can't tell better. */
export const RETRY_AFTER = 2;

/** The status of each kind that a text or the moment is to blame for; the other kinds are 500. */
const STATUS = {
  invalid_argument: 400,
  disposed: 503,
  out_of_memory: 503,
};

/** The service on `model` (see model.mjs); `limits` replace some of {@link LIMITS}. */
export function createApp({ model, limits: given = {} }) {
  const limits = { ...LIMITS, ...given };
  let calls = 0;
  const app = new Hono();

  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
    // A connection that is kept could bring the next call just when the service ends.
    if (model.status() === "stopping") c.header("connection", "close");
  });

  app.get("/health", (c) => {
    const status = model.status();
    // On workerd a request has to ask for it; and where nothing else comes before the service is healthy,
    // nothing else would try again.
    if (status === "idle" || status === "failed") model.get(c.env).catch(() => {});
    if (status !== "ready") c.header("retry-after", String(RETRY_AFTER));
    return c.json({ status, calls }, status === "ready" ? 200 : 503);
  });

  const body = bodyLimit({
    maxSize: limits.body,
    onError: () =>
      refuse(413, "body_too_large", `A body has at most ${limits.body} bytes. Send fewer texts a call.`),
  });
  app.post("/classify", body, async (c) => {
    const { texts, topK } = checked(await json(c), limits);
    if (calls >= limits.calls)
      refuse(
        429,
        "busy",
        `${calls} calls are under way, which is as many as are taken. Ask again later.`,
        RETRY_AFTER,
      );
    calls++;
    try {
      const timeout = AbortSignal.timeout(limits.time);
      const signal = AbortSignal.any([timeout, c.req.raw.signal]);
      const classifier = await model.get(c.env, signal).catch((error) => {
        if (!signal.aborted || error !== signal.reason) throw error;
        throw timeout.aborted
          ? new Refusal(503, "loading", "The model is still being loaded. Ask again later.")
          : hungUp();
      });
      const results = await classifier.classify(texts, { topK, signal }).catch((error) => {
        if (timeout.aborted)
          refuse(504, "timeout", `The call took longer than ${limits.time} ms. Send fewer or shorter texts.`);
        throw signal.aborted ? hungUp() : error;
      });
      return c.json({ results });
    } finally {
      calls--;
    }
  });

  for (const [path, methods] of [
    ["/health", "GET, HEAD"],
    ["/classify", "POST"],
  ]) {
    app.all(path, (c) => {
      c.header("allow", methods);
      return c.json(
        { error: { kind: "method_not_allowed", message: `${path} takes ${methods} only.` } },
        405,
      );
    });
  }
  app.notFound((c) =>
    c.json({ error: { kind: "not_found", message: "There are POST /classify and GET /health." } }, 404),
  );
  app.onError((error, c) => {
    // A body that never came whole is no fault of the service, and no line of its log.
    const isCut = !(error instanceof Refusal) && (error.code === "ECONNRESET" || c.req.raw.signal.aborted);
    const { status, kind, message, retryAfter } = asRefusal(isCut ? hungUp() : error);
    if (status === 500) console.error(error);
    if (status === 503 || retryAfter) c.header("retry-after", String(retryAfter ?? RETRY_AFTER));
    // What nobody reads of a body stands in the way of the connection's next request.
    if (c.req.raw.body && !c.req.raw.bodyUsed) c.header("connection", "close");
    return c.json({ error: { kind, message } }, status);
  });
  return app;
}

/** Why a request is not answered; thrown by {@link refuse}. */
export class Refusal extends Error {
  constructor(status, kind, message, retryAfter = null) {
    super(message);
    Object.assign(this, { status, kind, retryAfter });
  }
}

function refuse(...args) {
  throw new Refusal(...args);
}

/** What nobody reads, but a log of statuses shows. */
function hungUp() {
  return new Refusal(499, "aborted", "The caller hung up.");
}

/**
 * Any error as a refusal. A `TabsenseError` keeps its kind; what is not the caller's doing keeps its message
 * to the log.
 */
function asRefusal(error) {
  if (error instanceof Refusal) return error;
  const status = STATUS[error.kind] ?? 500;
  if (status === 500)
    return new Refusal(500, error.kind ?? "internal", "The service failed. Its log says why.");
  return new Refusal(status, error.kind, error.message);
}

async function json(c) {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type))
    refuse(415, "unsupported_media_type", "Send the body as application/json.");
  try {
    return await c.req.json();
  } catch (cause) {
    if (cause instanceof SyntaxError) refuse(400, "invalid_json", `The body is not JSON (${cause.message}).`);
    throw cause;
  }
}

/** The texts and `topK` of a body. A misspelt key is an error, not a default. */
function checked(body, limits) {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    refuse(400, "invalid_argument", 'The body must be an object such as { "text": "…" }.');
  const wrong = Object.keys(body).find((key) => !["text", "texts", "topK"].includes(key));
  if (wrong !== undefined)
    refuse(
      400,
      "invalid_argument",
      `There is no field ${JSON.stringify(wrong)}. The fields are: text, texts, topK.`,
    );
  const { text, texts = [text], topK = 1 } = body;
  if ((text === undefined) === (body.texts === undefined))
    refuse(400, "invalid_argument", "Give either text or texts.");
  if (!Array.isArray(texts) || texts.length === 0 || texts.some((one) => typeof one !== "string"))
    refuse(400, "invalid_argument", "text must be a string, and texts an array of at least one string.");
  if (topK !== null && !(Number.isSafeInteger(topK) && topK >= 1))
    refuse(400, "invalid_argument", "topK must be a whole number of at least 1, or null for all labels.");
  if (texts.length > limits.texts)
    refuse(
      413,
      "too_many_texts",
      `A call has at most ${limits.texts} texts, not ${texts.length}. Share them out among more calls.`,
    );
  const long = texts.findIndex((one) => one.length > limits.characters);
  if (long >= 0)
    refuse(
      413,
      "text_too_long",
      `A text has at most ${limits.characters} characters; number ${long} has ${texts[long].length}.`,
    );
  return { texts, topK };
}
