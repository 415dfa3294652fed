// The page's modules that need no page: percentiles, the queue of one, and the types of all of them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { transformWithEsbuild } from "vite";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function load(name) {
  const path = join(ROOT, "www/src", name);
  const { code } = await transformWithEsbuild(readFileSync(path, "utf8"), path, { target: "es2022", sourcemap: false });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

test("the page's TypeScript has no type errors", () => {
  execFileSync(process.execPath, [join(ROOT, "node_modules/.bin/tsc"), "-p", join(ROOT, "www")], { stdio: "inherit" });
});

test("percentiles are by the nearest rank", async () => {
  const { percentile, Session } = await load("statistics.ts");
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.95), 95);
  assert.equal(percentile([7], 0.95), 7);
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
  assert.ok(Number.isNaN(percentile([], 0.5)));

  const session = new Session(3);
  for (const ms of [100, 1, 2, 3]) session.add(ms);
  assert.deepEqual(session.summary(), { count: 4, p50: 2, p95: 3 });
  assert.deepEqual(session.last(2), [2, 3]);
  session.clear();
  assert.equal(session.summary().count, 0);
});

test("the newest input wins", async () => {
  const { newestWins } = await load("newest.ts");
  const calls = [];
  const log = [];
  const queue = newestWins({
    run: (input) => new Promise((resolve, reject) => calls.push({ input, resolve, reject })),
    done: (input, output, newest) => log.push([input, output, newest]),
    failed: (input, error, newest) => log.push([input, error, newest]),
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  for (const input of ["a", "b", "c"]) queue.push(input);
  assert.deepEqual(calls.map(({ input }) => input), ["a"]);
  calls[0].resolve(1);
  await turn();
  assert.deepEqual(calls.map(({ input }) => input), ["a", "c"], "b was overtaken");
  calls[1].reject("no");
  await turn();
  assert.deepEqual(log, [["a", 1, false], ["c", "no", true]]);

  queue.push("d");
  queue.clear();
  calls[2].resolve(2);
  await turn();
  assert.equal(log.length, 2, "what was cleared is not reported");
  queue.push("e");
  calls[3].resolve(3);
  await turn();
  assert.deepEqual(log.at(-1), ["e", 3, true], "the queue works on");
});

test("numbers read as they should", async () => {
  const { bytes, milliseconds, percent, quantity } = await load("format.ts");
  assert.deepEqual([0, 0.123, 4.56, 99.94, 145.4].map(milliseconds), ["< 0.1 ms", "0.1 ms", "4.6 ms", "99.9 ms", "145 ms"]);
  assert.deepEqual([0.9999, 0.976, 0.0001].map(percent), ["> 99.9 %", "97.6 %", "< 0.1 %"]);
  assert.deepEqual([812, 412_345, 23_032_432].map(bytes), ["1 kB", "412 kB", "23.0 MB"]);
  assert.deepEqual([812, 41_234, 22_700_000].map(quantity), ["812", "41.2 k", "22.7 M"]);
});
