// Programs written for transformers.js, in pages and in a worker: with Tabsense they give the same answers,
// and only the import's specifier changes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, setUpConsumers, startBrowser } from "../packages/support.mjs";
import { alike, LIBRARIES, PEER, run, startSites, TEXTS, WITHIN } from "./support.mjs";

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

/** The output of a program with Tabsense and with transformers.js. */
async function both(t, program) {
  const [theirs, ours] = await Promise.all(
    Object.keys(LIBRARIES).map((library) => run(t, browser, `${sites.urls[library]}${program}.html`)),
  );
  return { ours, theirs };
}

test("both packages are of the benchmark's versions", () => {
  const version = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8")).devDependencies[PEER];
  assert.equal(version("tests/packages/package.json"), version("bench/package.json"));
});

test("one text at a time, in q8", async (t) => {
  const { ours, theirs } = await both(t, "text-classification");
  assert.equal(ours.lines.length, 3 * TEXTS.length);
  alike(ours.lines, theirs.lines, WITHIN.q8);
});

test("batches, in fp32", async (t) => {
  const { ours, theirs } = await both(t, "batches");
  alike(ours.lines, theirs.lines, WITHIN.fp32);
});

test("a worker with models of the site and of the hub", async (t) => {
  const { ours, theirs } = await both(t, "in-worker");
  alike(ours.lines, theirs.lines, WITHIN.q8);
  const fromHub = (lines) => lines.filter(([line]) => Array.isArray(line)).filter((_, i) => i % 2 === 1);
  alike(fromHub(ours.lines), fromHub(theirs.lines), WITHIN.fp32);
  assert.deepEqual(ours.lines.at(-1), [true], "a model that is nowhere rejects with an Error");
});

test("progress: the same files, each with the same events and fields", async (t) => {
  const { ours, theirs } = await both(t, "progress");
  const [mine, original] = [ours, theirs].map(({ lines }) => lines.slice(0, -1).map(([event]) => event));
  assert.deepEqual(eventsByFile(mine), eventsByFile(original));
  assert.deepEqual(fieldsByStatus(mine), fieldsByStatus(original));
  assert.deepEqual(mine.at(-1), original.at(-1), "ready");
  const total = (events) => events.findLast(({ status }) => status === "progress_total");
  const byName = ({ files, ...all }) => ({ ...all, files: Object.entries(files).sort() });
  assert.deepEqual(byName(total(mine)), byName(total(original)));
  const [shown, shownOriginally] = await Promise.all([shownOn(ours.page), shownOn(theirs.page)]);
  assert.deepEqual(shown, shownOriginally);
  alike(ours.lines.at(-1), theirs.lines.at(-1), WITHIN.q8);
});

/** For each file, its statuses in order, without repetitions, and the last reported numbers. */
function eventsByFile(events) {
  const files = [...new Set(events.flatMap(({ file }) => file ?? []))].sort();
  return files.map((file) => {
    const own = events.filter((event) => event.file === file);
    const statuses = own.map(({ status }) => status).filter((status, i, all) => status !== all[i - 1]);
    return { file, statuses, last: own.findLast(({ status }) => status === "progress") };
  });
}

function fieldsByStatus(events) {
  return Object.fromEntries(
    events.map((event) => [event.status, Object.keys(event).sort()]).sort(([a], [b]) => a.localeCompare(b)),
  );
}

/** The list of files that the page shows at the end. */
function shownOn(page) {
  return page.evaluate(() => ({
    title: document.title,
    ready: document.querySelector("ul").dataset.ready,
    items: [...document.querySelectorAll("li")]
      .map(({ textContent, className, firstElementChild }) => [
        textContent,
        className,
        firstElementChild.value,
      ])
      .sort(),
  }));
}
