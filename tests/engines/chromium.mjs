// Chromium, by Playwright.

import { startBrowser } from "../package/support.mjs";

/** Starts the engine; harness.mjs describes the result. */
export async function start() {
  const browser = await startBrowser();
  return {
    version: browser.version(),

    async newTab() {
      const context = await browser.newContext();
      const page = await context.newPage();
      const problems = [];
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) problems.push(message.text());
      });
      return {
        goto: async (url) => void (await page.goto(url)),
        evaluate: (expression) => page.evaluate(expression),
        problems: () => problems,
        close: () => context.close(),
      };
    },

    close: () => browser.close(),
  };
}
