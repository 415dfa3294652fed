// Makes the API reference from the types into target/docs: `npm run docs`. What is exported without a word of
// documentation is an error.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpNested } from "./nested.mjs";
import { setUpNpm } from "./setup.mjs";

/** typedoc works with TypeScript up to 6; it and its compiler belong to this project of their own. */
const HOME = "tests/docs";

/** Runs typedoc into `out`, with what stands in the file `options`. Yields `{ status, output }`. */
export function makeReference(out, options = "docs/typedoc.json") {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, HOME, "node_modules/typedoc/bin/typedoc"),
      "--options",
      join(ROOT, options),
      "--out",
      out,
      "--json",
      join(out, "reference.json"),
    ],
    { cwd: ROOT, encoding: "utf8" },
  );
  return { status, output: `${stdout}${stderr}` };
}

await main(import.meta.url, async () => {
  await setUpNpm();
  await setUpNested(HOME);
  const out = join(ROOT, "target/docs");
  const { status, output } = makeReference(out);
  process.stdout.write(output);
  if (status !== 0) throw new Failure("The reference has gaps: see above.");
  console.log(`The reference is in ${join(out, "index.html")}`);
});
