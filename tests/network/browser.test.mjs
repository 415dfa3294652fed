// Network faults in Chromium, with models from another origin than the page: a load gives the right answer,
// or fails with the right kind of error.

import { after, before } from "node:test";
import { startBrowser } from "../package/support.mjs";
import { loaderIn, openPage, pages } from "./browser.mjs";
import { referencesOf } from "./run.mjs";
import { startServer } from "./server.mjs";
import { testCases } from "./suite.mjs";

let server, site, browser, load, references;

before(async () => {
  server = await startServer();
  site = await startServer(pages);
  browser = await startBrowser();
  const context = await browser.newContext();
  // Two tabs, which share their storage.
  load = loaderIn([await openPage(context, site.origin), await openPage(context, site.origin)]);
  references = await referencesOf(server, load);
});

after(async () => {
  await browser?.close();
  await site?.close();
  await server?.close();
});

testCases("Chromium", 4, () => ({ server, load, references }));
