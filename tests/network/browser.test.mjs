// The faults of a network in Chromium, where the models are of another origin than the page: a load answers rightly or
// fails with the kind that it should.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startBrowser } from "../package/support.mjs";
import { loaderIn, openPage, pages } from "./browser.mjs";
import { casesOf } from "./cases.mjs";
import { FAULTS } from "./faults.mjs";
import { play, referencesOf } from "./play.mjs";
import { startServer } from "./server.mjs";

let server, site, browser, load, references;
/** The faults in which the rest of a file was asked for. */
const resumed = new Set();

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

describe("networks that break, in Chromium", { concurrency: 8 }, () => {
  for (const { name, ...one } of casesOf("Chromium"))
    test(name, async () => {
      const { outcomes, messages, after, hits } = await play(one, { server, load, references });
      for (const outcome of outcomes) assert.equal(outcome, one.outcome, messages.join("\n"));
      assert.ok(hits.plain + hits.conditional > 0, "the fault didn't happen");
      if (hits.rest > 0) resumed.add(one.fault);
      assert.equal(after, "answer", "the next load, without a fault");
    });
});

test("a file that broke off was taken up where it ended", () => {
  const faults = Object.keys(FAULTS).filter((fault) => FAULTS[fault].resumes);
  assert.deepEqual(
    faults.filter((fault) => !resumed.has(fault)),
    [],
  );
});
