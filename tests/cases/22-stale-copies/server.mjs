// Serves v1, and v2 after GET /switch; the first part of the path selects validators and answers to HEAD.
//   node server.mjs   (prints its address)
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const here = (name) => new URL(name, import.meta.url);
let version = "v1";
const log = [];
const WAYS = {
  strong: {},
  "no-validators": { etag: false, modified: false },
  "modified-only": { etag: false },
  "same-modified": { etag: false, still: true },
  "weak-etag": { weak: true },
  "head-403": { head: 403 },
  "head-404": { head: 404 },
  "head-405": { head: 405 },
  "head-501": { head: 501 },
  "head-hangs": { head: 0 },
  "head-as-get-without-etag": { headEtag: false },
  "head-redirects-to-login": { head: 302 },
  // Signed links for the weights only, as on a hub whose large files are in a bucket: HEAD returns the
  // version of the small files, but not of the weights.
  "weights-head-403": { head: 403, only: "model.safetensors" },
  "weights-no-validators": { etag: false, modified: false, only: "model.safetensors" },
};
createServer((request, response) => {
  const url = new URL(request.url, "http://here");
  const cors = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Last-Modified, Content-Length",
  };
  if (url.pathname === "/switch") return ((version = version === "v1" ? "v2" : "v1"), response.end(version));
  if (url.pathname === "/log") return response.writeHead(200, cors).end(JSON.stringify(log));
  const [, name, file] = url.pathname.split("/");
  const way = WAYS[name]?.only && WAYS[name].only !== file ? {} : WAYS[name];
  if (!way || !["config.json", "tokenizer.json", "model.safetensors"].includes(file))
    return response.writeHead(404, cors).end("no");
  log.push({
    method: request.method,
    url: request.url,
    version,
    ifNoneMatch: request.headers["if-none-match"] ?? null,
  });
  if (request.method === "HEAD" && way.head !== undefined)
    return way.head === 0
      ? undefined
      : response
          .writeHead(way.head, {
            ...cors,
            ...(way.head === 302 ? { location: "/login" } : {}),
            ...(way.head === 405 ? { allow: "GET" } : {}),
          })
          .end();
  const bytes = readFileSync(here(`${version}/${file}`));
  const tag = `"${createHash("md5").update(bytes).digest("hex")}"`;
  const headers = { ...cors, "cache-control": "no-cache", "content-length": bytes.length };
  if (way.etag !== false && !(request.method === "HEAD" && way.headEtag === false))
    headers.etag = way.weak ? `W/${tag}` : tag;
  if (way.modified !== false)
    headers["last-modified"] =
      way.still || version === "v1" ? "Mon, 01 Sep 2025 00:00:00 GMT" : "Tue, 02 Sep 2025 00:00:00 GMT";
  if (headers.etag && request.headers["if-none-match"] === headers.etag)
    return response.writeHead(304, { ...cors, etag: headers.etag }).end();
  response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : bytes);
}).listen(Number(process.env.PORT ?? 0), "127.0.0.1", function () {
  console.log(`http://127.0.0.1:${this.address().port}`);
});
