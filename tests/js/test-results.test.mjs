// What `npm test` says at its end of a program that failed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { countNode, countRust, reportOf, resultOf, sum, summary } from "../../scripts/test-results.mjs";
import { scratchFolder } from "../engines/programs.mjs";

/** The result of a program. */
function ended(name, args, count) {
  // Without the variable, Node takes a file of tests for part of this test.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  return resultOf(name, { code: status, text: stdout + stderr, count });
}

/** The result of a file of Node's tests with this source. */
function ran(t, source) {
  const scratch = scratchFolder("results");
  t.after(scratch.remove);
  const file = join(scratch.folder, "some.test.mjs");
  writeFileSync(file, `import { test } from "node:test";\n${source}`);
  return ended("some.test.mjs", ["--test", "--test-reporter=spec", file], countNode);
}

test("a test of Node that fails is reported by its name and its message", (t) => {
  const result = ran(t, `test("good", () => {}); test("bad", () => { throw new Error("a reason"); });`);
  assert.equal(summary(result), "1 passed, 1 failed");
  assert.equal(result.reports.length, 1);
  assert.match(result.reports[0], /^some\.test\.mjs:\n✖ failing tests:\n[^]*✖ bad[^]*a reason/);
  assert.doesNotMatch(result.reports[0], /good/);
});

test("nothing is reported of tests that pass", (t) => {
  const result = ran(t, `test("good", () => {});`);
  assert.deepEqual(result, { passed: 1, failed: 0, skipped: 0, reports: [] });
});

test("a program that fails before its tests is reported by its last lines", () => {
  const program = 'console.log("x\\n".repeat(100)); throw new Error("no tests")';
  const result = ended("a program", ["-e", program], countRust);
  assert.equal(summary(result), "0 passed, 1 failed");
  assert.match(result.reports[0], /^a program:\n[^]*no tests/);
  assert.ok(result.reports[0].split("\n").length < 40);
});

test("a report of cargo starts with its list of failures, and is cut", () => {
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`);
  const report = reportOf(["running 2 tests", "test good ... ok", "failures:", ...lines].join("\n"));
  assert.match(report, /^failures:\nline 0\n[^]*\n… and 151 more lines$/);
});

test("the reports of several runs are joined in their order", () => {
  const one = { passed: 1, failed: 1, skipped: 0, reports: ["a"] };
  const other = { passed: 2, failed: 1, skipped: 3, reports: ["b"] };
  assert.deepEqual(sum(one, other), { passed: 3, failed: 2, skipped: 3, reports: ["a", "b"] });
  assert.equal(summary(sum(one, other)), "3 passed, 2 failed, 3 skipped");
});
