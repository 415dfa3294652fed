// Writes a result in all its formats.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { csvOf } from "./csv.mjs";
import { htmlOf } from "./html.mjs";
import { markdownOf } from "./markdown.mjs";

/**
 * Writes result.json, result.csv, result.md and index.html into `folder`; resolves to `{ text }`, the
 * Markdown for the terminal.
 */
export async function writeReport(exact, folder) {
  const result = JSON.parse(JSON.stringify(exact, round));
  const text = markdownOf(result);
  await mkdir(folder, { recursive: true });
  const files = {
    "result.json": `${JSON.stringify(result, null, 1)}\n`,
    "result.csv": csvOf(result),
    "result.md": text,
    "index.html": await htmlOf(result),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return { text };
}

/** Clocks have a resolution of microseconds: more than seven digits only make the files longer. */
function round(_, value) {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(7)) : value;
}
