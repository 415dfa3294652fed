// The page on a software WebGPU adapter: the switch, names, time per kernel, and both backends side by side.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import {
  accessibilityFaults,
  DELIGHT,
  HOURS,
  openReady,
  overflow,
  quiet,
  ROUNDED,
  workersOf,
} from "./harness.mjs";

const TEXTS = [DELIGHT.text, HOURS.text, "The battery died."];
const FAR = 0.01; // scores that are further apart differ

const open = (t, options) => openReady(t, { webgpu: true, ...options });

/** Opens the page with a model that is fast even on a software adapter. */
async function openTiny(t, options) {
  const opened = await open(t, options);
  await opened.load("./fixtures/tiny-f32/");
  await opened.page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await opened.result();
  return opened;
}

/** Chooses WebGPU, and waits for its verdict. */
async function toWebGpu({ page, part, result }) {
  await part("device-webgpu").check();
  await page.waitForSelector('[data-testid="backend"][data-device="webgpu"]');
  return result();
}

/** Waits for both backends' answers on `text` and compares them; the page removes them with the next edit. */
async function compared({ page, part }, text = null) {
  if (text !== null) await part("input").fill(text);
  await page.waitForSelector('[data-testid="compare-delta"][data-delta]');
  const data = (id) => part(id).evaluate(({ dataset }) => ({ ...dataset }));
  const [cpu, webgpu, { delta }] = await Promise.all(
    ["compare-cpu", "compare-webgpu", "compare-delta"].map(data),
  );
  assert.equal(cpu.label, webgpu.label);
  assert.ok(Number(delta) < ROUNDED, `|Δ score| ${delta}`);
  assert.ok(
    Math.abs(Math.abs(cpu.score - webgpu.score) - delta) < FAR,
    `${cpu.score}, ${webgpu.score}, ${delta}`,
  );
  return { label: cpu.label, delta: Number(delta) };
}

/** Waits until the only worker is that of the model in use. */
async function alone(page) {
  for (let waited = 0; workersOf(page).length > 1 && waited < 30_000; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(workersOf(page).length, 1);
}

/** Whether the browser reports that the adapter can time its kernels. */
const hasClock = (page) =>
  page.evaluate(async () => (await navigator.gpu.requestAdapter()).features.has("timestamp-query"));

test("WebGPU gives the CPU's labels, names its adapter, and can be compared with the CPU", async (t) => {
  const opened = await open(t);
  const { page, part, verdict, requests, server, problems } = opened;
  assert.match(
    await part("webgpu-reason").textContent(),
    /software/,
    "auto takes no software adapter, and says so",
  );
  const onCpu = [];
  for (const text of TEXTS) onCpu.push(await verdict(text));

  await toWebGpu(opened);
  for (const [at, text] of TEXTS.entries()) {
    const { label, score } = await verdict(text);
    assert.equal(label, onCpu[at].label, text);
    assert.ok(
      Math.abs(score - onCpu[at].score) < ROUNDED,
      `${text}: ${score}, on the CPU ${onCpu[at].score}`,
    );
  }
  assert.match(await part("adapter").textContent(), /\w/);
  assert.equal(await part("software").isVisible(), true);
  assert.match(await part("backend").textContent(), /^WebGPU, relaxed(-threads)? build$/);
  assert.match(await part("fact-memory").textContent(), /MB on the GPU$/);
  assert.equal(await part("webgpu-reason").isVisible(), false);

  await part("compare").click();
  assert.equal((await compared(opened)).label, onCpu.at(-1).label);
  assert.equal((await compared(opened, DELIGHT.text)).label, DELIGHT.label);
  assert.match(await part("compare-note").textContent(), /software/);
  await page.waitForTimeout(1_000); // a copy would be written after the first answer
  assert.deepEqual(
    await page.evaluate(() => caches.keys()),
    [],
    "the page's own model is the service worker's to store, once",
  );
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(server.url)),
    [],
  );
  quiet(problems);
});

/**
 * Simulates a graphics card next to the CPU: changes the worker's messages about device "auto" on their way.
 */
function simulateCard() {
  const card = {
    adapter: "test card",
    software: false,
    f16: true,
    timestamps: true,
    fromTokens: 8,
    gpuBytes: 5_000_000,
  };
  const kernels = [
    { name: "linear", ms: 3, dispatches: 27 },
    { name: "take_rows", ms: 0.5, dispatches: 1 },
  ];
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (!/software/.test(data?.state?.info.webgpuReason)) return; // a helper sends null
        Object.assign(data.state.info, {
          device: "auto",
          webgpu: card,
          webgpuReason: null,
          calibration: [{ tokens: 8, cpu: 5, webgpu: 4.5 }],
        });
        for (const result of data.results ?? []) {
          if (result.tokens.length >= card.fromTokens)
            Object.assign(result, { device: "webgpu", timings: { tokenize: 0.1, forward: 5, kernels } });
        }
      });
    }
  };
}

test("auto on a card says from how many tokens it answers, where each call ran, and compares both on their own", async (t) => {
  const opened = await open(t, { initScript: simulateCard });
  const { page, part, verdict, problems } = opened;
  assert.equal(await part("adapter").textContent(), "test card");
  assert.equal(await part("software").isVisible(), false);
  assert.equal(await part("from-tokens").textContent(), "from 8 tokens");
  assert.equal(
    await part("calibration").textContent(),
    "Measured while loading. 8 tokens: CPU 5.0 ms, GPU 4.5 ms.",
  );
  await verdict(HOURS.text);
  assert.match(await part("backend").textContent(), /^WebGPU, relaxed(-threads)? build$/);
  const rows = () =>
    part("kernels")
      .locator("div")
      .evaluateAll((all) =>
        all.map((row) =>
          row.innerText
            .split(/\s*\n\s*|\t/)
            .map((text) => text.trim())
            .filter(Boolean)
            .join(" "),
        ),
      );
  const height = () => part("profile").evaluate((section) => section.getBoundingClientRect().height);
  assert.deepEqual(await rows(), [
    "linear 60.0 %3.0 ms",
    "attention < 0.1 %< 0.1 ms",
    "layer norm < 0.1 %< 0.1 ms",
    "take rows 10.0 %0.5 ms",
    "outside the kernels 30.0 %1.5 ms",
  ]);
  const onCard = await height();
  await verdict("Short.");
  assert.match(await part("backend").textContent(), /^CPU, relaxed(-threads)? build, \d threads?$/);
  assert.equal(await part("profile-note").textContent(), "this call ran on the CPU");
  assert.equal(await height(), onCard);

  await part("tab-benchmark").click();
  await page.waitForSelector('[data-testid="bench-run"]:enabled');
  assert.match(await part("bench-status").textContent(), /on AUTO$/);
  await part("tab-classify").click();
  await part("compare").click();
  await compared(opened);
  assert.equal(workersOf(page).length, 3, "the one in use chooses by itself: each side has its own");
  quiet(problems);
});

test("where the time goes is shown where the card has a clock", async (t) => {
  const opened = await openTiny(t);
  const { page, part, problems } = opened;
  assert.equal(await part("profile").isVisible(), false, "not on the CPU");
  await toWebGpu(opened);
  assert.equal(await part("profile").isVisible(), true);
  if (await hasClock(page)) {
    const rows = await part("kernels")
      .locator("div")
      .evaluateAll((all) => all.map(({ dataset }) => ({ name: dataset.kernel, ms: Number(dataset.ms) })));
    assert.deepEqual(
      ["linear", "attention", "layer_norm"].filter(
        (name) => !rows.some((row) => row.name === name && row.ms > 0),
      ),
      [],
    );
    assert.equal(rows.at(-1).name, "outside");
    const shown = await part("profile")
      .locator(".parts i")
      .evaluateAll((parts) =>
        parts.map((one) => ({ name: one.dataset.kernel, width: one.getBoundingClientRect().width })),
      );
    assert.deepEqual(
      shown.map(({ name }) => name),
      rows.map(({ name }) => name),
    );
    const largest = (list, key) => list.toSorted((a, b) => b[key] - a[key])[0].name;
    assert.equal(largest(shown, "width"), largest(rows, "ms"), "the widest part is the slowest kernel");
    assert.match(await part("profile-note").textContent(), /^of .+ ms forward$/);
  } else {
    assert.equal(await part("profile").locator(".parts").isVisible(), false);
    assert.match(await part("profile-note").textContent(), /no timestamp queries/);
  }
  await part("device-cpu").check();
  await page.waitForSelector('[data-testid="backend"][data-device="cpu"]');
  assert.equal(await part("profile").isVisible(), false);
  assert.equal(await part("software").isVisible(), false);
  quiet(problems);
});

test("the comparison follows what is written, and what it loaded goes with it", async (t) => {
  const opened = await openTiny(t);
  const { page, part, load, problems } = opened;
  await alone(page); // the previous model is disposed of after this one is ready
  await part("compare").click();
  await compared(opened);
  assert.equal(workersOf(page).length, 2);

  await part("input").fill("");
  await page.waitForSelector('[data-testid="compare-webgpu"]:not([data-label])');
  assert.deepEqual(await part("compare-webgpu").locator("td").allTextContents(), ["–", "–", "–"]);

  // Faster than either can answer: both end on the last text, and answers to older texts don't count.
  const shown = await page.evaluate(
    (texts) => {
      const input = document.querySelector('[data-testid="input"]');
      for (const text of texts) {
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
      return document.querySelector('[data-testid="compare-delta"]').dataset.delta ?? null;
    },
    [...Array.from({ length: 20 }, (_, at) => `Text ${at}`), "the last one"],
  );
  assert.equal(shown, null);
  const { label } = await compared(opened);
  assert.equal(label, (await opened.result()).label);

  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="closed"]');
  await alone(page);
  assert.equal((await opened.verdict("it works on")).label.length > 0, true);

  await part("compare").click();
  await compared(opened);
  await load("./fixtures/tiny-f16/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f16",
  );
  await page.waitForSelector('[data-testid="comparison"][data-state="closed"]');
  await alone(page);
  quiet(problems);
});

test("closed while it loads, the comparison leaves nothing behind", async (t) => {
  const opened = await openTiny(t);
  const { page, part, problems } = opened;
  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="loading"]');
  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="closed"]');
  await alone(page);
  assert.ok((await opened.verdict("it works on")).label);
  quiet(problems);
});

/** Once `cardIsGone` is set, turns the graphics card's answers into those of the CPU that replaces it. */
function simulateLoss() {
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (!window.cardIsGone || data?.state?.info.device !== "webgpu") return;
        Object.assign(data.state.info, { device: "cpu", webgpu: null, webgpuReason: "The card is gone." });
        for (const result of data.results ?? []) result.device = "cpu";
      });
    }
  };
}

test("reports a card that is lost during a comparison or benchmark, and never shows it as WebGPU", async (t) => {
  const opened = await openTiny(t, { initScript: simulateLoss });
  const { page, part, problems } = opened;
  await part("compare").click();
  await compared(opened, "still there");
  await part("tab-benchmark").click();
  await page.waitForSelector('[data-testid="bench-run"]:enabled');
  await page.locator('input[name="rounds"][value="100"]').check();
  await part("bench-run").click();
  await page.waitForSelector('[data-testid="bench-status"][data-state="running"]');
  await page.evaluate(() => (window.cardIsGone = true));
  await page.waitForSelector('[data-testid="bench-status"][data-state="error"]');
  assert.match(await part("bench-status").textContent(), /^WebGPU is no longer available/);
  await part("tab-classify").click();
  await part("input").fill("gone");
  await part("compare-reason").waitFor();
  assert.equal(await part("compare-reason").textContent(), "The card is gone.");
  assert.ok(await part("compare-cpu").getAttribute("data-label"));
  assert.deepEqual(await part("compare-webgpu").locator("td").allTextContents(), ["–", "–", "–"]);
  assert.equal(await part("compare-delta").getAttribute("data-delta"), null);
  quiet(problems);
});

test("fp16 is compared with fp32, and both are named", async (t) => {
  const opened = await open(t);
  const { page, part, load, problems } = opened;
  await part("dtype-fp16").check();
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await toWebGpu(opened);
  assert.equal(await part("backend").getAttribute("data-dtype"), "fp16");
  await part("compare").click();
  await compared(opened, "half as long");
  assert.deepEqual(await part("comparison").locator("tbody th").allTextContents(), [
    "CPU, fp32",
    "WebGPU, fp16",
  ]);
  quiet(problems);
});

test("while both are compared, the benchmark measures both", async (t) => {
  const opened = await openTiny(t);
  const { page, part, problems } = opened;
  const state = (name) =>
    page.waitForSelector(`[data-testid="bench-status"][data-state="${name}"]`, { state: "attached" });
  await part("compare").click();
  await compared(opened, "short");
  await part("tab-benchmark").click();
  await page.waitForSelector('[data-testid="bench-run"]:enabled');
  assert.match(await part("bench-status").textContent(), /on CPU and WebGPU$/);
  for (const box of await page.locator('input[name="length"]').all())
    await box.setChecked(["8", "16"].includes(await box.inputValue()));
  await page.locator('input[name="rounds"][value="10"]').check();
  await part("bench-run").click();
  await state("done");
  const rows = await part("bench-table")
    .locator("tbody tr")
    .evaluateAll((all) => all.map(({ dataset }) => [dataset.device, dataset.tokens]));
  assert.deepEqual(rows, [
    ["CPU", "8"],
    ["CPU", "16"],
    ["WebGPU", "8"],
    ["WebGPU", "16"],
  ]);
  assert.match(await part("bench-system").textContent(), /graphics.*\(software\)/);
  const [download] = await Promise.all([page.waitForEvent("download"), part("bench-download").click()]);
  const report = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.deepEqual(report.settings.devices, ["CPU", "WebGPU"]);
  assert.deepEqual(
    report.results.map(({ samples }) => samples.length),
    [10, 10, 10, 10],
  );

  // A run that is still under way when the comparison is closed, however slow the machine is.
  await page.locator('input[name="length"][value="512"]').check();
  await page.locator('input[name="rounds"][value="100"]').check();
  await part("bench-run").click();
  await state("running");
  await part("tab-classify").click();
  await part("compare").click();
  await state("stopped");
  assert.match(await part("bench-status").textContent(), /comparison was closed/);
  quiet(problems);
});

test("with a profile and a comparison: nothing jumps, nothing overflows, all is legible and named", async (t) => {
  const opened = await openTiny(t);
  const { page, part, problems } = opened;
  await toWebGpu(opened);
  const places = () =>
    page.evaluate(() =>
      ["comparison", "profile", "tokens", "model-form"].map((id) => {
        const { top, height } = document.querySelector(`[data-testid="${id}"]`).getBoundingClientRect();
        return [id, Math.round(top + scrollY), id === "tokens" ? 0 : Math.round(height)];
      }),
    );
  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="loading"]');
  const loading = await places();
  await compared(opened);
  assert.deepEqual(await places(), loading, "when the second model is there");
  await part("input").fill("Another text of a few words");
  assert.deepEqual(await places(), loading, "while both compute");
  await compared(opened);
  assert.deepEqual(await places(), loading, "when both have answered");
  await part("input").fill("");
  await page.waitForSelector('[data-testid="result"][data-state="idle"]');
  assert.deepEqual(
    (await places()).map(([id, , height]) => [id, height]),
    loading.map(([id, , height]) => [id, height]),
    "with no text",
  );
  await compared(opened, "Words again");

  await page.setViewportSize({ width: 360, height: 740 });
  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="closed"]');
  await part("compare").click();
  await page.waitForSelector('[data-testid="comparison"][data-state="loading"]');
  const height = () => part("comparison").evaluate((section) => section.getBoundingClientRect().height);
  const before = await height();
  await compared(opened);
  assert.equal(await height(), before, "on a phone, when the second model is there");

  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await accessibilityFaults(page), [], colorScheme);
  }
  for (const width of [320, 360, 768]) {
    await page.setViewportSize({ width, height: 740 });
    assert.equal(await overflow(page), 0, `at a width of ${width}`);
    const cut = await part("comparison")
      .locator("th:visible, td:visible")
      .evaluateAll((cells) =>
        cells
          .filter((cell) => cell.scrollWidth > cell.clientWidth && !cell.querySelector(".visually-hidden"))
          .map((cell) => cell.textContent),
      );
    assert.deepEqual(cut, [], `whole at a width of ${width}`);
  }
  const unnamed = await page.locator("section:visible, table:visible, fieldset:visible").evaluateAll((all) =>
    all
      .filter((one) => {
        const by = one.getAttribute("aria-labelledby");
        return one.tagName === "FIELDSET"
          ? !one.querySelector("legend")
          : !by || !document.getElementById(by)?.textContent.trim();
      })
      .map((one) => one.outerHTML.slice(0, 100)),
  );
  assert.deepEqual(unnamed, []);
  quiet(problems);
});
