// Every fault of a network in every situation, in Node: a load answers rightly or fails with the kind that it should.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { casesOf } from "./cases.mjs";
import { FAULTS } from "./faults.mjs";
import { loadInNode } from "./node.mjs";
import { play, referencesOf } from "./play.mjs";
import { startServer } from "./server.mjs";

let server, references, folder;
/** The faults in which the rest of a file was asked for. */
const resumed = new Set();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tabsense-networks-"));
  server = await startServer();
  references = await referencesOf(server, loadInNode);
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("networks that break, in Node", { concurrency: 16 }, () => {
  for (const { name, ...one } of casesOf("Node"))
    test(name, async () => {
      const store = mkdtempSync(join(folder, "case-"));
      const { outcomes, messages, after, hits } = await play(one, {
        server,
        load: loadInNode,
        references,
        store,
      });
      for (const outcome of outcomes) assert.equal(outcome, one.outcome, messages.join("\n"));
      assert.ok(hits.plain + hits.conditional > 0, "the fault didn't happen");
      if (hits.rest > 0) resumed.add(one.fault);
      assert.equal(after, "answer", "the next load, without a fault");
    });
});

test("a file that broke off was taken up where it ended", () => {
  const faults = Object.keys(FAULTS).filter((fault) => FAULTS[fault].resumes);
  assert.deepEqual(
    faults.filter((fault) => !resumed.has(fault)),
    [],
  );
});
