// The page under its own Content-Security-Policy with Trusted Types: all of it works, with two policies, and
// no content without a policy reaches a place where it could run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DELIGHT, open, quiet, site } from "./harness.mjs";

/** Records the policy's violations. */
function watch() {
  globalThis.violations = [];
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    globalThis.violations.push(`${violatedDirective}: ${blockedURI}`),
  );
}

test("each tab opens under Trusted Types, and what is no policy's is refused", async (t) => {
  const server = await site(t);
  const { page, status, verdict, problems } = await open(t, server.url, { initScript: watch, offline: true });
  await status("ready");
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  for (const tab of await page.locator('[role="tab"]').all()) {
    await tab.click();
    const panel = page.locator(`#${await tab.getAttribute("aria-controls")}`);
    await panel.locator("> :not([hidden])").first().waitFor();
  }
  // A policy allows the service worker's address, too.
  await page.waitForFunction(async () => (await navigator.serviceWorker.getRegistration("./"))?.active);
  assert.deepEqual(await page.evaluate(() => violations), []);
  quiet(problems);

  const refused = await page.evaluate(() => {
    const sinks = {
      innerHTML: () => (document.createElement("p").innerHTML = "<b>"),
      insertAdjacentHTML: () => document.body.insertAdjacentHTML("beforeend", "<b>"),
      srcdoc: () => (document.createElement("iframe").srcdoc = "<b>"),
      script: () => (document.createElement("script").src = "./sw.js"),
      worker: () => new Worker("./sw.js"),
      markup: () => new DOMParser().parseFromString("<b>", "text/html"),
      "another policy": () => trustedTypes.createPolicy("mine", {}),
      "the page's policy again": () => trustedTypes.createPolicy("tabsense-page", {}),
      "the package's policy again": () => trustedTypes.createPolicy("tabsense", {}),
    };
    return Object.entries(sinks).flatMap(([name, sink]) => {
      try {
        sink();
        return [];
      } catch (error) {
        return error instanceof TypeError ? [name] : [];
      }
    });
  });
  assert.equal(refused.length, 9, refused.join());
});

test("what a person types or opens is text, whatever it looks like", async (t) => {
  const server = await site(t);
  const { page, part, status, problems } = await open(t, server.url, { initScript: watch });
  await status("ready");
  const markup = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>';
  await part("input").fill(`${DELIGHT.text} ${markup}`);
  await page.waitForSelector('[data-testid="result"][data-label]');
  await part("tab-file").click();
  await part("file-input").setInputFiles({
    name: `${markup.replaceAll("/", "")}.csv`,
    mimeType: "text/csv",
    buffer: Buffer.from(
      `text,"${markup.replaceAll('"', '""')}"\n"${markup.replaceAll('"', '""')}",${"=1+1"}\n`,
    ),
  });
  await page.waitForFunction((text) => document.body.textContent.includes(text), "<script>window.ran=1");
  assert.equal(await page.locator("img[src=x], body script:not([src])").count(), 0);
  assert.equal(await page.evaluate(() => window.ran ?? 0), 0);
  assert.deepEqual(await page.evaluate(() => violations), []);
  quiet(problems);
});
