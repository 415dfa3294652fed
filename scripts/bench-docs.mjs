// `npm run bench:docs [RESULT.json]`: writes docs/benchmarks.md and the README's table from
// bench/baseline.json; a result that is named becomes that baseline first.

import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";

await main(import.meta.url, async ([path]) => {
  const baseline = join(ROOT, "bench/baseline.json");
  const { setUpPackages } = await import("../bench/setup.mjs");
  await setUpPackages({ peers: false });
  const { benchmarksPage, withTable } = await import("../bench/documents.mjs");
  if (path) {
    const from = resolve(process.env.INIT_CWD ?? "", path);
    const { failures } = JSON.parse(readFileSync(from, "utf8"));
    if (failures.length > 0)
      throw new Failure(
        `${path} is of a run that failed: ${failures.map(({ subject, reason }) => `${subject}: ${reason}`).join("; ")}`,
      );
    copyFileSync(from, baseline);
  }
  if (!existsSync(baseline))
    throw new Failure(
      "There is no bench/baseline.json yet: name the result to make it from (npm run bench:docs RESULT.json).",
    );
  const result = JSON.parse(readFileSync(baseline, "utf8"));
  writeFileSync(join(ROOT, "docs/benchmarks.md"), benchmarksPage(result));
  const readme = join(ROOT, "README.md");
  if (existsSync(readme)) writeFileSync(readme, withTable(readFileSync(readme, "utf8"), result));
});
