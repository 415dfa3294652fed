// Measures the kernels in headless Chromium and prints a table. `npm run bench:kernels` builds the package
// and calls this; by hand: node bench/kernels/run.mjs PACKAGE_DIR [CHROMIUM].

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium as browsers } from "playwright-core";
import { serve } from "../../scripts/serve.mjs";

/**
 * Runs the page on the package in `packageDir` (wasm-pack --target web --features bench) with the browser at
 * `chromium`.
 */
export async function run({ packageDir, chromium }) {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const server = await serve({ "/": here, "/package/": resolve(packageDir) });
  try {
    const browser = await browsers.launch({
      executablePath: chromium,
      args: ["--no-sandbox", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForFunction(() => "measure" in window);
      print(browser.version(), await page.evaluate(() => window.measure()));
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}

function print(version, rows) {
  const percent = (share) => (share === undefined ? "" : `${Math.round(share * 100)} %`);
  const table = rows.map((row) => [
    row.kernel,
    row.shape,
    `${row.rate.toFixed(row.rate < 10 ? 2 : 1)} ${row.unit}`,
    percent(row.ofTile),
  ]);
  const head = ["kernel", "rows×depth×width", "best of 21", "of the tile alone (median)"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...table.map((cells) => cells[column].length)),
  );
  const line = (cells) =>
    `| ${cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(" | ")} |`;
  console.log(`Chromium ${version}, one thread\n`);
  console.log([line(head), line(widths.map((width) => "-".repeat(width))), ...table.map(line)].join("\n"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [packageDir, chromium = "/usr/bin/chromium"] = process.argv.slice(2);
  await run({ packageDir, chromium });
}
