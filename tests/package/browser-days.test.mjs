// A tab that stays open for days: after thousands of calls, loads, aborts, worker crashes, losses of the
// graphics card and freezes in the background, the JavaScript heap, the wasm memory, the GPU buffers and the
// workers haven't grown. By default a few of each, all of them under `npm run test:long`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { seeded } from "../../bench/random.mjs";
import { assertFlat, times } from "../soak.mjs";
import { openPage, startBrowser, startSite } from "./support.mjs";
import { assertSame, cpuScores, openPage as openWatched, TEXTS, watch } from "./webgpu.mjs";

const CALLS = times(500, 100_000);
const LOADS = times(10, 200);
const ABORTS = times(40, 1_000);
const CRASHES = times(5, 200);
/**
 * Two for each loaded model: after the second loss within a minute, the CPU answers. Shorter runs leave
 * losses to browser-webgpu-loss.test.mjs.
 */
const LOSSES = times(0, 50);
const PAUSES = times(5, 60);
/** More pages than a browser's back/forward cache keeps; up to this many, the number of kept pages grows. */
const KEPT = 8;

/**
 * By how much the heap may differ: the browser itself keeps some data of the tests' calls (a few hundred kB,
 * growing with the number of samples), and compiles some code late. A leak of 1 kB per call is more after a
 * thousand calls.
 */
const HEAP_SLACK = 2 ** 19;
/**
 * The size of the wasm memory is a peak: if a file arrives in different pieces, or a time slice fits more
 * texts on a faster machine, it grows by a few pages, even late. A leak of ten bytes per call over many
 * calls, or of a model per load, is more.
 */
const WASM_SLACK = 2 ** 19;

let site, browser;
before(async () => {
  site = await startSite();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/**
 * Starts to watch a page: `sample()` takes a sample, `assertFlat()` compares the samples. `ask` evaluates an
 * expression without Playwright, whose own objects would stay in each document.
 */
async function startWatch(t, page) {
  const session = await page.context().newCDPSession(page);
  const curves = { "JavaScript heap": [], "wasm memory": [], workers: [] };
  const ask = async (expression) => {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", options);
    assert.equal(exceptionDetails, undefined);
    return result.value;
  };
  return {
    session,
    ask,
    async sample() {
      await session.send("HeapProfiler.collectGarbage");
      curves["JavaScript heap"].push((await session.send("Runtime.getHeapUsage")).usedSize);
      curves["wasm memory"].push(await ask("globalThis.classifier?.info.bytes.memory ?? 0"));
      curves.workers.push(page.workers().length);
    },
    assertFlat({ wasm = true } = {}) {
      assertFlat(t, "JavaScript heap", curves["JavaScript heap"], HEAP_SLACK);
      if (wasm) assertFlat(t, "wasm memory", curves["wasm memory"], WASM_SLACK);
      assertFlat(t, "workers", curves.workers, 0, "workers");
    },
  };
}

/** Waits until the page has `count` workers: a terminated worker takes a moment to disappear. */
async function workersLeft(page, count) {
  for (let i = 0; page.workers().length !== count; i++) {
    assert.ok(i < 200, `${page.workers().length} workers, not ${count}`);
    await sleep(50);
  }
}

/** Loads the tiny model in the page as `classifier`, with its answer for a text as `expected`. */
function load(page, options = {}) {
  return page.evaluate(async (options) => {
    globalThis.classifier = await tabsense.Classifier.load("/tiny/", options);
    globalThis.expected = JSON.stringify(await classifier.classify("a text", { topK: null }));
    globalThis.same = async () =>
      JSON.stringify(await classifier.classify("a text", { topK: null })) === expected;
  }, options);
}

/** Whether the page's classifier still gives the same answer. */
const isSame = (page) => page.evaluate(() => same());

test(`${CALLS} texts are classified`, async (t) => {
  const { page } = await openPage(t, browser, site);
  const watch = await startWatch(t, page);
  await load(page);
  // The memory grows to that of the largest call, which a random order may bring late.
  await page.evaluate(async () => {
    const largest = Array(8).fill("some more words ".repeat(10));
    for (const details of [true, false, true, false])
      await classifier.classify(largest, { details, topK: null });
  });
  const SAMPLES = 25;
  for (let i = 0; i < SAMPLES; i++) {
    await page.evaluate(
      async ({ calls, seed }) => {
        let state = seed;
        const random = (below) => (state = (state * 48_271) % 2_147_483_647) % below;
        for (let done = 0; done < calls; ) {
          const size = random(4) === 0 ? 8 : 1;
          const texts = Array.from({ length: size }, () => "some more words ".repeat(1 + random(10)));
          const results = await classifier.classify(texts, { details: random(2) === 0, topK: null });
          if (results.length !== size) throw new Error(`${results.length} answers for ${size} texts`);
          done += size;
        }
      },
      { calls: CALLS / SAMPLES, seed: 1 + i },
    );
    await watch.sample();
  }
  assert.ok(await isSame(page));
  watch.assertFlat();
});

test(`${LOADS} models are loaded and disposed of`, async (t) => {
  const { page } = await openPage(t, browser, site);
  const watch = await startWatch(t, page);
  for (let i = 0; i < LOADS; i++) {
    await load(page, { worker: i % 4 > 0 });
    assert.ok(await isSame(page));
    await page.evaluate(() => classifier.dispose());
    await workersLeft(page, 0);
    await watch.sample();
  }
  watch.assertFlat();
});

test(`${ABORTS} calls and loads are aborted at random moments`, async (t) => {
  const { page } = await openPage(t, browser, site);
  const watch = await startWatch(t, page);
  const random = seeded(18);
  await load(page);
  // How long each takes once code is warm, so that aborts happen during it and around its end.
  const took = await page.evaluate(async () => {
    const many = Array(200).fill("many words are in this text");
    for (let i = 0; i < 5; i++) await classifier.classify(many);
    await (await tabsense.Classifier.load("/tiny/")).dispose();
    const start = performance.now();
    await classifier.classify(many);
    const called = performance.now();
    await (await tabsense.Classifier.load("/tiny/")).dispose();
    return { call: called - start, load: performance.now() - called };
  });
  const outcomes = { call: { aborted: 0, done: 0 }, load: { aborted: 0, done: 0 } };
  for (let i = 0; i < ABORTS; i++) {
    const what = i % 4 === 0 ? "load" : "call";
    const outcome = await page.evaluate(
      async ({ what, ms }) => {
        const controller = new AbortController();
        const options = { signal: controller.signal };
        const work =
          what === "call"
            ? classifier.classify(Array(200).fill("many words are in this text"), options)
            : tabsense.Classifier.load("/tiny/", options).then((loaded) => loaded.dispose());
        if (ms > 0) setTimeout(() => controller.abort(), ms);
        else controller.abort();
        return work.then(
          () => "done",
          (error) => (error.name === "AbortError" ? "aborted" : `${error.kind}: ${error.message}`),
        );
      },
      { what, ms: Math.floor(random() * 1.2 * took[what]) },
    );
    assert.ok(outcome in outcomes[what], outcome);
    outcomes[what][outcome]++;
    if (i % Math.ceil(ABORTS / 25) !== 0) continue;
    assert.ok(await isSame(page));
    await workersLeft(page, 1);
    await watch.sample();
  }
  t.diagnostic(JSON.stringify({ took, outcomes }));
  for (const { aborted } of Object.values(outcomes)) assert.ok(aborted > 0);
  assert.ok(await isSame(page));
  watch.assertFlat();
});

test(`${CRASHES} workers crash, and the next call is answered by a new one`, async (t) => {
  const { page } = await openPage(t, browser, site);
  const watch = await startWatch(t, page);
  await load(page);
  for (let i = 0; i < CRASHES; i++) {
    await workersLeft(page, 1);
    const [worker] = page.workers();
    const gone = worker.waitForEvent("close");
    await worker.evaluate(() => {
      setTimeout(() => {
        throw new Error("boom");
      });
    });
    await gone;
    assert.ok(await isSame(page));
    await watch.sample();
  }
  // Each worker has a new memory, whose size depends on how the weights arrived: the largest chunk stays in it.
  watch.assertFlat({ wasm: false });
});

test(`${LOSSES} devices are lost, and the model comes back on a new one or on the CPU`, {
  skip: LOSSES === 0 && "under `npm run test:long` alone",
}, async (t) => {
  const own = await startBrowser({ webgpu: true });
  t.after(() => own.close());
  const page = await openWatched(t, site, own);
  await watch(page);
  const expected = await cpuScores(page);
  const { sample, assertFlat: flat } = await startWatch(t, page);
  const ledgers = [];
  for (let lost = 0; lost < LOSSES; lost += 2) {
    const seen = await page.evaluate(async (texts) => {
      const options = { device: "webgpu", worker: false };
      globalThis.classifier = await tabsense.Classifier.load("/tiny/", options);
      const seen = [];
      for (let i = 0; i <= 2; i++) {
        if (i > 0) watched.engines.at(-1).loseDevice();
        const scores = await classifier.classify(texts, { topK: null });
        seen.push({ scores, device: classifier.info.device });
      }
      await classifier.dispose();
      watched.engines.length = 0; // the watch itself must not keep lost engines alive
      return seen;
    }, TEXTS);
    for (const { scores } of seen) assertSame(scores, expected);
    assert.deepEqual(
      seen.map(({ device }) => device),
      ["webgpu", "webgpu", "cpu"],
    );
    await page.waitForFunction(() => watched.lost === watched.devices);
    ledgers.push(await page.evaluate(() => watched.ledger()));
    await sample();
  }
  t.diagnostic(`the ledger after each: ${JSON.stringify(ledgers.at(-1))}`);
  for (const ledger of ledgers) assert.deepEqual(ledger, { buffers: 0, bytes: 0 });
  flat();
});

/**
 * Starts a browser like a user's and opens a page: unlike browsers that Playwright launches, it has a
 * back/forward cache, and hides pages that aren't in the foreground.
 */
async function startUnattended(t) {
  const profile = mkdtempSync(join(tmpdir(), "tabsense-profile-"));
  const flags = ["--headless", "--no-sandbox", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
  const child = spawn(process.env.CHROMIUM || "/usr/bin/chromium", [...flags, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill();
    await ended;
    // Its other processes end later, and write until then.
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  let output = "";
  const address = await new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error(`Chromium did not start: ${output}`)));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
      const [, found] = /DevTools listening on (\S+)/.exec(output) ?? [];
      if (found) resolve(found);
    });
  });
  const [context] = (await chromium.connectOverCDP(address, { noDefaults: true })).contexts();
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return page;
}

test(`${PAUSES} times the page is frozen in the background, with a call under way, and comes back`, async (t) => {
  const page = await startUnattended(t);
  const watch = await startWatch(t, page);
  await page.evaluate(() => {
    globalThis.counts = { freeze: 0, resume: 0, hidden: 0 };
    for (const event of ["freeze", "resume"])
      document.addEventListener(event, () => globalThis.counts[event]++);
    document.addEventListener(
      "visibilitychange",
      () => (globalThis.counts.hidden += Number(document.hidden)),
    );
  });
  await load(page);
  const { windowId } = await watch.session.send("Browser.getWindowForTarget");
  const window = (windowState) =>
    watch.session.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
  for (let i = 0; i < PAUSES; i++) {
    await window("minimized");
    await page.evaluate(() => {
      globalThis.call = classifier.classify(Array(100).fill("words of a text that is under way"));
    });
    await watch.session.send("Page.setWebLifecycleState", { state: "frozen" });
    await sleep(100); // whether the worker continues is up to the browser
    await watch.session.send("Page.setWebLifecycleState", { state: "active" });
    await window("normal");
    assert.equal((await page.evaluate(() => call)).length, 100);
    assert.ok(await isSame(page));
    await watch.sample();
  }
  assert.deepEqual(await page.evaluate(() => counts), { freeze: PAUSES, resume: PAUSES, hidden: PAUSES });
  watch.assertFlat();
});

test(`${PAUSES} times the page is left, kept by the browser, and come back to`, async (t) => {
  const page = await startUnattended(t);
  const watch = await startWatch(t, page);
  await page.evaluate(() => {
    globalThis.kept = 0;
    addEventListener("pageshow", ({ persisted }) => (globalThis.kept += Number(persisted)));
  });
  await load(page);
  const until = async (expression) => {
    // During a navigation, no page can evaluate it.
    while (!(await watch.ask(expression).catch(() => false))) await sleep(20);
  };
  for (let i = 1; i <= KEPT + PAUSES; i++) {
    await watch.session.send("Page.navigate", { url: `${site.url}tiny/config.json` });
    await until('document.readyState === "complete" && !globalThis.tabsense');
    await watch.ask("void history.back()");
    await until(`globalThis.kept === ${i}`);
    assert.equal(await watch.ask("same()"), true);
    if (i > KEPT) await watch.sample();
  }
  watch.assertFlat();
});
