// `npm run bench:docs [RESULT.json]`: writes a page in docs/ from each result that is kept
// (bench/baseline*.json), and the README's table; a named result replaces the kept one of its configuration.

import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));

await main(import.meta.url, async ([path]) => {
  const { setUpPackages } = await import("../bench/setup.mjs");
  await setUpPackages({ peers: false });
  const { benchmarksPage, pageOf, withTable } = await import("../bench/documents.mjs");
  if (path) {
    const from = resolve(process.env.INIT_CWD ?? "", path);
    const result = read(from);
    const { failures } = result;
    if (failures.length > 0)
      throw new Failure(
        `${path} is of a run that failed: ${failures.map(({ subject, reason }) => `${subject}: ${reason}`).join("; ")}`,
      );
    copyFileSync(from, join(ROOT, pageOf(result).baseline));
  }
  const kept = readdirSync(join(ROOT, "bench")).filter((name) => /^baseline(-.*)?\.json$/.test(name));
  if (kept.length === 0)
    throw new Failure(
      "There is no bench/baseline.json yet: name the result to make it from (npm run bench:docs RESULT.json).",
    );
  for (const name of kept) {
    const result = read(join(ROOT, "bench", name));
    const { baseline, page } = pageOf(result);
    writeFileSync(join(ROOT, page), benchmarksPage(result));
    const readme = join(ROOT, "README.md");
    if (baseline === "bench/baseline.json" && existsSync(readme))
      writeFileSync(readme, withTable(readFileSync(readme, "utf8"), result));
  }
});
