// The tests of a runtime's cases; each runtime runs them with its own loader.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { casesOf } from "./cases.mjs";
import { FAULTS } from "./faults.mjs";
import { runCase } from "./run.mjs";

/** Tests all cases of `runtime`, `concurrency` at a time; `settings()` returns options for {@link runCase}. */
export function testCases(runtime, concurrency, settings) {
  /** The faults after which the rest of a file was requested. */
  const resumed = new Set();

  describe(`networks that break, in ${runtime}`, { concurrency }, () => {
    for (const { name, ...one } of casesOf(runtime))
      test(name, async () => {
        const { outcomes, messages, after, hits } = await runCase(one, settings());
        for (const outcome of outcomes) assert.equal(outcome, one.outcome, messages.join("\n"));
        assert.ok(hits.plain + hits.conditional > 0, "the fault didn't happen");
        if (hits.rest > 0) resumed.add(one.fault);
        assert.equal(after, "answer", "the next load, without a fault");
      });
  });

  test("a broken download was resumed where it ended", () => {
    const faults = Object.keys(FAULTS).filter((fault) => FAULTS[fault].resumes);
    assert.deepEqual(
      faults.filter((fault) => !resumed.has(fault)),
      [],
    );
  });
}
