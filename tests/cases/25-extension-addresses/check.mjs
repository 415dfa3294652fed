// Every way in which an extension can name the model in its own package, in a page and in the background
// service worker.
import { cpSync } from "node:fs";
import {
  chromium,
  createRequire,
  DIST,
  ENTRY,
  folderOf,
  GOOD,
  join,
  json,
  report,
  scratch,
} from "../_tools/tools.mjs";
const here = folderOf(import.meta.url);
const { check, ok, message, skip, end } = report();
const { scores } = json(join(GOOD, "../expected.json"));
const browsers = await chromium();
let esbuild = null;
try {
  esbuild = createRequire(ENTRY)("esbuild");
} catch {
  skip("background: no esbuild");
}
if (browsers === null) skip("no Chromium");
else {
  const extension = join(scratch(), "extension");
  cpSync(join(here, "extension"), extension, { recursive: true });
  cpSync(DIST, join(extension, "tabsense"), { recursive: true });
  cpSync(GOOD, join(extension, "model"), { recursive: true });
  if (esbuild)
    await esbuild.build({
      entryPoints: [join(extension, "background.js")],
      bundle: true,
      format: "esm",
      outfile: join(extension, "background.js"),
      allowOverwrite: true,
      logLevel: "error",
    });
  const context = await browsers.persistent(join(scratch(), "profile"), {
    args: [`--load-extension=${extension}`, `--disable-extensions-except=${extension}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  const worker =
    context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker", { timeout: 20_000 }));
  const page = await context.newPage();
  const logged = [];
  page.on("console", (line) => logged.push(line.text()));
  page.on("pageerror", (error) => logged.push(error.message));
  await page.goto(`chrome-extension://${new URL(worker.url()).host}/page.html`);
  await page.waitForFunction(() => document.title === "done", null, { timeout: 90_000 });
  const { kept, ...where } = JSON.parse(await page.textContent("#out"));
  for (const [place, results] of Object.entries(where)) {
    if (place === "background" && esbuild === null) continue;
    for (const [name, got] of Object.entries(results)) {
      const result = got.kind ? `${got.kind}: ${got.message}` : got;
      // A URL object for a folder isn't a documented source: an error is fine if it says so.
      if (name.startsWith("a URL object") && got.kind === "invalid_argument")
        (/string|href/.test(got.message) ? ok : message)(
          `${place}: ${name}: loads, or a sentence that says to pass its href`,
          result,
        );
      else check(got.label && Math.abs(got.score - scores[got.label]) < 1e-5, `${place}: ${name}`, result);
    }
  }
  check(Array.isArray(kept) && kept.length === 0, "nothing of the extension is kept", kept);
  check(logged.length === 0, "the console is silent", logged);
  await context.close();
}
end();
process.exit();
