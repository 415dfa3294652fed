// The demo page in three engines: it loads, classifies, shows each of its tabs, and reopens without a server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inEachEngine } from "./harness.mjs";
import { serveDemo } from "./site.mjs";

/** The engines' messages for a server that is gone. */
const UNREACHABLE =
  /ERR_CONNECTION_REFUSED|ERR_FAILED|Failed to fetch|Could not connect|due to access control|Load failed/i;

/** Runs in the page: waits until an element matches a selector. */
async function wait(selector) {
  const limit = Date.now() + 60_000;
  while (!document.querySelector(selector)) {
    if (Date.now() > limit) {
      const part = document.querySelector('[data-testid="status"]');
      throw new Error(`there is no ${selector}; the model is ${part?.dataset.state}: ${part?.textContent}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs in the page: enters a text and waits for its verdict. */
async function verdict(text) {
  const input = document.querySelector('[data-testid="input"]');
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const result = document.querySelector('[data-testid="result"]');
  while (!result.dataset.label) await new Promise((resolve) => setTimeout(resolve, 20));
  return result.dataset.label;
}

const part = (name, state = "") => `[data-testid="${name}"]${state}`;

inEachEngine(({ open }) => {
  test("the page classifies typed text and examples, and each tab opens", async (t) => {
    const { url } = await serveDemo(t, { watched: true });
    const page = await open(t, url);
    await page.run(wait, part("status", '[data-state="ready"]'));
    assert.equal(await page.run(verdict, "A delight from start to finish."), "POSITIVE");
    assert.equal(await page.run(verdict, "A waste of two hours."), "NEGATIVE");
    const examples = await page.run(async () => {
      const result = document.querySelector('[data-testid="result"]');
      const labels = [];
      for (const button of document.querySelectorAll('[data-testid="examples"] button')) {
        button.click();
        while (!result.dataset.label) await new Promise((resolve) => setTimeout(resolve, 20));
        labels.push(result.dataset.label);
      }
      return labels;
    });
    assert.ok(examples.length >= 6 && examples.every((label) => /^(POSITIVE|NEUTRAL|NEGATIVE)$/.test(label)));
    const tabs = await page.run(async () => {
      const shown = [];
      for (const tab of document.querySelectorAll('[role="tab"]')) {
        tab.click();
        const panels = [...document.querySelectorAll('[role="tabpanel"]')].filter(({ hidden }) => !hidden);
        // The code of the other tabs is fetched when they are chosen.
        const isVisible = () =>
          !panels[0].querySelector(".tab-wait:not([hidden])") && panels[0].offsetHeight > 100;
        for (let i = 0; i < 500 && !isVisible(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
        shown.push([tab.dataset.tab, panels.map(({ id }) => id).join(), isVisible()]);
      }
      return shown;
    });
    assert.deepEqual(
      tabs,
      ["classify", "teach", "redact", "zero-shot", "file", "benchmark"].map((name) => [
        name,
        `panel-${name}`,
        true,
      ]),
    );
    await page.run(wait, part("status", '[data-state="ready"]'));
    assert.equal(await page.run(() => document.querySelector('[data-testid="error"]').hidden), true);
  });

  test("once it is stored, the page opens and classifies without a server", async (t) => {
    const server = await serveDemo(t, { watched: false });
    const page = await open(t, server.url, UNREACHABLE);
    if (!(await page.run(() => "serviceWorker" in navigator && typeof caches === "object")))
      return t.skip("this engine has no service workers here");
    await page.run(wait, part("offline", '[data-state="ready"]'));
    await server.close();
    await page.goto(server.url);
    await page.run(wait, part("status", '[data-state="ready"]'));
    assert.equal(await page.run(verdict, "A delight from start to finish."), "POSITIVE");
  });
});
