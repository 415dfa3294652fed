import { after, before, test } from "node:test";
import { setUpConsumers, startBrowser } from "../packages/support.mjs";
import { assertAccessible, layOut, openExample, shows, start } from "./support.mjs";

let browser;
before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});
after(() => browser?.close());

test("minimal: classifies a text when the form is sent", async (t) => {
  const { page } = await openExample(t, browser, await start(t, layOut("minimal")));
  const output = page.locator("output");
  await page.getByRole("button", { name: "Classify" }).click();
  await shows(output, /^POSITIVE 0\.\d{3}$/);
  await page.getByLabel("Text").fill("A waste of two hours.");
  await page.keyboard.press("Enter");
  await shows(output, /^NEGATIVE 0\.\d{3}$/);
  await page.getByLabel("Text").fill("");
  await page.keyboard.press("Enter");
  await shows(output, /^$/);
  await assertAccessible(page);
});
