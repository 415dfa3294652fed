// The device switch and all information on the graphics card, in a browser with WebGPU and no adapter.

import assert from "node:assert/strict";
import test from "node:test";
import { accessibilityFaults, DELIGHT, HOURS, openReady, overflow, quiet, workersOf } from "./harness.mjs";

const NO_ADAPTER = /no graphics adapter/;

/** Chooses a device and waits until the model is loaded again. */
async function choose({ page, part, status }, device) {
  await part(`device-${device}`).check();
  await page.waitForFunction(
    (id) => document.querySelector(`[data-testid="${id}"]`).checked,
    `device-${device}`,
  );
  await status("ready");
}

test("without an adapter the CPU answers, and the page says why", async (t) => {
  const opened = await openReady(t);
  const { page, part, verdict, problems } = opened;
  for (const device of ["auto", "webgpu"]) {
    await choose(opened, device);
    assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
    assert.equal((await verdict(HOURS.text)).label, HOURS.label);
    assert.match(await part("webgpu-reason").textContent(), NO_ADAPTER, device);
    assert.match(await part("backend").textContent(), /^CPU, relaxed(-threads)? build, \d threads?$/);
    assert.equal(await part("adapter").textContent(), "not in use");
    for (const id of ["software", "profile", "from-tokens", "calibration"])
      assert.equal(await part(id).isVisible(), false, id);
  }
  assert.deepEqual(await accessibilityFaults(page), []);
  quiet(problems);
});

test("another device loads the model in use again, and half precision is not for the CPU", async (t) => {
  const opened = await openReady(t);
  const { page, part, load, result, problems } = opened;
  await part("dtype-fp16").check();
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await result();
  assert.equal(
    await part("backend").getAttribute("data-dtype"),
    "fp32",
    "the CPU that stands in stores fp32",
  );
  await part("model-source").fill("half a na");
  await choose(opened, "cpu");
  await page.waitForFunction(() =>
    /requested/.test(document.querySelector('[data-testid="webgpu-reason"]').textContent),
  );
  assert.equal(await part("model-name").textContent(), "tiny-f32", "not what stands in the field");
  assert.equal(await part("dtype-fp16").isDisabled(), true);
  assert.equal(await part("dtype-auto").isChecked(), true);
  assert.match(await part("dtype-fp16").locator("xpath=..").getAttribute("title"), /half-precision/);
  assert.deepEqual(await accessibilityFaults(page), [], "with a choice that is none");
  await choose(opened, "auto");
  await page.waitForFunction(
    (no) => new RegExp(no).test(document.querySelector('[data-testid="webgpu-reason"]').textContent),
    NO_ADAPTER.source,
  );
  assert.equal(await part("dtype-fp16").isDisabled(), false);
  quiet(problems);
});

test("after a load that failed, another device loads the model in use", async (t) => {
  const opened = await openReady(t);
  const { page, part, status, load, problems } = opened;
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await load("./nowhere/");
  await status("error");
  await choose(opened, "cpu");
  assert.equal(await part("model-name").textContent(), "tiny-f32");
  assert.match(await part("webgpu-reason").textContent(), /requested/);
  assert.equal(await part("error").isVisible(), false);
  quiet(problems, /404 \(Not Found\)/);
});

test("a load that is cancelled, or fails, puts the switch back", async (t) => {
  const opened = await openReady(t);
  const { server, page, part, status, load, problems } = opened;
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  const forget = () => page.evaluate(() => caches.delete("tabsense-models")); // or the cache would answer
  await forget();
  const release = server.hold("/fixtures/tiny-f32/model.safetensors");
  await part("device-cpu").check();
  await status("loading");
  await part("cancel").click();
  await status("ready");
  assert.equal(await part("device-auto").isChecked(), true);
  assert.equal(await part("dtype-fp16").isDisabled(), false);
  release();
  await forget();
  await page.route("**/fixtures/tiny-f32/config.json", (route) => route.fulfill({ status: 404 }));
  await part("device-cpu").check();
  await status("error");
  assert.equal(await part("device-auto").isChecked(), true);
  await page.unroute("**/fixtures/tiny-f32/config.json");
  await part("restart").click();
  await status("ready");
  assert.equal(await part("device-cpu").isChecked(), true, "loading again is loading what was asked for");
  quiet(problems, /404 \(Not Found\)/);
});

for (const device of ["auto", "webgpu", "cpu"]) {
  test(`compare says why there is nothing to compare with, from ${device}`, async (t) => {
    const opened = await openReady(t);
    const { page, part, verdict, problems } = opened;
    await choose(opened, device);
    assert.equal(await part("compare").getAttribute("aria-expanded"), "false");
    await part("compare").focus();
    await page.keyboard.press("Enter");
    await part("compare-reason").waitFor();
    assert.match(await part("compare-reason").textContent(), NO_ADAPTER);
    assert.equal(await part("compare").getAttribute("aria-expanded"), "true");
    assert.equal(await part("compare-cpu").isVisible(), false);
    await page.waitForFunction(
      () => document.querySelector('[data-testid="comparison"]').dataset.state === "refused",
    );
    assert.equal(workersOf(page).length, 1, "what was loaded for it is gone");
    assert.equal((await verdict(HOURS.text)).label, HOURS.label);
    for (const width of [320, 768]) {
      await page.setViewportSize({ width, height: 740 });
      assert.equal(await overflow(page), 0);
    }
    await part("compare").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector('[data-testid="comparison"][data-state="closed"]');
    assert.equal(await part("compare-body").isVisible(), false);
    assert.equal(await part("compare").textContent(), "Compare");
    quiet(problems);
  });
}
