// The service without a client, with an engine that traps, which no model can be made to do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fastestBuild } from "../../dist/builds.js";
import { nodeHost } from "../../dist/platform/node.js";
import { startService } from "../../dist/worker/service.js";
import { filesOf, loadRequest } from "./support.mjs";

/** The WebAssembly glue that this runtime uses, to be mocked. */
const glue = await import(`../../dist/wasm/${fastestBuild()}/tabsense.js`);

test("after a trap, the engine is not used again", async (t) => {
  const files = Object.fromEntries(Object.entries(filesOf()).map(([name, bytes]) => [name, { bytes }]));
  const replies = [];
  let answered;
  const service = startService(nodeHost, (reply) => {
    if (reply.type === "progress") return;
    replies.push(reply);
    answered?.();
  });
  const ask = (request) => new Promise((resolve) => ((answered = resolve), service.receive(request)));
  await ask(loadRequest(files));
  assert.equal(replies.at(-1).type, "loaded");
  const trap = t.mock.method(glue.Engine.prototype, "classify", async () => {
    throw new WebAssembly.RuntimeError("unreachable");
  });
  const request = { type: "classify", texts: ["a"], top: 1, details: false };
  await ask(request);
  trap.mock.restore();
  await ask(request);
  for (const { type, error, trap } of replies.slice(-2))
    assert.deepEqual([type, error.kind, trap], ["failed", "internal", "RuntimeError: unreachable"]);
  await service.close();
});
