// Programs that were written for transformers.js, in pages and in a worker: with Tabsense, of which the import's
// specifier alone differs, they give the same answers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, setUpConsumers, startBrowser } from "../packages/support.mjs";
import { alike, LIBRARIES, run, startSites } from "./support.mjs";

let browser, sites;

before(async () => {
  await setUpConsumers();
  sites = await startSites();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await sites?.close();
});

/** What a program writes with transformers.js, and with Tabsense. */
async function both(t, program) {
  const [theirs, ours] = await Promise.all(
    Object.keys(LIBRARIES).map((library) => run(t, browser, `${sites.urls[library]}${program}.html`)),
  );
  return { ours, theirs };
}

test("one text at a time, in q8", async (t) => {
  const { ours, theirs } = await both(t, "text-classification");
  t.diagnostic(`largest difference: ${alike(ours.lines, theirs.lines, 1)}`);
});

test("batches, in fp32", async (t) => {
  const { ours, theirs } = await both(t, "batches");
  t.diagnostic(`largest difference: ${alike(ours.lines, theirs.lines, 1)}`);
});

test("a worker with models of the site and of the hub", async (t) => {
  const { ours, theirs } = await both(t, "in-worker");
  console.log(JSON.stringify(ours.lines), JSON.stringify(theirs.lines));
  t.diagnostic(`largest difference: ${alike(ours.lines, theirs.lines, 1)}`);
});

test("progress", async (t) => {
  const { ours, theirs } = await both(t, "progress");
  for (const x of [theirs, ours]) console.log(x.lines.map((l) => JSON.stringify(l)).join("\n"));
});
