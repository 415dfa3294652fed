// What the tests of both runtimes share.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import "../../../tests/scratch-cache.mjs";

/** The repository's models. */
export const SENTIMENT = fileURLToPath(new URL("../../../models/sentiment-en", import.meta.url));
export const TINY = fileURLToPath(new URL("../../../test_data/models/tiny-f32", import.meta.url));

export const HOURS = "A waste of two hours.";

/** Posts a value as JSON to /classify. Resolves to `{ status, headers, body }`. */
export async function post(url, value, signal = null) {
  const response = await fetch(`${url}/classify`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
    signal,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Waits until the service at `url` has its model. */
export async function ready({ url }) {
  while ((await fetch(`${url}/health`)).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Starts the service in its own process, with extra arguments for Node: `{ url, child, printed, ended }`. */
export async function spawned(t, source, node = []) {
  const child = spawn(process.execPath, [...node, fileURLToPath(new URL("../node.mjs", import.meta.url))], {
    env: { ...process.env, PORT: "0", MODEL: source },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const printed = { text: "" };
  const url = await new Promise((resolve) =>
    child.stdout.setEncoding("utf8").on("data", (text) => {
      printed.text += text;
      const [, address] = /Listening on (\S+)/.exec(printed.text) ?? [];
      if (address) resolve(address);
    }),
  );
  return {
    url,
    child,
    /** Its output so far. */
    printed,
    ended: new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code))),
  };
}

/** Fails unless an answer is a refusal: with this status, and an error with this kind and a sentence. */
export function refused({ status, headers, body }, wanted, kind) {
  assert.equal(status, wanted, JSON.stringify(body));
  assert.match(headers.get("content-type"), /^application\/json/);
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.equal(body.error.kind, kind, body.error.message);
  assert.match(body.error.message, /\S.*\./);
}
