// Runs the check of every case: each is a separate program, which exits with 1 if an answer is wrong.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const CASES = readdirSync(import.meta.dirname).filter((name) =>
  existsSync(join(import.meta.dirname, name, "check.mjs")),
);

// As many at a time as the test machine has cores.
test("cases", { concurrency: 2 }, async (t) => {
  await Promise.all(
    CASES.map((name) =>
      t.test(name, async () => {
        const { code, text } = await run(join(import.meta.dirname, name, "check.mjs"));
        assert.match(text, /^\d+ right, 0 faults, 0 misleading messages$/m, text);
        assert.equal(code, 0, text);
      }),
    ),
  );
});

function run(script) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece) => (text += piece));
    child.on("close", (code) => resolve({ code, text }));
  });
}
