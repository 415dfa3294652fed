// Teach, Redact and Zero-shot for users: keyboard, accessible names, narrow screens, contrast, motion.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import {
  accessibilityFaults,
  duplicatesIn,
  unnamedIn,
  open,
  overflow,
  quiet,
  ROOT,
  site,
} from "./harness.mjs";
import { IDS, openTab } from "./labs.mjs";
import { load } from "./modules.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const LONG = "Averyveryverylongwordwithoutanyspaces".repeat(12);
const TABS = Object.keys(IDS);

/** Opens a tab, loads its model and waits for its results. */
async function openWorking(t, tab, options) {
  const opened = await openTab(t, tab, options);
  await opened.load();
  await opened.page.waitForSelector(
    tab === "redact"
      ? '[data-testid="redact-masked"][data-state="ready"]'
      : `[data-testid="${IDS[tab]}-result"][data-label]`,
  );
  if (tab === "teach") await opened.page.waitForSelector('[data-testid="teach-status"][data-state="ready"]');
  return opened;
}

for (const tab of TABS) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing in ${tab}, ${colorScheme}`, async (t) => {
      const { page, load: start, gate, problems } = await openTab(t, tab, { colorScheme });
      assert.deepEqual(await accessibilityFaults(page), [], "before the model is there");
      await start();
      await gate("ready");
      await page.waitForTimeout(1_500); // for transitions and training
      for (const fold of await page.locator("details.fold:visible > summary").all()) await fold.click();
      assert.deepEqual(await accessibilityFaults(page), []);
      quiet(problems);
    });
  }

  for (const width of [320, 360, 768]) {
    test(`${tab} does not scroll sideways at a width of ${width}`, async (t) => {
      const { page, part, problems } = await openWorking(t, tab, {
        ...PHONE,
        viewport: { width, height: 740 },
      });
      for (const fold of await page.locator("details.fold:visible > summary").all()) await fold.click();
      assert.equal(await overflow(page), 0);
      await part(`${IDS[tab]}-input`).fill(`${LONG} ${LONG}@example.org`);
      if (tab !== "redact") {
        await part(`${IDS[tab]}-labels-field`).fill(LONG.slice(0, 150));
        await part(`${IDS[tab]}-labels-add`).click();
      }
      await page.waitForTimeout(500);
      assert.equal(await overflow(page), 0, "with long words");
      quiet(problems);
    });
  }

  test(`every control in ${tab} has a name and shows its focus`, async (t) => {
    const { page } = await openWorking(t, tab);
    const operated = page.locator(
      `#panel-${tab} :is(button, input, textarea, select, summary, [role]):visible`,
    );
    assert.deepEqual(await unnamedIn(operated), []);
    assert.deepEqual(await duplicatesIn(page), []);
    await page.getByTestId(`tab-${tab}`).focus();
    for (let step = 0; step < 30; step += 1) {
      await page.keyboard.press("Tab");
      const hidden = await page.evaluate(() => {
        const held = document.activeElement;
        if (held === document.body || held.checkVisibility() === false) return "";
        const shown = [held, held.closest(".paper, .pick, label") ?? held].some((element) => {
          const { outlineStyle, boxShadow } = getComputedStyle(element);
          return outlineStyle !== "none" || boxShadow !== "none";
        });
        return shown ? "" : held.outerHTML;
      });
      assert.equal(hidden, "");
    }
  });

  test(`nothing moves in ${tab} with reduced motion`, async (t) => {
    const { page } = await openWorking(t, tab, { reducedMotion: "reduce" });
    const moving = await page.locator("body *").evaluateAll((elements) =>
      elements
        .filter((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element);
          return element.isConnected && (transitionDuration !== "0s" || animationName !== "none");
        })
        .map((element) => element.outerHTML),
    );
    assert.deepEqual(moving, []);
  });
}

for (const width of [1280, 1000, 768]) {
  test(`the page's head keeps its height while a model loads, at a width of ${width}`, async (t) => {
    const server = await site(t);
    const release = server.hold("/models/sentiment-en/model.safetensors");
    const { page, status } = await open(t, server.url, { viewport: { width, height: 800 } });
    await page.waitForFunction(() =>
      document.querySelector('[data-testid="detail"]').textContent.startsWith("weights"),
    );
    const height = () => page.locator(".top").evaluate((head) => head.getBoundingClientRect().height);
    const loading = await height();
    release();
    await status("ready");
    assert.equal(await height(), loading);
  });
}

test("the sizes that the tabs show are those of the files", async (t) => {
  const { ENCODER, TAGGER } = await load("own-models.ts");
  for (const { name, bytes, file } of [ENCODER, TAGGER]) {
    const size = statSync(join(ROOT, "models", name, file), { throwIfNoEntry: false })?.size;
    if (size === undefined) t.diagnostic(`${name} is not here: npm run demo fetches it`);
    else assert.equal(bytes, size, name);
  }
});
