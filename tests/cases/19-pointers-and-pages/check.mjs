// Other content instead of a model's file gives an error of the right kind that names the file and content;
// a browser keeps no copy of it. node check.mjs [WAY…]
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

/** The files that replace good ones, and whether ETags are sent: `{ bad, tags }` by the path's first part. */
const sites = new Map();
const server = createServer((request, response) => {
  const [, place, name] = request.url.split("/");
  const { bad, tags } = sites.get(place);
  const bytes = bad[name] ?? good[name];
  const headers = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag",
    "cache-control": "no-cache",
  };
  if (!bytes) return response.writeHead(404, headers).end();
  response.writeHead(200, {
    ...headers,
    "content-type": bad[name] ? "text/html" : "application/octet-stream",
    "content-length": bytes.length,
    ...(tags ? { etag: `"${createHash("md5").update(bytes).digest("hex")}"` } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
/** Serves the model at a new address, with the `bad` files instead of the good ones. */
function placeOf(bad, tags = true) {
  const place = String(sites.size);
  sites.set(place, { bad, tags });
  return { place, address: `http://127.0.0.1:${server.address().port}/${place}/` };
}

for (const [way, { kinds, says, taken }] of ways)
  for (const file of readdirSync(join(here, "bad", way))) {
    const served = { [file]: readFileSync(join(here, "bad", way, file)) };
    for (const [how, source] of [
      ["bytes", { ...good, ...served }],
      ["HTTP", placeOf(served).address],
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
// In a browser: the bad file is served once, then the site is fixed. The second load has to be right, and no
// bad file may be cached.
const browsers = await chromium();
if (browsers === null) skip("browser");
else {
  const browser = await browsers.launch();
  const page_ = await site();
  const page = await (await browser.newContext()).newPage();
  await page.goto(page_.url);
  /** The result of a load from an address: scores, or the error. */
  const load = (address) =>
    page.evaluate(
      async ([url, text]) => {
        const { Classifier } = await import("/tabsense/index.js");
        try {
          const classifier = await Classifier.load(url, { device: "cpu" });
          const got = await classifier.classify(text, { topK: null });
          await classifier.dispose();
          return got;
        } catch (error) {
          return `${error.kind}: ${error.message}`;
        }
      },
      [address, text],
    );
  const tried = [];
  for (const tags of [true, false])
    for (const [way, { taken }] of ways)
      for (const file of readdirSync(join(here, "bad", way))) {
        const { place, address } = placeOf({ [file]: readFileSync(join(here, "bad", way, file)) }, tags);
        const what = `${way}, ${file}, Chromium, ${tags ? "with" : "without"} ETag`;
        tried.push({ what, taken, file, place, tags, address, first: await load(address) });
      }
  await new Promise((done) => setTimeout(done, 1000)); // a copy may be written after the answer
  const kept = await page.evaluate(async () => {
    const { listCachedFiles } = await import("/tabsense/index.js");
    return (await listCachedFiles()).map(({ url }) => url);
  });
  for (const { what, taken, file, place, tags, address, first } of tried) {
    if (!taken && typeof first === "string")
      check(!kept.includes(`${address}${file}`), `${what}: no copy is kept`, first);
    sites.set(place, { bad: {}, tags });
    const second = await load(address);
    check(typeof second !== "string" && right(second), `${what}: right once the site is mended`, second);
  }
  check(kept.length > 0 || ways.length < 5, "copies are kept of what is good", kept);
  await browser.close();
  page_.close();
}
server.closeAllConnections();
server.close();
end();
