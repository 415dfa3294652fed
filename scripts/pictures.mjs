// `npm run pictures`: takes docs/images/demo.png and demo-phone.png of the built page. With `--all FOLDER` it takes each
// state of the first tab instead, on a desktop and on a phone, light and dark, to look at.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { setUpBrowser } from "./browser.mjs";
import { buildPage } from "./build.mjs";
import { main, ROOT } from "./run.mjs";
import { servePage } from "./serve.mjs";

const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** The first visit: the model's weights never arrive, so the word list answers. */
async function firstVisit({ page }) {
  await page.route("**/model.safetensors", () => {});
  await page.reload();
  await page.waitForSelector('[data-testid="result"][data-state="guess"]');
  await page.waitForTimeout(1_000);
}

async function verdict({ page }) {
  await page.waitForSelector('[data-testid="offline"][data-state="ready"]');
  // A few calls, so that the times are those of a session.
  for (const button of await page.getByTestId("examples").getByRole("button").all()) {
    if (await button.isVisible()) await button.click();
    await page.waitForSelector('[data-testid="result"][data-label]');
  }
  await page.getByRole("button", { name: "Praise" }).click();
  await page.waitForSelector('[data-testid="result"][data-label]');
  await page.evaluate(() => document.activeElement.blur());
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500); // the bars grow
}

async function unfolded(opened) {
  await verdict(opened);
  for (const fold of await opened.page.locator("details[data-fold]").all())
    await fold.evaluate((details) => (details.open = true));
}

const STATES = { "first-visit": firstVisit, verdict, unfolded };

await main(import.meta.url, async (args) => {
  const { values } = parseArgs({ args, options: { all: { type: "string" } } });
  const { chromium: executablePath } = await setUpBrowser();
  await buildPage();
  const site = await servePage({ isolated: true });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const take = async (path, options, state) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(site.url);
    await state({ page });
    await page.screenshot({ path, fullPage: true });
    await context.close();
    console.log(path);
  };
  try {
    if (values.all === undefined) {
      await take(join(ROOT, "docs/images/demo.png"), DESKTOP, verdict);
      await take(join(ROOT, "docs/images/demo-phone.png"), PHONE, verdict);
      return;
    }
    const folder = resolve(values.all);
    mkdirSync(folder, { recursive: true });
    for (const colorScheme of ["light", "dark"])
      for (const [size, options] of Object.entries({ desktop: DESKTOP, phone: PHONE }))
        for (const [name, state] of Object.entries(STATES))
          await take(join(folder, `${size}-${colorScheme}-${name}.png`), { ...options, colorScheme }, state);
  } finally {
    await browser.close();
    await site.close();
  }
});
