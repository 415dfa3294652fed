// `npm run classify -- "a text"`: sets up, builds, and runs the package's own command under Node.

import { join } from "node:path";
import { build } from "./build.mjs";
import { main, ROOT, run } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

await main(import.meta.url, async (args) => {
  await setUpBuild();
  await build();
  process.exitCode = await run(process.execPath, [join(ROOT, "dist/cli.js"), "classify", ...args], {
    cwd: process.env.INIT_CWD ?? ROOT,
  });
});
