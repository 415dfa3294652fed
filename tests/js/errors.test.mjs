// The list of kinds is the same in Rust and in TypeScript, and errors are proper ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_KINDS, TabsenseError } from "tabsense";
import { nodeHost } from "../../dist/platform/node.js";
import { startEngine } from "../../dist/worker/engine.js";
import { isTrap, toError } from "../../dist/api/errors.js";

test("the kinds are those of the WebAssembly module, in its order, and worker_crashed", async () => {
  const { module } = await startEngine(
    nodeHost,
    { wasm: null, threads: 1 },
    new AbortController().signal,
    () => {},
  );
  assert.deepEqual([...ERROR_KINDS], [...module.errorKinds(), "worker_crashed"]);
});

test("a TabsenseError is an Error with a kind", () => {
  const error = new TabsenseError("network", "No connection.", { cause: 1 });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.kind, error.message, error.cause, String(error)],
    ["TabsenseError", "network", "No connection.", 1, "TabsenseError: No connection."],
  );
});

test("a trap is an internal error, and known as a trap", () => {
  const trap = new WebAssembly.RuntimeError("unreachable");
  assert.equal(toError(trap).kind, "internal");
  assert.ok(isTrap(trap) && !isTrap(new Error("no")));
  assert.equal(toError(Object.assign(new Error("x"), { kind: "no_such_kind" })).kind, "internal");
  assert.equal(toError("a text").kind, "internal");
});

test("rejects a runtime without WebAssembly SIMD", async (t) => {
  t.mock.method(WebAssembly, "validate", () => false);
  await assert.rejects(
    startEngine(nodeHost, { wasm: null, threads: 1 }, new AbortController().signal, () => {}),
    { kind: "environment", message: /SIMD/ },
  );
});
