// The demo page's view of files in its File tab: rows, whether the first is a head, columns, remarks. Null if
// the page isn't built (npm run demo -- --build-only).
import { dirname, DIST, existsSync, join, chromium, site } from "./tools.mjs";
export async function readInPage(files) {
  const root = dirname(DIST);
  const browsers = await chromium();
  if (browsers === null || !existsSync(join(root, "www/dist/index.html"))) return null;
  const [served, browser] = [
    await site({ "/": join(root, "www/dist/"), "/models/": join(root, "models/") }, { isolated: true }),
    await browsers.launch(),
  ];
  const page = await browser.newPage();
  await page.goto(`${served.url}index.html`);
  await page.getByTestId("tab-file").click();
  await page.waitForFunction(
    () => document.querySelector("[data-testid=file-wait]").offsetParent === null,
    null,
    { timeout: 30_000 },
  );
  const results = {};
  for (const { file, recode } of files) {
    const settled = () =>
      page.waitForFunction(
        () => ["chosen", "error"].includes(document.querySelector("[data-testid=panel-file]").dataset.state),
        null,
        { timeout: 20_000 },
      );
    await page.setInputFiles("[data-testid=file-input]", file);
    await settled();
    if (recode) {
      await page.getByTestId("file-recode").click();
      await page.waitForFunction(
        () => document.querySelector("[data-testid=panel-file]").dataset.state === "chosen",
        null,
        { timeout: 20_000 },
      );
    }
    results[file.split("/").at(-1)] = await page.evaluate(() => {
      const find = (id) => document.querySelector(`[data-testid=${id}]`);
      if (find("panel-file").dataset.state === "error")
        return { error: find("file-error-message").textContent };
      return {
        rows: Number(/([\d,.]+) rows?\b/.exec(find("file-facts").textContent)?.[1].replace(/\D/g, "")),
        named: find("file-named").checked,
        columns: [...find("file-column").options].map((option) => option.textContent),
        column: find("file-column").selectedOptions[0]?.textContent,
        remarks: [...find("file-remarks").children].map((remark) => remark.textContent),
        texts: [...document.querySelectorAll("[data-testid=file-preview] tbody tr")].map(
          (row) => row.children[0].textContent,
        ),
      };
    });
    await page
      .getByTestId("file-close")
      .click({ timeout: 1000 })
      .catch(() => {});
    await page
      .waitForFunction(
        () => document.querySelector("[data-testid=panel-file]").dataset.state === "empty",
        null,
        { timeout: 2000 },
      )
      .catch(() => {});
  }
  await browser.close();
  served.close();
  return results;
}
