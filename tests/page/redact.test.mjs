// The Redact tab: personal data is marked with its source, masked, and restored in an answer.

import assert from "node:assert/strict";
import test from "node:test";
import { quiet } from "./harness.mjs";
import { openTab, TAGGER } from "./labs.mjs";

const MAIL = "Write to ana@example.org, or to Ana, by Monday. The account is DE89 3704 0044 0532 0130 00.";

async function openLoaded(t, options) {
  const opened = await openTab(t, "redact", options);
  await opened.load();
  const { page, part } = opened;
  /** Waits until the masked text matches. */
  const masked = (pattern) => opened.waitForText("redact-masked", pattern);
  await page.waitForSelector('[data-testid="redact-masked"][data-state="ready"]');
  return {
    ...opened,
    masked,
    async write(text) {
      await part("redact-input").fill(text);
    },
    entities: () =>
      part("redact-entities")
        .locator("button")
        .evaluateAll((all) => all.map((button) => [...button.children].map((cell) => cell.textContent))),
  };
}

/** Opens the tab with the random model's labels turned off, so that only patterns find data. */
async function openPatterns(t, options) {
  const opened = await openLoaded(t, options);
  await opened.part("redact-options").locator("summary").click();
  for (const label of ["GIVEN_NAME", "CITY"])
    await opened.part("redact-kinds").locator(`input[value="${label}"]`).uncheck();
  await opened.write(MAIL);
  // The page's own example also has an email address and an IBAN, so this waits for the answer to this text.
  await opened.masked(/^Write to \[EMAIL_1\], or to Ana, .+ \[IBAN_1\]\.$/);
  return opened;
}

test("the real tagger masks names, places and numbers, and patterns the rest", {
  skip: TAGGER.skip,
}, async (t) => {
  const { part, masked, entities, problems } = await openLoaded(t, { models: { tagger: TAGGER.folder } });
  await masked(/\[GIVEN_NAME_1\] \[SURNAME_1\].+\[CITY_1\].+\[PHONE_1\].+\[EMAIL_1\].+\[IBAN_1\]/);
  const found = await entities();
  for (const wanted of [
    ["given name", "Ana"],
    ["phone", "(503) 555-0147"],
    ["email", "ana.ruiz@example.org"],
    ["IBAN", "DE89 3704 0044 0532 0130 00"],
  ])
    assert.ok(
      found.some((one) => one.join() === wanted.join()),
      `${wanted} in ${JSON.stringify(found)}`,
    );
  assert.equal(
    await part("redact-restored").textContent(),
    "Dear Ana, the transfer to DE89 3704 0044 0532 0130 00 went through. We will call (503) 555-0147 on Monday.",
  );
  await part("redact-entities")
    .getByRole("button", { name: /^Ana is a given name/ })
    .hover();
  assert.match(
    await part("redact-detail").textContent(),
    /^Ana is a given name, found by the model, .+ %; masked as \[GIVEN_NAME_1\]$/,
  );
  quiet(problems);
});

test("entities are marked in the text, in the masked text and in a list that names their source", async (t) => {
  const { page, part, entities, problems } = await openPatterns(t);
  assert.deepEqual(await entities(), [
    ["email", "ana@example.org"],
    ["IBAN", "DE89 3704 0044 0532 0130 00"],
  ]);
  const marks = (id) => part(id).locator("mark").allTextContents();
  assert.deepEqual(await marks("redact-mirror"), ["ana@example.org", "DE89 3704 0044 0532 0130 00"]);
  assert.deepEqual(await marks("redact-masked"), ["[EMAIL_1]", "[IBAN_1]"]);
  const styles = await part("redact-masked")
    .locator("mark")
    .evaluateAll((all) => all.map((mark) => getComputedStyle(mark).textDecorationStyle));
  assert.equal(new Set(styles).size, 2, "kinds differ by their line, not by colour alone");
  const [text, mirror] = await Promise.all(
    ["redact-input", "redact-mirror"].map((id) => part(id).boundingBox()),
  );
  assert.deepEqual(text, mirror, "marks lie exactly behind their words");

  await part("redact-entities").getByRole("button").first().focus();
  assert.equal(
    await part("redact-detail").textContent(),
    "ana@example.org is an email, found by the pattern email; masked as [EMAIL_1]",
  );
  await page.keyboard.press("End");
  assert.match(await part("redact-detail").textContent(), /found by the pattern iban/);
  assert.deepEqual(await part("redact-mirror").locator("mark.now").allTextContents(), [
    "DE89 3704 0044 0532 0130 00",
  ]);
  await page.keyboard.press("ArrowLeft");
  assert.deepEqual(await part("redact-masked").locator("mark.now").allTextContents(), ["[EMAIL_1]"]);
  await part("redact-masked").locator("mark").last().hover();
  assert.match(await part("redact-detail").textContent(), /found by the pattern iban/);
  quiet(problems);
});

test("labels and patterns are switched off and on", async (t) => {
  const { part, masked, problems } = await openPatterns(t);
  const kind = (label) => part("redact-kinds").locator(`input[value="${label}"]`);
  await kind("IBAN").uncheck();
  await masked(/\[EMAIL_1\].+DE89/);
  assert.match(
    await part("redact-options-words").textContent(),
    /^What is masked: 4 of 7 labels, with patterns$/,
  );
  assert.match(
    await part("redact-code-text").textContent(),
    /labels: \["EMAIL","CARD","IP","URL"\], patterns: true/,
  );
  await part("redact-patterns").uncheck();
  await masked(/ana@example\.org.+DE89/);
  assert.equal(await kind("IBAN").isDisabled(), true, "nothing finds it without patterns");
  await part("redact-patterns").check();
  await kind("IBAN").check();
  await masked(/\[EMAIL_1\].+\[IBAN_1\]/);
  quiet(problems);
});

test("the values come back into an edited answer, and markup stays text", async (t) => {
  const { part, waitForText, problems } = await openPatterns(t);
  await part("redact-answer").fill("<b>[EMAIL_1]</b> and again [EMAIL_1], not [EMAIL_2]");
  await waitForText(
    "redact-restored",
    /^<b>ana@example\.org<\/b> and again ana@example\.org, not \[EMAIL_2\]$/,
  );
  assert.deepEqual(await part("redact-restored").locator("mark").allTextContents(), [
    "ana@example.org",
    "ana@example.org",
  ]);
  assert.equal(await part("redact-missing").textContent(), "1 placeholder put back");
  await part("redact-answer").fill("Nothing to put back");
  await waitForText("redact-missing", /^0 placeholders put back$/);
  quiet(problems);
});

test("the masked text is copied", async (t) => {
  const { page, part, problems } = await openPatterns(t);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await part("redact-copy").click();
  await page.waitForFunction(
    () => document.querySelector('[data-testid="redact-copy"]').textContent === "Copied",
  );
  assert.equal(
    await page.evaluate(() => navigator.clipboard.readText()),
    await part("redact-masked").textContent(),
  );
  quiet(problems);
});

test("an empty text, and one in which nothing is found", async (t) => {
  const { page, part, write, waitForText, masked, problems } = await openPatterns(t);
  await write("Nothing here");
  await masked(/^Nothing here$/);
  await page.waitForSelector('[data-testid="redact-entities"][data-state="none"]');
  await waitForText("redact-counts", /found by patterns0/);
  await write("");
  await page.waitForSelector('[data-testid="redact-masked"][data-state="idle"]');
  assert.equal(await part("redact-masked").textContent(), "Waiting for a text");
  assert.equal(await part("redact-copy").isDisabled(), true);
  quiet(problems);
});

test("says what it can't promise, with a link to the page that says more", async (t) => {
  const { page, part, server } = await openTab(t, "redact");
  const words = await page.getByTestId("panel-redact").textContent();
  assert.match(
    words.replace(/\s+/g, " "),
    /No model finds everything: what it misses stays in the text, so read it before you send it/,
  );
  const answer = await fetch(new URL(await part("redact-promise").getAttribute("href"), server.url));
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^text\/plain/);
  assert.match(await answer.text(), /## Not promised[\s\S]+That masking finds everything/);
});
