// `npm run bench:first-visit`: measures a first visit on a slow phone, in Chromium: the processor slowed down
// by a factor of four, 1.6 Mbit/s and 150 ms per round trip, as in Lighthouse. It types as soon as the box
// exists and reports how long the first answer takes, which comes from the word list.

import { chromium } from "playwright-core";
import { setUpBrowser } from "./browser.mjs";
import { buildPage } from "./build.mjs";
import { main } from "./run.mjs";
import { servePage } from "./serve.mjs";

const NETWORK = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 };
const SLOWER = 4;
const RUNS = 5;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const TEXT = "What a lovely surprise!";

/** Runs in the page, before its code: notes when an answer to `text` is shown. */
function watch(text) {
  const times = (window.times = {});
  const note = (name) => void (times[name] ??= performance.now());
  const look = () => {
    const input = document.querySelector('[data-testid="input"]');
    const result = document.querySelector('[data-testid="result"]');
    if (input?.value === text && ["guess", "ready"].includes(result?.dataset.state))
      note(result.dataset.state);
    requestAnimationFrame(look);
  };
  look();
}

async function visit(browser, url) {
  const context = await browser.newContext({ ...PHONE, serviceWorkers: "block" });
  const page = await context.newPage();
  await page.addInitScript(watch, TEXT);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", NETWORK);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  await page.goto(url, { waitUntil: "commit" });
  const box = page.getByTestId("input");
  await box.waitFor();
  await box.fill("");
  const typed = await page.evaluate(() => performance.now());
  await box.pressSequentially(TEXT);
  await page.waitForFunction(() => window.times.guess ?? window.times.ready);
  const { guess, ready } = await page.evaluate(() => window.times);
  await context.close();
  return { box: typed, answer: (guess ?? ready) - typed, sinceOpened: guess ?? ready };
}

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

await main(import.meta.url, async () => {
  const { chromium: executablePath } = await setUpBrowser();
  await buildPage();
  const site = await servePage({ isolated: true, compressed: true });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const visits = [];
    for (let run = 0; run < RUNS; run += 1) visits.push(await visit(browser, site.url));
    for (const [name, key] of [
      ["from the address to the first key", "box"],
      ["from the first key to the first answer on the whole text", "answer"],
      ["from the address to that answer", "sinceOpened"],
    ]) {
      const all = visits.map((one) => one[key]);
      const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
      console.log(
        `${name}: ${seconds(middle(all))} (${seconds(Math.min(...all))} to ${seconds(Math.max(...all))})`,
      );
    }
  } finally {
    await browser.close();
    await site.close();
  }
});
