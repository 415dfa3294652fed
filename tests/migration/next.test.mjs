// A Next.js page with the model in a worker, as in the transformers.js guides: built by Next.js with either
// package, it shows the same.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startHub } from "../common/hub.mjs";
import { command, HERE, MODULES, setUpConsumers, startBrowser, startServer } from "../packages/support.mjs";
import { alike, LIBRARIES, PEER, repository, TEXTS, WITHIN, withLibrary } from "./support.mjs";

/** A folder from which the packages resolve. */
const PROJECT = join(HERE, "migration");
const SOURCES = join(import.meta.dirname, "next");
const NEXT = join(MODULES, ".bin/next");

let browser, hub;

before(async () => {
  await setUpConsumers();
  hub = await startHub({ "org/mini-distilbert": { files: repository() } });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await hub?.close();
  rmSync(PROJECT, { recursive: true, force: true });
});

/** Writes an application with a route for each package. */
function writeProject() {
  rmSync(PROJECT, { recursive: true, force: true });
  const copy = (name, folder) => copyFileSync(join(SOURCES, name), join(PROJECT, folder, name));
  for (const folder of ["app", "public/ort"]) mkdirSync(join(PROJECT, folder), { recursive: true });
  writeFileSync(join(PROJECT, "package.json"), '{ "type": "module", "private": true }\n');
  copy("layout.js", "app");
  for (const [i, library] of Object.keys(LIBRARIES).entries()) {
    mkdirSync(join(PROJECT, `app/${i}`));
    copy("page.js", `app/${i}`);
    const worker = readFileSync(join(SOURCES, "worker.js"), "utf8");
    writeFileSync(join(PROJECT, `app/${i}/worker.js`), withLibrary(worker, library));
  }
  const runtime = join(MODULES, "onnxruntime-web/dist");
  for (const name of readdirSync(runtime).filter((name) => /^ort-wasm-simd-threaded\.asyncify\./.test(name)))
    copyFileSync(join(runtime, name), join(PROJECT, "public/ort", name));
}

/** The content of a package's page: the files, and one answer per text. */
async function shownAt(t, url) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(url);
  const answers = [];
  for (const text of TEXTS) {
    await page.getByPlaceholder("A text").fill(text);
    const shown = page.locator("pre", { hasText: "score" });
    await shown.waitFor().catch((error) => assert.fail(`${error.message} ${faults.join("\n")}`));
    answers.push(JSON.parse(await shown.textContent()));
  }
  assert.deepEqual(faults, []);
  return { files: await page.locator("li").allTextContents(), answers };
}

test("Next.js: a page with a worker", async (t) => {
  writeProject();
  const env = { NEXT_TELEMETRY_DISABLED: "1", NEXT_PUBLIC_HUB: `${hub.url}/` };
  await command(process.execPath, [NEXT, "build"], PROJECT, { env });
  const [, port] = await startServer(
    t,
    process.execPath,
    [NEXT, "start", "--port", "0"],
    PROJECT,
    /http:\/\/localhost:(\d+)/,
    env,
  );
  const pages = Object.fromEntries(
    Object.keys(LIBRARIES).map((library, i) => [library, `http://localhost:${port}/${i}`]),
  );
  const theirs = await shownAt(t, pages[PEER]);
  const ours = await shownAt(t, pages.tabsense);
  assert.deepEqual(ours.files, theirs.files);
  alike(ours.answers, theirs.answers, WITHIN.q8);
});
