// Imported for what it does: copies of models go to a folder of this process, which its child processes use
// too, and not to the user's cache.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

if (!process.env.TABSENSE_CACHE) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-cache-"));
  process.env.TABSENSE_CACHE = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}
