// Frames without an origin or from another site, and a page that isn't a secure context: the package works
// without the features that a browser withholds there.
import { createServer } from "node:http";
import { extname } from "node:path";
import {
  chromium,
  DIST,
  existsSync,
  folderOf,
  GOOD,
  join,
  json,
  readFileSync,
  report,
} from "../_tools/tools.mjs";
const here = folderOf(import.meta.url);
const { check, skip, end } = report();
const { scores } = json(join(GOOD, "../expected.json"));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
};
const server = createServer((request, response) => {
  const path = new URL(request.url, "http://x").pathname;
  const file = path.startsWith("/tabsense/")
    ? join(DIST, path.slice(10))
    : path.startsWith("/model/")
      ? join(GOOD, path.slice(7))
      : join(here, path);
  if (!existsSync(file) || path === "/") return response.writeHead(404).end();
  response
    .writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "access-control-allow-origin": "*",
    })
    .end(readFileSync(file));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const { port } = server.address();
const right = (got) =>
  Array.isArray(got) && got.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-5);
function checkFrame(where, name, results) {
  const what = `${where} ${name}`;
  const opaque = /opaque/.test(name);
  check(right(results["load, worker: false"]), `${what}: load in place`, results["load, worker: false"]);
  const worker = results["load, worker: true"];
  if (opaque)
    check(
      right(worker) || (worker.kind === "environment" && worker.message.includes("worker: false")),
      `${what}: load in a worker, or an error that names worker: false`,
      worker,
    );
  else check(right(worker), `${what}: load in a worker`, worker);
  check(typeof results.listCachedFiles === "number", `${what}: listCachedFiles`, results.listCachedFiles);
  check(results.clearCachedFiles === "undefined", `${what}: clearCachedFiles`, results.clearCachedFiles);
}
const browsers = await chromium();
if (browsers === null) skip("no Chromium");
else {
  for (const [where, args] of [
    ["plain", []],
    ["third-party storage blocked", ["--test-third-party-cookie-phaseout", "--block-third-party-cookies"]],
  ]) {
    const browser = await browsers.launch({ args });
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/index.html`);
    await page.waitForFunction(() => document.title === "done", null, { timeout: 60_000 });
    for (const [frame, results] of Object.entries(JSON.parse(await page.textContent("#out"))))
      checkFrame(where, frame, results);
    await browser.close();
  }
  const browser = await browsers.launch({ args: ["--host-resolver-rules=MAP lan.example 127.0.0.1"] });
  const page = await browser.newPage();
  await page.goto(`http://lan.example:${port}/frame.html?case=no-secure-context`);
  await page.waitForFunction(() => document.getElementById("out").textContent !== "", null, {
    timeout: 60_000,
  });
  checkFrame("plain http", "?case=no-secure-context", JSON.parse(await page.textContent("#out")));
  await browser.close();
}
server.closeAllConnections();
server.close();
end();
