import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { command, filesBelow, MODULES, setUpConsumers, startBrowser } from "../packages/support.mjs";
import { assertAccessible, layOut, openExample, shows, start } from "./support.mjs";

let browser;
before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});
after(() => browser?.close());

test("next: renders on the server, and classifies in the browser with one .wasm file", async (t) => {
  const example = layOut("next");
  const env = { NEXT_TELEMETRY_DISABLED: "1" };
  await command(process.execPath, [join(MODULES, ".bin/next"), "build"], example.folder, { env });
  const emitted = filesBelow(join(example.folder, ".next/static")).filter((path) =>
    /\.(wasm|safetensors)$/.test(path),
  );
  assert.equal(emitted.filter((path) => path.endsWith(".wasm")).length, 6, emitted.join(" "));
  assert.equal(emitted.filter((path) => path.endsWith(".safetensors")).length, 1, emitted.join(" "));

  const url = await start(t, example);
  assert.match(await (await fetch(url)).text(), /<output>…<\/output>/, "rendered on the server");
  const { page, paths } = await openExample(t, browser, url);
  await shows(page.locator("output"), /^POSITIVE 0\.9\d\d$/);
  assert.equal(paths.filter((path) => path.endsWith(".wasm")).length, 1, paths.join(" "));
  await page.getByLabel("Text").fill("A waste of two hours.");
  await shows(page.locator("output"), /^NEGATIVE 0\.\d{3}$/);
  await page.getByLabel("Text").fill("");
  await shows(page.locator("output"), /^$/);
  await assertAccessible(page);
});
