// What the tests of both runtimes share.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import "../../../tests/scratch-cache.mjs";

/** The repository's models. */
export const SENTIMENT = fileURLToPath(new URL("../../../models/sentiment-en", import.meta.url));
export const TINY = fileURLToPath(new URL("../../../test_data/models/tiny-f32", import.meta.url));

export const HOURS = "A waste of two hours.";

/** Posts a value as JSON to /classify. Yields `{ status, headers, body }`. */
export async function post(url, value, signal = null) {
  const response = await fetch(`${url}/classify`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
    signal,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Fails unless an answer refuses: the status, and an error with this kind and a sentence. */
export function refused({ status, headers, body }, wanted, kind) {
  assert.equal(status, wanted, JSON.stringify(body));
  assert.match(headers.get("content-type"), /^application\/json/);
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.equal(body.error.kind, kind, body.error.message);
  assert.match(body.error.message, /\S.*\./);
}
