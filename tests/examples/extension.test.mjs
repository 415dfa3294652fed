import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { chromium } from "playwright-core";
import { readManifest } from "../../scripts/manifest.mjs";
import { extensionId, setUpConsumers, site, STRICT, TEXT } from "../packages/support.mjs";
import { layOut, shows } from "./support.mjs";

before(setUpConsumers);

/** Starts a Chromium with the extension in `folder`; resolves to a page, its errors, and all requests. */
async function withExtension(t, folder) {
  const profile = mkdtempSync(join(tmpdir(), "tabsense-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: false, // the flag below is the headless mode that supports extensions
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
  const faults = [];
  const requests = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  context.on("request", (request) => requests.push(request.url()));
  return { context, page, faults, requests };
}

test("extension: classifies what is typed, on threads, without a server", async (t) => {
  const { folder } = layOut("extension");
  const { content_security_policy: policy } = json(join(folder, "manifest.json"));
  assert.deepEqual(policy, { extension_pages: STRICT.replace("; style-src 'self'", "") });
  const { page, faults, requests } = await withExtension(t, folder);
  await page.goto(`chrome-extension://${extensionId(folder)}/popup.html`);
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  const [text, output] = [page.getByLabel("Text"), page.locator("output")];
  await shows(output, /^$/); // nothing is selected, and scripts can't run in Chrome's own pages
  await text.fill(TEXT);
  await shows(output, /^POSITIVE 0\.9\d\d$/);
  await text.fill("A waste of two hours.");
  await shows(output, /^NEGATIVE 0\.\d{3}$/);
  const processors = await page.evaluate(() => navigator.hardwareConcurrency);
  assert.equal(page.workers().length, Math.min(processors, 4)); // the classifier's, and one for each further thread
  assert.deepEqual(faults, []);
  assert.deepEqual(
    requests.filter((url) => !url.startsWith("chrome-extension:")),
    [],
  );
});

test("extension: classifies what is selected in the tab", async (t) => {
  const { folder } = layOut("extension");
  // A click on the extension's icon gives access to the tab. No test can click there, so this grants it beforehand.
  const manifest = json(join(folder, "manifest.json"));
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify({ ...manifest, host_permissions: ["http://localhost/*"] }),
  );
  const { context, page, faults } = await withExtension(t, folder);
  const { url } = await site(t, { "/": join(import.meta.dirname, "selection") });
  const article = await context.newPage();
  await article.goto(url);
  await article.bringToFront();
  await article.evaluate(() => getSelection().selectAllChildren(document.querySelector("p")));
  await page.goto(`chrome-extension://${extensionId(folder)}/popup.html`);
  await shows(page.locator("output"), /^POSITIVE 0\.9\d\d$/);
  assert.equal(await page.getByLabel("Text").inputValue(), TEXT);
  assert.deepEqual(faults, []);
});

function json(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
