// `npm run demo`: sets up, builds, and serves the demo page. Options: --port N, --build-only.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, buildPage } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";
import { serve } from "./serve.mjs";
import { setUpBuild } from "./setup.mjs";

const FIRST_PORT = 4173;

await main(import.meta.url, async (args) => {
  const { values } = parseArgs({
    args,
    options: { port: { type: "string" }, "build-only": { type: "boolean", default: false } },
  });
  const port = values.port === undefined ? FIRST_PORT : Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Failure(`--port must be a port's number, not ${values.port}.`);
  await setUpBuild();
  await build({ converter: false });
  await buildPage();
  if (values["build-only"]) return;
  const { url } = await serve(
    { "/": join(ROOT, "www/dist"), "/models/": join(ROOT, "models") },
    { port, isolated: true },
  );
  console.log(`\nTabsense's demo: ${url}  (Ctrl-C ends it)`);
});
