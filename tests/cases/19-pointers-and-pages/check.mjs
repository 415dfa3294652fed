// What stands in the place of a model's file: an error of the right kind that names the file and what it is;
// and no copy of it is kept in a browser. node check.mjs [WAY…]
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readdirSync } from "node:fs";
import {
  chromium,
  CPU,
  folderOf,
  join,
  json,
  readFileSync,
  report,
  site,
  tabsense,
} from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const here = folderOf(import.meta.url);
const { ok, check, message, skip, end } = report();
const { text, scores, bad } = json(join(here, "expected.json"));
const NAMES = ["config.json", "tokenizer.json", "model.safetensors"];
const good = Object.fromEntries(NAMES.map((name) => [name, readFileSync(join(here, "good", name))]));
const ways = Object.entries(bad).filter(
  ([way]) => process.argv.length < 3 || process.argv.slice(2).includes(way),
);
const right = (got) => got.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-5);

let served = {};
let tags = true;
const server = createServer((request, response) => {
  const name = request.url.split("/").pop();
  const bytes = served[name] ?? good[name];
  const headers = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag",
    "cache-control": "no-cache",
  };
  if (!bytes) return response.writeHead(404, headers).end();
  response.writeHead(200, {
    ...headers,
    "content-type": served[name] ? "text/html" : "application/octet-stream",
    "content-length": bytes.length,
    ...(tags ? { etag: `"${createHash("md5").update(bytes).digest("hex")}"` } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}/m/`;

for (const [way, { kinds, says, taken }] of ways)
  for (const file of readdirSync(join(here, "bad", way))) {
    served = { [file]: readFileSync(join(here, "bad", way, file)) };
    for (const [how, source] of [
      ["bytes", { ...good, ...served }],
      ["HTTP", address],
    ]) {
      const what = `${way}, ${file}, ${how}`;
      try {
        const classifier = await Classifier.load(source, CPU);
        const got = await classifier.classify(text, { topK: null });
        await classifier.dispose();
        check(taken && right(got), `${what}: refused`, got);
      } catch (error) {
        const got = `${error.kind}: ${error.message}`;
        if (taken === "must" || !kinds[file].includes(error.kind))
          check(false, `${what}: ${taken === "must" ? "taken" : kinds[file].join(" or ")}`, got);
        else if (says && !new RegExp(says, "i").test(error.message))
          message(`${what}: a sentence that says /${says}/`, got);
        else ok(what);
      }
    }
  }
// In a browser: the bad file is served once, then the site is mended. The second load has to be right, and
// nothing bad may be kept.
const browsers = await chromium();
if (browsers === null) skip("browser");
else {
  const browser = await browsers.launch();
  const page_ = await site();
  const go = (page) =>
    page.evaluate(
      async ([url, text]) => {
        const { Classifier, listCachedFiles } = await import("/tabsense/index.js");
        let got;
        try {
          const classifier = await Classifier.load(url, { device: "cpu" });
          got = await classifier.classify(text, { topK: null });
          await classifier.dispose();
        } catch (error) {
          got = `${error.kind}: ${error.message}`;
          await new Promise((done) => setTimeout(done, 600));
        }
        return { got, kept: (await listCachedFiles()).map(({ url }) => url.split("/").pop()) };
      },
      [address, text],
    );
  for (tags of [true, false])
    for (const [way, { taken }] of ways)
      for (const file of readdirSync(join(here, "bad", way))) {
        const context = await browser.newContext();
        const page = await context.newPage();
        await page.goto(page_.url);
        served = { [file]: readFileSync(join(here, "bad", way, file)) };
        const first = await go(page);
        served = {};
        const second = await go(page);
        const what = `${way}, ${file}, Chromium, ${tags ? "with" : "without"} ETag`;
        if (!taken && typeof first.got === "string")
          check(!first.kept.includes(file), `${what}: no copy is kept`, first.got);
        check(
          typeof second.got !== "string" && right(second.got),
          `${what}: right once the site is mended`,
          second.got,
        );
        await context.close();
      }
  await browser.close();
  page_.close();
}
server.closeAllConnections();
server.close();
end();
