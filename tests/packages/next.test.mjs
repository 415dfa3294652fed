// A Next.js page: rendered on a server, where importing the package touches nothing, and alive in a browser.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  assertVerdict,
  filesBelow,
  HERE,
  MODULES,
  open,
  runIn,
  setUpConsumers,
  startBrowser,
  startServer,
} from "./support.mjs";

let browser;

before(async () => {
  await setUpConsumers();
  browser = await startBrowser();
});

after(() => browser?.close());

test("next: rendered on the server, it classifies in the browser with one .wasm file", async (t) => {
  const env = { NEXT_TELEMETRY_DISABLED: "1" };
  await runIn("next", ["bin:next", "build"], { env });
  const emitted = filesBelow(join(HERE, "next/.next/static")).filter((path) =>
    /\.(wasm|safetensors)$/.test(path),
  );
  assert.equal(emitted.filter((path) => path.endsWith(".wasm")).length, 6, emitted.join(" "));
  assert.equal(emitted.filter((path) => path.endsWith(".safetensors")).length, 1, emitted.join(" "));
  const [, port] = await startServer(
    t,
    process.execPath,
    [join(MODULES, ".bin/next"), "start", "--port", "0"],
    join(HERE, "next"),
    /http:\/\/localhost:(\d+)/,
    env,
  );
  const url = `http://localhost:${port}/`;
  assert.match(await (await fetch(url)).text(), /<output>…<\/output>/, "rendered on the server");
  const opened = await open(t, browser, url);
  await assertVerdict(opened);
  assert.equal(opened.paths.filter((path) => path.endsWith(".wasm")).length, 1, opened.paths.join(" "));
});
