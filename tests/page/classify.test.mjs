// The page's main purpose: a text in, a label out, within this tab.

import assert from "node:assert/strict";
import test from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { DELIGHT, HOURS, open, openReady, quiet, ROOT } from "./harness.mjs";

test("classifies with the network cut after loading", async (t) => {
  const { server, context, part, verdict, status, problems } = await openReady(t);
  await context.setOffline(true);
  await server.close();
  for (const { text, label } of [DELIGHT, HOURS, DELIGHT]) {
    const result = await verdict(text);
    assert.equal(result.label, label);
    assert.ok(result.score > 0.5 && result.score <= 1, `score ${result.score}`);
    assert.equal(await part("verdict").textContent(), label);
  }
  await status("ready");
  quiet(problems);
});

test("asks no other origin for anything, and nothing after loading", async (t) => {
  const { server, part, page, verdict, requests, problems } = await openReady(t);
  assert.ok(
    requests.some((url) => url.endsWith("/models/sentiment-en/model.safetensors")),
    "the worker's requests are seen",
  );
  const loading = requests.length;
  await verdict(HOURS.text);
  for (const button of await part("examples").getByRole("button").all()) await button.click();
  await page.waitForSelector('[data-testid="result"][data-label]');
  assert.deepEqual(requests.slice(loading), []);
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(server.url)),
    [],
  );
  quiet(problems);
});

test("works from a subfolder of a site", async (t) => {
  const server = await serve({ "/a/b/": `${ROOT}www/dist`, "/a/b/models/": `${ROOT}models` });
  t.after(server.close);
  const opened = await open(t, `${server.url}a/b/`);
  assert.equal((await opened.verdict(DELIGHT.text)).label, DELIGHT.label);
  quiet(opened.problems);
});

test("typing quickly ends on the newest text", async (t) => {
  const { page, part, result, problems } = await openReady(t);
  await part("input").fill("");
  await part("input").pressSequentially(HOURS.text);
  assert.equal((await result()).label, HOURS.label);
  // Fifty texts, faster than any of them can be classified: the page shows the verdict on the last one.
  const shown = await page.evaluate(
    async ({ texts, last }) => {
      const input = document.querySelector('[data-testid="input"]');
      for (const text of [...texts, last]) {
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
      const result = document.querySelector('[data-testid="result"]');
      while (!result.dataset.label) await new Promise((resolve) => setTimeout(resolve, 5));
      const calls = () => Number(document.querySelector('[data-testid="latency-count"]').textContent);
      const before = calls();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { label: result.dataset.label, later: calls() - before };
    },
    { texts: Array.from({ length: 50 }, (_, i) => `${HOURS.text} ${i}`), last: DELIGHT.text },
  );
  assert.deepEqual(shown, { label: DELIGHT.label, later: 0 });
  quiet(problems);
});

test("an old verdict is not shown for a new text", async (t) => {
  const { page, result } = await openReady(t);
  await result();
  const label = await page.evaluate((text) => {
    const input = document.querySelector('[data-testid="input"]');
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    return document.querySelector('[data-testid="result"]').dataset.label;
  }, HOURS.text);
  assert.equal(label, undefined);
  assert.equal((await result()).label, HOURS.label);
});

test("every example gives a verdict, a bar for each label and a latency with its parts", async (t) => {
  const { page, part, result, problems } = await openReady(t);
  const buttons = await part("examples").getByRole("button").all();
  assert.ok(buttons.length >= 6);
  for (const button of buttons) {
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    const { label, score } = await result();
    const shares = await part("bars")
      .locator(".bar")
      .evaluateAll((bars) => bars.map((bar) => Number(bar.style.getPropertyValue("--share"))));
    assert.equal(shares.length, 3);
    assert.ok(Math.abs(shares[0] + shares[1] + shares[2] - 1) < 1e-5);
    assert.equal(Math.max(...shares), score);
    const names = await part("bars").locator(".bar-label").allTextContents();
    assert.deepEqual(names, ["POSITIVE", "NEUTRAL", "NEGATIVE"], "bars keep their places");
    assert.match(label, /^(POSITIVE|NEUTRAL|NEGATIVE)$/);
  }
  for (const id of [
    "latency",
    "latency-tokenize",
    "latency-forward",
    "latency-rest",
    "latency-p50",
    "latency-p95",
  ]) {
    assert.match(await part(id).textContent(), /^(< )?\d+(\.\d)? ms$/, id);
  }
  assert.ok(Number(await part("latency-count").textContent()) >= buttons.length);
  assert.match(await part("backend").textContent(), /CPU, relaxed(-threads)? build, \d threads?/);
  assert.match(await part("fact-shape").textContent(), /6 layers × 384, 3 labels/);
  assert.match(await part("fact-weights").textContent(), /int4, \d\.\d MB/);
  await page.waitForFunction(() =>
    /^(POSITIVE|NEUTRAL|NEGATIVE), /.test(document.querySelector('[data-testid="announce"]').textContent),
  );
  quiet(problems);
});

test("an empty box is no error", async (t) => {
  const { page, part, result, verdict, problems } = await openReady(t);
  await result();
  for (const text of ["", "   \n\t ", "\u200b\u0007"]) {
    await part("input").fill(text);
    await page.waitForSelector('[data-testid="result"][data-state="idle"]');
    assert.equal(await part("error").isVisible(), false);
    assert.equal(await part("tokens").locator("li").count(), 0);
    assert.equal(await part("status").getAttribute("data-state"), "ready");
  }
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  await part("clear").click();
  assert.equal(await part("input").inputValue(), "");
  quiet(problems);
});

test("a text of a megabyte is cut like any other, and the next one works", async (t) => {
  const { page, part, verdict, problems } = await openReady(t);
  await page.evaluate(() => {
    const input = document.querySelector('[data-testid="input"]');
    input.value = "good ".repeat(200_000);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForSelector('[data-testid="result"][data-state="ready"]');
  assert.match(await part("truncated").textContent(), /first 512 tokens/);
  assert.equal(await part("error").isVisible(), false);
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  quiet(problems);
});

test("a text over 512 tokens says that it was cut", async (t) => {
  const { part, verdict } = await openReady(t);
  await verdict("A fine day. ".repeat(60));
  assert.equal(await part("truncated").isVisible(), false);
  await verdict("A fine day. ".repeat(200));
  assert.match(await part("truncated").textContent(), /first 512 tokens/);
  assert.equal(await part("tokens").locator("li").count(), 512);
});

test("the page's policy lets no code of others run", async (t) => {
  const { page, problems } = await openReady(t);
  quiet(problems);
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
  assert.match(policy, /^default-src 'none';/);
  assert.doesNotMatch(policy, /'unsafe-inline'|'unsafe-eval'|\*/);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.append("window.ran = true"); // Trusted Types would refuse script.text itself
    document.body.append(script);
    return window.ran ?? false;
  });
  assert.equal(ran, false);
});
