// The File tab: the keyboard, widths, contrast and names.

import assert from "node:assert/strict";
import test from "node:test";
import { openFile, REVIEWS } from "./file-tab.mjs";
import { accessibilityFaults, overflow, quiet } from "./harness.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

test("works with the keyboard alone", async (t) => {
  const { page, part, state, rows, drawn, problems } = await openFile(t);
  await part("tab-file").focus();
  const held = () =>
    page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName);
  const outlined = () =>
    page.evaluate(() =>
      [document.activeElement, document.activeElement.closest(".pick")].some(
        (element) => element && getComputedStyle(element).outlineStyle !== "none",
      ),
    );
  for (const id of ["file-input", "file-sample"]) {
    await page.keyboard.press("Tab");
    assert.equal(await held(), id);
    assert.ok(await outlined(), `the focus shows on ${id}`);
  }
  await page.keyboard.press("Enter");
  await state("chosen");
  assert.equal(await held(), "file-run", "the next thing to do has the focus");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await held(), "file-named");
  await page.keyboard.press("Space");
  await part("file-facts").getByText("361 rows").waitFor();
  assert.equal(await held(), "file-named", "reading a file again gives the focus back");
  await page.keyboard.press("Space");
  await part("file-facts").getByText("360 rows").waitFor();
  await part("tab-file").focus();
  for (const id of ["file-close", "file-column", "file-named", "file-run", "file-preview"]) {
    await page.keyboard.press("Tab");
    assert.equal(await held(), id);
    assert.ok(await outlined(), `the focus shows on ${id}`);
  }
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await state("done");
  assert.equal(
    await page.evaluate(() => document.activeElement.closest("[data-testid]").dataset.testid),
    "file-labels",
    "after the run it is with the verdicts",
  );
  await page.keyboard.press("Enter");
  await drawn();
  assert.equal(new Set((await rows()).map(({ label }) => label)).size, 1);
  await part("file-grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await drawn();
  const second = (await rows())[1];
  assert.equal(await part("file-row").textContent(), `Row ${second.row}: ${second.text}`);
  const active = await part("file-grid").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("Home");
  await drawn();
  assert.match(await part("file-row").textContent(), new RegExp(`^Row ${(await rows())[0].row}: `));
  quiet(problems);
});

for (const width of [320, 360, 768]) {
  test(`does not scroll sideways at a width of ${width}`, async (t) => {
    const { page, part, choose, state, problems } = await openFile(t, {
      ...PHONE,
      viewport: { width, height: 740 },
    });
    assert.equal(await overflow(page), 0, "empty");
    await choose(`${"a-very-long-name".repeat(10)}.csv`, "");
    await state("error");
    assert.equal(await overflow(page), 0, "an error");
    await part("file-sample").click();
    await state("chosen");
    assert.equal(await overflow(page), 0, "chosen");
    await part("file-run").click();
    await state("done");
    assert.equal(await overflow(page), 0, "done");
    if (width === 768) return quiet(problems); // not a phone
    const small = await page
      .locator("#panel-file button:visible, #panel-file select:visible")
      .evaluateAll((elements) =>
        elements
          .filter((element) => element.getBoundingClientRect().height < 28)
          .map((element) => element.outerHTML),
      );
    assert.deepEqual(small, [], "everything can be hit with a finger");
    quiet(problems);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing: contrasts, roles and names, ${colorScheme}`, async (t) => {
    const { page, part, choose, state } = await openFile(t, { colorScheme });
    assert.deepEqual(await accessibilityFaults(page), [], "empty");
    await choose("empty.csv", "");
    await state("error");
    assert.deepEqual(await accessibilityFaults(page), [], "an error");
    await choose("reviews.csv", REVIEWS);
    await state("chosen");
    assert.deepEqual(await accessibilityFaults(page), [], "chosen");
    await part("file-run").click();
    await state("done");
    await part("file-grid").focus();
    await page.keyboard.press("ArrowDown");
    await part("file-labels").getByRole("button").first().click();
    assert.deepEqual(await accessibilityFaults(page), [], "done");
  });
}
