// Helpers for the package's tests: models, a server that misbehaves on demand, and checks of errors.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier, TabsenseError } from "tabsense";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

// The tests use their own cache of models, not the user's, and remove it afterwards.
if (!process.env.TABSENSE_CACHE) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-cache-"));
  process.env.TABSENSE_CACHE = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}

/** A model of random weights, small enough to be loaded in milliseconds. */
export const TINY = join(ROOT, "test_data/models/tiny-f32");

export const FILES = ["config.json", "tokenizer.json", "model.safetensors"];

/** A model's files as bytes; fresh copies, so that a test may spoil them. */
export function filesOf(folder = TINY) {
  return Object.fromEntries(FILES.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

/** Loads the tiny model for one test, which disposes of it whatever happens. */
export async function tiny(t, options) {
  const classifier = await Classifier.load(TINY, options);
  t.after(() => classifier.dispose());
  return classifier;
}

/**
 * Fails unless `promise` rejects with a `TabsenseError` of `kind` and a message that matches. Resolves to the
 * error.
 */
export async function rejects(kind, promise, message = /\S.*\./) {
  const error = await promise.then(
    (value) => assert.fail(`it should have failed with ${kind}, but gave ${JSON.stringify(value)}`),
    (thrown) => thrown,
  );
  assert.ok(error instanceof TabsenseError, `not a TabsenseError: ${error?.stack ?? error}`);
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  return error;
}

/** Fails unless `promise` rejects with `reason`, or with a signal's default reason. */
export async function rejectsAborted(promise, reason) {
  const error = await promise.then(
    (value) => assert.fail(`it should have been aborted, but gave ${JSON.stringify(value)}`),
    (thrown) => thrown,
  );
  if (reason !== undefined) return assert.equal(error, reason);
  assert.ok(error instanceof DOMException && error.name === "AbortError", `${error?.stack ?? error}`);
}

/**
 * Serves `files` (a record by name) below /model/ on a free port; `handlers` (also by name) override them.
 * Returns `{ url, origin, requests }`; the server closes when the test ends.
 */
export async function serveModel(t, files, handlers = {}, prefix = "/model/") {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    const path = request.url.split("?")[0];
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : "";
    if (handlers[name]) return handlers[name](request, response);
    if (!files[name]) return response.writeHead(404).end("not here");
    response.writeHead(200, { "content-length": files[name].length }).end(files[name]);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { url: `${origin}${prefix}`, origin, requests };
}

/** Scores without the last digits, which depend on how texts were batched. */
export function rounded(scores) {
  return scores.map(({ label, score }) => ({ label, score: Number(score.toFixed(5)) }));
}

/** The message that makes the service load `files`, a record of bytes or references by name. */
export function loadRequest(files, options) {
  const network = { cache: false, integrity: {}, headers: null, retries: 0, stallTimeout: 30_000 };
  const refs = Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, bytes instanceof Uint8Array ? { bytes } : bytes]),
  );
  const { "model.safetensors": weights, ...small } = refs;
  return {
    type: "load",
    task: "classify",
    files: { ...small, weights: { given: { "model.safetensors": weights }, hub: null } },
    device: "cpu",
    weights: { dtype: "auto", subfolder: "onnx", modelFileName: "model" },
    wasm: null,
    threads: 1,
    network,
    reportConfig: false,
    ...options,
  };
}

/** A promise with its resolver: for a server that waits for the test, or a test that waits for the server. */
export function signalled() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** The scores of logits, as Python's pipeline has them. */
export function softmax(logits) {
  const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0);
  return logits.map((logit) => Math.exp(logit) / sum);
}
