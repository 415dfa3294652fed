// The Zero-shot tab: a text, labels as chips, and the scores of the labels.

import assert from "node:assert/strict";
import test from "node:test";
import { quiet } from "./harness.mjs";
import { assertLabels, ENCODER, openTab } from "./labs.mjs";

const LABELS = ["travel", "cooking", "sport", "money", "health"];

async function openLoaded(t, options) {
  const opened = await openTab(t, "zero-shot", options);
  await opened.load();
  await opened.page.waitForSelector('[data-testid="zero-result"][data-label]');
  const shares = () =>
    opened
      .part("zero-bars")
      .locator(".bar")
      .evaluateAll((bars) => bars.map((bar) => Number(bar.style.getPropertyValue("--share"))));
  return { ...opened, shares };
}

test("the real encoder classifies texts using only labels", { skip: ENCODER.skip }, async (t) => {
  const { page, part, problems } = await openLoaded(t, { models: { encoder: ENCODER.folder } });
  for (const [text, label] of [
    ["We booked a flight and a hotel for the holidays.", "travel"],
    ["Fry the onions until they are golden.", "cooking"],
    ["The football team won the match.", "sport"],
    ["My bank raised the interest on the loan.", "money"],
  ]) {
    await part("zero-input").fill(text);
    await page.waitForSelector(`[data-testid="zero-result"][data-label="${label}"]`);
  }
  quiet(problems);
});

test("shares add up to one, or with several labels each stands for itself", async (t) => {
  const { page, part, shares, problems } = await openLoaded(t);
  const total = async () => (await shares()).reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs((await total()) - 1) < 1e-6);
  await part("zero-options").locator("summary").click();
  await part("zero-multi").check();
  await page.waitForFunction(() => {
    const bars = [...document.querySelectorAll('[data-testid="zero-bars"] .bar')];
    return (
      Math.abs(bars.reduce((sum, bar) => sum + Number(bar.style.getPropertyValue("--share")), 0) - 1) > 0.01
    );
  });
  assert.match(await part("zero-code-text").textContent(), /multiLabel: true/);
  quiet(problems);
});

test("labels are chips: added, removed, and asked for at once", async (t) => {
  const { page, part, waitForText, focused, problems } = await openLoaded(t);
  const list = part("zero-labels-list");
  await part("zero-labels-field").fill("weather, pets");
  await page.keyboard.press("Enter");
  await assertLabels(list, [...LABELS, "weather", "pets"]);
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="zero-bars"] .bar').length === 7);
  await list.getByRole("button", { name: "Remove weather" }).click();
  await assertLabels(list, [...LABELS, "pets"]);
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Home");
  for (let left = 5; left > 0; left -= 1) await page.keyboard.press("Delete");
  await assertLabels(list, []);
  assert.equal(await focused(), "zero-labels-field");
  await waitForText("zero-verdict", /^No label yet$/);
  await page.keyboard.type("alone");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[data-testid="zero-result"][data-label="alone"]');
  quiet(problems);
});

test("a template without a place for the label is refused, and mended", async (t) => {
  const { page, part, waitForText, problems } = await openLoaded(t);
  await part("zero-options").locator("summary").click();
  await part("zero-template").fill("It is about");
  await waitForText("zero-error-message", /\{\}/);
  await part("zero-template").fill("It is about {}.");
  await page.waitForSelector('[data-testid="zero-result"][data-label]');
  assert.equal(await part("zero-error").isVisible(), false);
  assert.match(await part("zero-code-text").textContent(), /template: "It is about \{\}\."/);
  await part("zero-template").fill("");
  await page.waitForSelector('[data-testid="zero-result"][data-label]');
  await part("zero-input").fill("");
  await waitForText("zero-verdict", /^Waiting for a text$/);
  quiet(problems);
});

test("says that it tells by similarity, and what an NLI model would do", async (t) => {
  const { page } = await openLoaded(t);
  const words = await page.getByTestId("panel-zero-shot").textContent();
  assert.match(words, /By similarity/);
  assert.match(words, /natural language inference \(NLI\)/);
});
