import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setUpConsumers, startBrowser } from "../packages/support.mjs";
import { assertAccessible, layOut, openExample, shows, start } from "./support.mjs";

let browser;
before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});
after(() => browser?.close());

test("redact: shows what will be sent, sends that, and restores the answer", async (t) => {
  const { page } = await openExample(t, browser, await start(t, layOut("redact")));
  const message = page.getByLabel("Message");
  const preview = page.locator("output");
  const send = page.getByRole("button", { name: "Send" });
  await shows(preview, "I'm [GIVEN_NAME_1] [SURNAME_1], write to [EMAIL_1].");

  // Typed text can't be sent before it is masked.
  const sendable = await message.evaluate((textarea) => {
    textarea.value = "Ring Bo Chen at +1 303 555 0198";
    textarea.dispatchEvent(new Event("input"));
    return !document.querySelector("button").disabled;
  });
  assert.equal(sendable, false);
  await shows(preview, /^Ring \[GIVEN_NAME_1\] \[SURNAME_1\] at \[PHONE_1\]$/);
  await send.click();
  const log = page.getByRole("log");
  await shows(log, "Answer");
  assert.deepEqual((await log.textContent()).trim().split("\n"), [
    "You: Ring Bo Chen at +1 303 555 0198",
    "Sent: Ring [GIVEN_NAME_1] [SURNAME_1] at [PHONE_1]",
    "Answer: I noted this: Ring Bo Chen at +1 303 555 0198",
  ]);
  // Nothing is left to send, and the next message can be typed at once.
  assert.equal(await message.evaluate((textarea) => textarea === document.activeElement), true);
  await shows(preview, /^$/);
  assert.equal(await send.isDisabled(), true);
  await assertAccessible(page);
});
