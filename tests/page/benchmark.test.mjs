// The Benchmark tab: opening it, a run from start to end, its report, interruptions. No timing is checked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { DELIGHT, open, openReady, quiet, site } from "./harness.mjs";

const CODE = /\/assets\/bench-[^/]+\.(js|css)$/; // the tab's own code, with the chart library and its styles
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

/** Extends the harness with the actions of the tab. */
function bench(opened) {
  const { page, part, load } = opened;
  return {
    ...opened,
    state: (state) => page.waitForSelector(`[data-testid="bench-status"][data-state="${state}"]`),
    /** Chooses what to run: these lengths and no others. */
    async choose(rounds, lengths) {
      for (const box of await page.locator('input[name="length"]').all())
        await box.setChecked(lengths.includes(Number(await box.inputValue())));
      await page.locator(`input[name="rounds"][value="${rounds}"]`).check();
    },
    /** Loads the tiny model, through the page's own field. */
    async tiny() {
      await part("tab-classify").click();
      await load("./fixtures/tiny-f32/");
      await page.waitForFunction(
        () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
      );
      await part("tab-benchmark").click();
      await part("bench-run").waitFor();
    },
    /** The rows of the table as objects, keyed by the column heads. */
    rows: () =>
      part("bench-table").evaluate((table) => {
        const heads = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent);
        return [...table.querySelectorAll("tbody tr")].map((row) =>
          Object.fromEntries([...row.cells].map((cell, at) => [heads[at], cell.textContent])),
        );
      }),
    /** The number of a chart's pixels that aren't transparent. */
    inked: (id) =>
      part(id)
        .locator("canvas")
        .evaluate((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let count = 0;
          for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
          return count;
        }),
    overflow: () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  };
}

async function openTiny(t, contextOptions) {
  const opened = bench(await openReady(t, contextOptions));
  await opened.tiny();
  return opened;
}

const number = (text) => Number(text.replaceAll("\u2009", ""));

test("the tab's code and the chart library are fetched when it is opened, not before", async (t) => {
  const { page, part, requests, problems } = await openReady(t);
  assert.deepEqual(
    requests.filter((url) => CODE.test(url)),
    [],
  );
  assert.equal(await part("panel-benchmark").isVisible(), false);
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  assert.equal(await part("panel-classify").isVisible(), false);
  assert.equal(new URL(page.url()).hash, "#benchmark");
  assert.equal(requests.filter((url) => CODE.test(url)).length, 2);
  await part("tab-classify").click();
  assert.equal(new URL(page.url()).hash, "");
  await part("tab-benchmark").click();
  assert.equal(requests.filter((url) => CODE.test(url)).length, 2, "fetched once");
  quiet(problems);
});

test("opened without a network it says so, and works when the network is back", async (t) => {
  const { context, page, part, problems } = await openReady(t);
  await context.setOffline(true);
  await part("tab-benchmark").click();
  await page.waitForFunction(() =>
    /could not be loaded .+ reload the page\.$/.test(
      document.querySelector('[data-testid="bench-wait"]').textContent,
    ),
  );
  await context.setOffline(false);
  await page.reload();
  await part("bench-run").waitFor();
  assert.equal(await part("bench-wait").isVisible(), false);
  quiet(problems, /ERR_INTERNET_DISCONNECTED|Failed to load resource/);
});

test("#benchmark in the address opens the tab, and the address may change", async (t) => {
  const server = await site(t);
  const { page, part, status, problems } = await open(t, `${server.url}#benchmark`);
  await part("bench-run").waitFor();
  assert.equal(await part("tab-benchmark").getAttribute("aria-selected"), "true");
  await status("ready");
  await page.waitForSelector('[data-testid="bench-run"]:enabled');
  assert.match(await part("bench-status").textContent(), /sentiment-en, int4/);
  await page.evaluate(() => (location.hash = ""));
  await part("input").waitFor();
  await page.evaluate(() => (location.hash = "#benchmark"));
  await part("bench-run").waitFor();
  quiet(problems);
});

test("the tabs are tabs to the keyboard and to a screen reader", async (t) => {
  const { page, part, problems } = await openReady(t);
  const chosen = () =>
    page.evaluate(() => {
      const { activeElement } = document;
      const [...tabs] = document.querySelectorAll('[role="tablist"] [role="tab"]');
      const selected = tabs.filter((tab) => tab.getAttribute("aria-selected") === "true");
      const shown = [...document.querySelectorAll('[role="tabpanel"]')].filter((panel) =>
        panel.checkVisibility(),
      );
      const consistent =
        selected.length === 1 &&
        shown.length === 1 &&
        shown[0].id === selected[0].getAttribute("aria-controls") &&
        shown[0].getAttribute("aria-labelledby") === selected[0].id &&
        tabs.every((tab) => (tab.tabIndex === 0) === (tab === selected[0]));
      return consistent && activeElement === selected[0] ? selected[0].dataset.tab : null;
    });
  await part("tab-classify").focus();
  for (const [key, tab] of [
    ["ArrowRight", "teach"],
    ["ArrowRight", "redact"],
    ["ArrowRight", "zero-shot"],
    ["ArrowRight", "file"],
    ["ArrowRight", "benchmark"],
    ["ArrowRight", "classify"],
    ["ArrowLeft", "benchmark"],
    ["Home", "classify"],
    ["End", "benchmark"],
  ]) {
    await page.keyboard.press(key);
    assert.equal(await chosen(), tab, key);
  }
  await part("bench-run").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.name), "length", "the settings come next");
  quiet(problems);
});

test("a run waits for a file that is being classified", async (t) => {
  const { page, part, state, choose, problems } = bench(await openReady(t));
  await part("tab-file").click();
  await part("file-input").setInputFiles({
    name: "many.txt",
    mimeType: "text/plain",
    buffer: Buffer.from(
      Array.from({ length: 20_000 }, (_, at) => `${DELIGHT.text} Number ${at}.`).join("\n"),
    ),
  });
  await part("file-run").click();
  await page.waitForSelector('[data-testid="panel-file"][data-state="running"]');
  await part("tab-benchmark").click();
  await choose(10, [8]);
  await part("bench-run").click();
  await part("bench-status").getByText("Waiting: the page is classifying a text").waitFor();
  await part("tab-file").click();
  await part("file-stop").click();
  await part("tab-benchmark").click();
  await state("done");
  assert.doesNotMatch(
    await part("bench-method").textContent(),
    /Measured again/,
    "nothing was measured beside it",
  );
  quiet(problems);
});

test("a run gives a row for each length, three charts and a report of the same figures", async (t) => {
  const opened = await openTiny(t, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page, part, problems, state, choose, rows, inked } = opened;
  assert.equal(await part("bench-report").isVisible(), false);
  await choose(10, [8, 32, 512]);
  await part("bench-run").click();
  await state("done");

  const table = await rows();
  assert.deepEqual(
    table.map(({ tokens, runs }) => [tokens, runs]),
    [
      ["8", "10"],
      ["32", "10"],
      ["512", "10"],
    ],
  );
  for (const row of table) {
    const [min, p50, p95, p99] = ["min", "p50", "p95", "p99"].map((head) => number(row[head]));
    assert.ok(min > 0 && min <= p50 && p50 <= p95 && p95 <= p99, JSON.stringify(row));
    for (const head of ["mean", "sd", "requests/s", "tokens/s"])
      assert.ok(Number.isFinite(number(row[head])), `${head}: ${row[head]}`);
  }
  for (const id of ["bench-lengths", "bench-stages", "bench-histogram"]) {
    assert.ok((await inked(id)) > 1000, `${id} is drawn`);
    assert.match(
      await part(id).getByRole("img").getAttribute("aria-label"),
      /tokens/,
      `${id} says what it shows`,
    );
  }
  assert.match(await part("bench-finding").textContent(), /^32 tokens take .+ ms here$/);
  assert.match(await part("bench-announce").textContent(), /^Done: 30 calls measured$/);

  const words = () => part("bench-histogram").getByRole("img").getAttribute("aria-label");
  assert.match(await words(), /^Histogram of 10 calls, 32 tokens/);
  await part("bench-histogram-length").selectOption("all");
  assert.match(await words(), /^Histogram of 30 calls, all lengths/);

  await part("bench-copy").click();
  await page.waitForFunction(
    () => document.querySelector('[data-testid="bench-copy"]').textContent === "Copied",
  );
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  for (const row of table)
    assert.ok(
      copied.includes(`| ${Object.values(row).join(" | ")} |`),
      `the report has the row of ${row.tokens} tokens`,
    );
  const system = await part("bench-system")
    .locator("div")
    .evaluateAll((pairs) => pairs.map((pair) => [...pair.children].map((item) => item.textContent)));
  assert.deepEqual(
    system.map(([name]) => name),
    [
      "browser",
      "platform",
      "logical processors",
      "memory",
      "clock",
      "model",
      "shape",
      "parameters",
      "weights",
      "build",
      "date",
    ],
  );
  for (const [name, value] of system)
    assert.ok(value && copied.includes(`| ${name} | ${value} |`), `the report has ${name}: ${value}`);
  assert.match(copied, /2 warm-up rounds, which are not counted/);
  assert.ok(copied.includes(await page.evaluate(() => navigator.userAgent)));

  const [download] = await Promise.all([page.waitForEvent("download"), part("bench-download").click()]);
  assert.match(download.suggestedFilename(), /^tabsense-tiny-f32-.+\.json$/);
  const report = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.deepEqual([report.model.name, report.model.dtype, report.complete], ["tiny-f32", "fp32", true]);
  assert.match(report.model.build, /^relaxed(-threads)?$/);
  assert.equal(typeof report.model.threads, "number");
  assert.deepEqual(
    report.results.map(({ device, tokens, samples }) => [device, tokens, samples.length]),
    [
      ["CPU", 8, 10],
      ["CPU", 32, 10],
      ["CPU", 512, 10],
    ],
  );
  for (const { samples } of report.results) {
    for (const { total, tokenize, forward, rest } of samples)
      assert.ok(total >= 0 && tokenize >= 0 && forward >= 0 && rest >= 0);
  }
  quiet(problems);
});

test("the charts describe the point under the pointer, and follow the colour scheme", async (t) => {
  const { page, part, problems, state, choose } = await openTiny(t);
  await choose(10, [8, 16]);
  await part("bench-run").click();
  await state("done");
  for (const [id, told] of [
    ["bench-lengths", /^CPU, \d+ tokens: p50 .+, p95 .+ ms$/],
    ["bench-stages", /^\d+ tokens: tokenize .+, forward .+, messages .+ %$/],
  ]) {
    await part(id).locator(".u-over").hover();
    assert.match(await part(id).locator(".note").textContent(), told);
  }
  const pixels = () =>
    part("bench-stages")
      .locator("canvas")
      .evaluate((canvas) => canvas.toDataURL());
  const light = await pixels();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(
    (before) => document.querySelector('[data-testid="bench-stages"] canvas').toDataURL() !== before,
    light,
  );
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForFunction(
    (before) => document.querySelector('[data-testid="bench-stages"] canvas').toDataURL() === before,
    light,
  );
  quiet(problems);
});

test("a run can be stopped; what was measured stays, and the next run works", async (t) => {
  const { page, part, problems, state, choose, rows } = bench(await openReady(t));
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  await choose(100, [8, 512]);
  await part("bench-run").focus();
  await page.keyboard.press("Enter");
  await state("running");
  assert.equal(
    await page.locator('input[name="rounds"]').first().isDisabled(),
    true,
    "the settings are held",
  );
  await page.waitForSelector('[data-testid="bench-table"] tbody tr');
  assert.equal(
    await part("bench-stop").evaluate((button) => button === document.activeElement),
    true,
    "the focus goes to Stop",
  );
  await page.keyboard.press("Enter");
  await state("stopped");
  assert.equal(await part("bench-run").evaluate((button) => button === document.activeElement), true);
  assert.ok((await rows()).every(({ runs }) => Number(runs) < 100));
  assert.match(await part("bench-markdown").textContent(), /The run was stopped early/);

  await choose(10, [8]);
  await part("bench-run").click();
  await state("done");
  assert.deepEqual(
    (await rows()).map(({ tokens, runs }) => [tokens, runs]),
    [["8", "10"]],
  );
  quiet(problems);
});

test("a run stopped in its warm-up leaves no figures", async (t) => {
  const { page, part, problems, state, choose } = bench(await openReady(t));
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  await choose(10, [256, 512]);
  await page.evaluate(() => {
    document.querySelector('[data-testid="bench-run"]').click();
    document.querySelector('[data-testid="bench-stop"]').click();
  });
  await state("stopped");
  assert.equal(await part("bench-table").isVisible(), false);
  assert.equal(await part("bench-report").isVisible(), false);
  quiet(problems);
});

test("writing in the Classify tab while it runs disturbs neither", async (t) => {
  const { part, problems, state, choose, verdict, rows } = bench(await openReady(t));
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  await choose(10, [8, 64, 256]);
  await part("bench-run").click();
  await state("running");
  await part("tab-classify").click();
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  assert.equal((await verdict(`${DELIGHT.text} Really.`)).label, DELIGHT.label);
  await part("tab-benchmark").click();
  await state("done");
  assert.deepEqual(
    (await rows()).map(({ runs }) => runs),
    ["10", "10", "10"],
  );
  assert.ok(
    (await part("bench-lengths").locator("canvas").count()) === 1,
    "what was hidden meanwhile is drawn",
  );
  quiet(problems);
});

test("another model while it runs ends the run, and the next one measures the new model", async (t) => {
  const { part, problems, state, choose, rows, tiny } = bench(await openReady(t));
  await part("tab-benchmark").click();
  await part("bench-run").waitFor();
  await choose(100, [8, 512]);
  await part("bench-run").click();
  await state("running");
  await tiny();
  await state("stopped");
  assert.match(await part("bench-status").textContent(), /model was replaced/);
  assert.equal(await part("status").getAttribute("data-state"), "ready");
  await choose(10, [16]);
  await part("bench-run").click();
  await state("done");
  assert.equal((await rows()).length, 1);
  assert.match(await part("bench-system").textContent(), /tiny-f32/);
  quiet(problems);
});

test("a run without a length is rejected with a message", async (t) => {
  const { part, problems, state, choose } = await openTiny(t);
  await choose(10, []);
  await part("bench-run").click();
  await state("error");
  assert.match(await part("bench-status").textContent(), /at least one length/);
  quiet(problems);
});

for (const colorScheme of ["light", "dark"]) {
  test(`fits a width of 360 before and after a run, ${colorScheme}`, async (t) => {
    const { page, part, problems, state, choose, overflow, inked } = await openTiny(t, {
      ...PHONE,
      colorScheme,
    });
    assert.equal(await overflow(), 0);
    await choose(10, [8, 16, 32, 64, 128, 256, 512]);
    await part("bench-run").click();
    await state("done");
    await part("bench-report").locator("summary").click();
    assert.equal(await overflow(), 0, "with results");
    for (const id of ["bench-lengths", "bench-stages", "bench-histogram"]) {
      assert.ok((await inked(id)) > 1000, id);
      const { x, width } = await part(id).locator("canvas").boundingBox();
      assert.ok(x >= 0 && x + width <= 360, `${id} lies within the screen`);
    }
    await page.setViewportSize({ width: 700, height: 740 });
    await page.waitForFunction(
      () => document.querySelector('[data-testid="bench-lengths"] canvas').clientWidth > 400,
    );
    assert.equal(await overflow(), 0, "after turning");
    quiet(problems);
  });
}

test("says so where the clipboard is closed, and marks the report", async (t) => {
  const { page, part, problems, state, choose } = await openTiny(t);
  await page.evaluate(() =>
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: () => Promise.reject(new Error("closed")) },
    }),
  );
  await choose(10, [8]);
  await part("bench-run").click();
  await state("done");
  await part("bench-copy").click();
  await page.waitForFunction(() => getSelection().toString().includes("# Tabsense on this machine"));
  assert.equal(await part("bench-markdown").isVisible(), true);
  quiet(problems);
});
