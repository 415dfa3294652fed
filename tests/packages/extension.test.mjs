// A page of a Chrome extension (manifest 3), under the strictest policy that extensions may have.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { extensionId, HERE, runIn, setUpConsumers, STRICT, VERDICT } from "./support.mjs";

before(setUpConsumers);

test("extension: its page classifies", async (t) => {
  const folder = join(HERE, "extension");
  const { content_security_policy: policy } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  assert.deepEqual(policy, { extension_pages: `${STRICT}; img-src data:` }); // the page's icon is a data: URL
  await runIn("extension", ["build.js"]);
  const profile = mkdtempSync(join(tmpdir(), "tabsense-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: false, // the flag below is the headless mode that has extensions
    args: [
      ...readManifest().tests["chromium-args"].filter((arg) => !arg.startsWith("--headless")),
      "--headless=new",
      `--disable-extensions-except=${folder}`,
      `--load-extension=${folder}`,
      "--disable-features=DisableLoadExtensionCommandLineSwitch",
    ],
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const faults = [];
  const fetched = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  context.on("request", (request) => fetched.push(request.url()));
  await page.goto(`chrome-extension://${extensionId(folder)}/index.html`);
  await page
    .waitForFunction(() => document.querySelector("output").textContent, null, { timeout: 60_000 })
    .catch(() => assert.fail(`there is no verdict: ${faults.join("\n")}`));
  assert.match(await page.locator("output").textContent(), VERDICT);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    fetched.filter((url) => !url.startsWith("chrome-extension:") && !url.startsWith("data:")),
    [],
  );
  assert.equal(page.workers().length, 1);
});
