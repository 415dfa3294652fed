import { after, before, test } from "node:test";
import { setUpConsumers, startBrowser } from "../packages/support.mjs";
import { assertAccessible, layOut, openExample, shows, start } from "./support.mjs";

let browser;
before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});
after(() => browser?.close());

test("teach: learns a new label, and still knows it after the page was reloaded", async (t) => {
  const { page } = await openExample(t, browser, await start(t, layOut("teach")));
  const status = page.getByRole("status");
  const items = page.getByRole("list", { name: "Examples" }).getByRole("listitem");
  const classify = page.getByRole("button", { name: "Classify" });
  await shows(status, /^Ready\.$/);

  await page.getByRole("button", { name: "Teach" }).click();
  await shows(status, /^Learned from \d+ examples\.$/);
  await shows(items.last(), "Where is my parcel? → delivery");
  await classify.click();
  await shows(status, /^delivery 0\.\d\d$/);

  await page.getByRole("textbox", { name: "Label" }).fill("billing");
  await page.getByRole("button", { name: "Teach" }).click();
  await shows(status, "Where is my parcel?"); // the error says which text has two labels
  await page.reload();
  await shows(status, /^Ready\.$/);
  await shows(items.last(), "Where is my parcel? → delivery");
  await classify.click();
  await shows(status, /^delivery 0\.\d\d$/);
  await assertAccessible(page);
});
