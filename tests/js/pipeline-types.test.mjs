// The types of `pipeline` accept code that was written for transformers.js, those of `classify` texts and
// pairs; both reject code that wouldn't run.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./support.mjs";

for (const [module, resolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
]) {
  test(`tests/js/types/, module ${module}`, () => {
    const options = [
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noUncheckedIndexedAccess",
      "--verbatimModuleSyntax",
      "--ignoreConfig",
      "--types",
      "",
      "--target",
      "es2022",
      "--lib",
      "es2022,dom,dom.iterable",
      "--module",
      module,
      "--moduleResolution",
      resolution,
    ];
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        join(ROOT, "node_modules/.bin/tsc"),
        ...options,
        "tests/js/types/pipeline.ts",
        "tests/js/types/pairs.ts",
        "tests/js/types/zero-shot.ts",
        "tests/js/types/tagging.ts",
      ],
      { cwd: ROOT, encoding: "utf8" },
    );
    assert.equal(status, 0, stdout);
  });
}
