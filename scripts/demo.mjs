// `npm run demo`: sets up, builds, and serves the demo page. Options: --port N, --build-only.

import { parseArgs } from "node:util";
import { build, buildPage } from "./build.mjs";
import { missingModels, setUpModel } from "./models.mjs";
import { Failure, main } from "./run.mjs";
import { servePage } from "./serve.mjs";
import { setUpBuild } from "./setup.mjs";

const FIRST_PORT = 4173;

await main(import.meta.url, async (args) => {
  const { values } = parseArgs({
    args,
    options: { port: { type: "string" }, "build-only": { type: "boolean", default: false } },
  });
  const port = values.port === undefined ? FIRST_PORT : Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Failure(`--port must be a port number, not ${values.port}.`);
  await setUpBuild();
  const missing = missingModels();
  await build({ converter: missing.length > 0 }); // one of them is converted
  for (const name of missing) {
    // Without it, a tab of the page says so.
    await setUpModel(name).catch((error) => console.log(`${name} could not be fetched: ${error.message}`));
  }
  await buildPage();
  if (values["build-only"]) return;
  const { url } = await servePage({ port, isolated: true });
  console.log(`\nTabsense's demo: ${url}  (Ctrl-C ends it)`);
});
