/** The limits of a request, and the checks of its body. */

import { bodyLimit } from "hono/body-limit";
import { refuse } from "./errors.mjs";

export const LIMITS = {
  /** Bytes of a body. */
  body: 256 * 1024,
  /** Texts of a call. */
  texts: 64,
  /** Characters of a text. */
  characters: 10_000,
  /** Calls that wait or are under way; the next one gets 429. */
  calls: 16,
  /** Milliseconds from the whole body to the answer. */
  time: 10_000,
};

/** Refuses bodies that are too large before they are read. */
export function limitBody({ body }) {
  const message = `A body can have at most ${body} bytes. Send fewer texts per call.`;
  return bodyLimit({ maxSize: body, onError: () => refuse(413, "body_too_large", message) });
}

/** The texts and `topK` that a request asks for. */
export async function readCall(c, limits) {
  return checked(await json(c), limits);
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
    refuse(400, "invalid_argument", "topK must be an integer of at least 1, or null for all labels.");
  if (texts.length > limits.texts)
    refuse(
      413,
      "too_many_texts",
      `A call can have at most ${limits.texts} texts, not ${texts.length}. Split them into several calls.`,
    );
  const long = texts.findIndex((one) => one.length > limits.characters);
  if (long >= 0)
    refuse(
      413,
      "text_too_long",
      `A text can have at most ${limits.characters} characters; text ${long} has ${texts[long].length}.`,
    );
  return { texts, topK };
}
