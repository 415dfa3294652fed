// Helpers for the File tab's tests: files of texts, and the actions of the tab.

import { readFileSync } from "node:fs";
import { stringify } from "csv-stringify/sync";
import { DELIGHT, HOURS, openReady } from "./harness.mjs";

export const REVIEWS = stringify(
  [
    { id: 3, review: DELIGHT.text, stars: 5 },
    { id: 1, review: HOURS.text, stars: 1 },
    { id: 10, review: 'Say "yes", twice,\nand mean it: lovely.', stars: 4 },
    { id: 2, review: "", stars: 3 },
    { id: 5, review: "\u200b", stars: 2 },
    { id: 4, review: "Dull, dull, dull.", stars: 2 },
  ],
  { header: true },
);

/** Extends the harness with the actions of the tab. */
export function filed(opened) {
  const { page, part } = opened;
  return {
    ...opened,
    state: (state) => page.waitForSelector(`[data-testid="panel-file"][data-state="${state}"]`),
    async choose(name, content) {
      await part("file-input").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
    },
    /** The table's rows that are in the document, as objects of texts by column. */
    rows: () =>
      part("file-grid").evaluate((grid) => {
        const heads = [...grid.querySelectorAll('[role="columnheader"]')].map((cell) => cell.textContent);
        return [...grid.querySelectorAll('[role="row"][aria-rowindex]')].map((row) =>
          Object.fromEntries([...row.children].map((cell, at) => [heads[at], cell.textContent])),
        );
      }),
    /** The counts of the labels' chart. */
    counts: () =>
      part("file-labels")
        .locator("button")
        .evaluateAll((bars) =>
          Object.fromEntries(
            bars.map((bar) => [
              bar.dataset.group,
              Number(bar.querySelector(".count").textContent.replaceAll("\u2009", "")),
            ]),
          ),
        ),
    async export(ending) {
      const [download] = await Promise.all([page.waitForEvent("download"), part(`export-${ending}`).click()]);
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
    },
    /** Waits until the table is drawn. */
    drawn: () =>
      page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      ),
  };
}

export async function openFile(t, contextOptions) {
  const opened = filed(await openReady(t, contextOptions));
  await opened.part("tab-file").click();
  await opened.part("file-zone").waitFor();
  return opened;
}

/** Drops files on the page as a browser does; `make` runs in the page and returns the list of files. */
export async function drop({ page }, target, make, argument) {
  const files = await page.evaluateHandle(make, argument);
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const file of given) data.items.add(file);
    return data;
  }, files);
  for (const type of ["dragover", "drop"]) await page.dispatchEvent(target, type, { dataTransfer: transfer });
}
