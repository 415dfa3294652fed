// A mock of a model hub and its CDN, on two ports, with the behaviours of real hubs. Needs no packages.
//   node hub.mjs [MODEL_FOLDER]   prints the hub's address, for Classifier.load("ok/model",
//   { hub: "http://127.0.0.1:PORT" }). GET /log returns all requests so far as JSON, GET /reset forgets them.
//   Each org is a behaviour; see README.md.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = process.argv[2] ?? fileURLToPath(new URL("../19-pointers-and-pages/good", import.meta.url));
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const files = Object.fromEntries(
  ["config.json", "tokenizer.json", "model.safetensors"].map((name) => [
    name,
    readFileSync(join(folder, name)),
  ]),
);
// An older repository's vocabulary: one token per line.
const { vocab } = JSON.parse(files["tokenizer.json"]).model;
const lines = Object.entries(vocab).sort(([, a], [, b]) => a - b);
const VOCAB_TXT = Buffer.from(lines.map(([token]) => `${token}\n`).join(""));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const gitSha = (bytes) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
let log = [];
const counts = new Map();
const nth = (key) => (counts.set(key, (counts.get(key) ?? 0) + 1), counts.get(key));
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash",
};

function note(request, where) {
  log.push({
    where,
    method: request.method,
    url: request.url,
    range: request.headers.range ?? null,
    ifRange: request.headers["if-range"] ?? null,
    auth: request.headers.authorization ?? null,
    cookie: request.headers.cookie ?? null,
    encoding: request.headers["accept-encoding"] ?? null,
  });
}
function refuse(response, status, code, text, more = {}) {
  response
    .writeHead(status, {
      ...CORS,
      "content-type": "text/plain; charset=utf-8",
      "x-error-code": code,
      "x-error-message": text,
      ...more,
    })
    .end(text);
}

/** Sends bytes as a CDN does: with ranges, unless `ranges` is false. */
function send(
  request,
  response,
  bytes,
  headers,
  { ranges = true, gzip = false, breakAt = null, cors = true } = {},
) {
  const shared = { ...(cors ? CORS : {}), ...headers };
  if (gzip && /gzip/.test(request.headers["accept-encoding"] ?? "") && !request.headers.range) {
    const body = gzipSync(bytes);
    response.writeHead(200, {
      ...shared,
      "content-encoding": "gzip",
      "content-length": body.length,
      vary: "Accept-Encoding",
    });
    return response.end(request.method === "HEAD" ? undefined : body);
  }
  const match = ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
  const from = match ? Number(match[1]) : 0;
  const to = match?.[2] ? Math.min(Number(match[2]), bytes.length - 1) : bytes.length - 1;
  if (match && from >= bytes.length)
    return response.writeHead(416, { ...shared, "content-range": `bytes */${bytes.length}` }).end();
  response.writeHead(match ? 206 : 200, {
    ...shared,
    ...(ranges ? { "accept-ranges": "bytes" } : {}),
    ...(match ? { "content-range": `bytes ${from}-${to}/${bytes.length}` } : {}),
    "content-length": to - from + 1,
  });
  if (request.method === "HEAD") return response.end();
  const part = bytes.subarray(from, to + 1);
  if (breakAt === null || part.length <= breakAt) return response.end(part);
  response.write(part.subarray(0, breakAt), () => setTimeout(() => response.destroy(), 20));
}

const cdn = createServer((request, response) => {
  note(request, "cdn");
  const url = new URL(request.url, "http://cdn");
  const [, org, name] = url.pathname.split("/");
  const bytes = files[name];
  if (request.method === "OPTIONS")
    return response
      .writeHead(
        org === "nopreflight" ? 403 : 204,
        org === "nopreflight"
          ? {}
          : { ...CORS, "access-control-allow-methods": "GET, HEAD", "access-control-allow-headers": "range" },
      )
      .end();
  if (!bytes) return response.writeHead(404, CORS).end();
  const n = nth(`cdn ${org} ${name} ${request.method}`);
  const all = nth(`cdn ${org} ${name}`);
  // A signature is valid for one request.
  if (["expiring", "ok"].includes(org) && nth(`sig ${url.searchParams.get("Signature")}`) > 1)
    return response
      .writeHead(403, { ...CORS, "content-type": "application/xml" })
      .end("<Error><Code>AccessDenied</Code></Error>");
  if (org === "headless" && request.method === "HEAD")
    return response.writeHead(403, { ...CORS, "content-type": "application/xml" }).end();
  const etag =
    { rotating: n % 2 ? `"${gitSha(bytes)}-3"` : `W/"${gitSha(bytes)}"`, changing: `"v${all}"` }[org] ??
    `"${sha256(bytes).slice(0, 32)}"`;
  send(
    request,
    response,
    bytes,
    {
      etag,
      "last-modified": "Tue, 05 Aug 2025 10:00:00 GMT",
      "content-type": "binary/octet-stream",
      "content-disposition": `inline; filename="${name}"`,
    },
    {
      ranges: org !== "rangeless",
      cors: org !== "nocors",
      gzip: org === "gzip",
      breakAt:
        ["expiring", "rangeless", "rotating"].includes(org) && request.method === "GET" && n <= 2
          ? 4096 * 3 + 5
          : null,
    },
  );
});

const hub = createServer((request, response) => {
  const url = new URL(request.url, "http://hub");
  if (url.pathname === "/log")
    return response.writeHead(200, { ...CORS, "content-type": "application/json" }).end(JSON.stringify(log));
  if (url.pathname === "/reset") {
    log = [];
    counts.clear();
    return response.writeHead(204, CORS).end();
  }
  note(request, "hub");
  if (request.method === "OPTIONS")
    return response
      .writeHead(204, {
        ...CORS,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "authorization, range",
      })
      .end();
  const cached = /^\/api\/resolve-cache\/models\/([^/]+)\/[^/]+\/[0-9a-f]+\/(.+)$/.exec(url.pathname);
  if (cached) {
    const [, org, name] = cached;
    const bytes = org === "vocabonly" && name === "vocab.txt" ? VOCAB_TXT : files[name];
    return send(
      request,
      response,
      bytes,
      {
        etag: `"${gitSha(bytes)}"`,
        "x-repo-commit": COMMIT,
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
      },
      { gzip: true },
    );
  }
  const match = /^\/([^/]+)\/([^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (!match) return refuse(response, 404, "EntryNotFound", "No such entry");
  const [, org, repo, revision, name] = match;
  const bytes = org === "vocabonly" && name === "vocab.txt" ? VOCAB_TXT : files[name];
  if (org === "gated")
    return refuse(response, 401, "GatedRepo", `${org}/${repo} is gated.`, { "www-authenticate": "Bearer" });
  if (org === "disabled") return refuse(response, 403, "DisabledRepo", "Disabled.");
  if (org === "nosuch") return refuse(response, 401, "RepoNotFound", "Wrong name or password.");
  if (revision !== "main" && revision !== COMMIT)
    return refuse(response, 404, "RevisionNotFound", `No revision ${decodeURIComponent(revision)}`);
  if (
    !bytes ||
    (org === "onnxonly" && name === "model.safetensors") ||
    (["vocabonly", "novocab"].includes(org) && name === "tokenizer.json")
  )
    return refuse(response, 404, "EntryNotFound", "No such entry");
  if (org === "overloaded" || (org === "busy" && nth(`busy ${name}`) <= 2))
    return refuse(response, 429, "", "Too many requests.", {
      "retry-after": "1",
      ratelimit: '"resolvers";r=0;t=1',
    });
  if (org === "renamed")
    return response.writeHead(307, { ...CORS, location: `/ok/${repo}/resolve/${revision}/${name}` }).end();
  if (org === "loop") return response.writeHead(302, { ...CORS, location: request.url }).end();
  if (!name.endsWith(".safetensors"))
    return response
      .writeHead(307, {
        ...CORS,
        location: `/api/resolve-cache/models/${org}/${repo}/${COMMIT}/${name}?%2F${org}%2F${repo}%2Fresolve%2F${revision}%2F${name}=&etag=%22${gitSha(bytes)}%22`,
        "x-repo-commit": COMMIT,
        "x-linked-size": bytes.length,
        "x-linked-etag": `"${gitSha(bytes)}"`,
        etag: `"${gitSha(bytes)}"`,
      })
      .end(request.method === "HEAD" ? undefined : "Temporary Redirect");
  const location = `http://127.0.0.1:${cdn.address().port}/${org}/${name}?response-content-disposition=inline&Expires=${Date.now() + 60_000}&Signature=${randomBytes(12).toString("hex")}&Key-Pair-Id=K`;
  response
    .writeHead(302, {
      ...CORS,
      location,
      "x-repo-commit": COMMIT,
      "x-linked-size": bytes.length,
      "x-linked-etag": `"${org === "wrongdigest" ? "0".repeat(64) : sha256(bytes)}"`,
      vary: "Origin, Accept",
      "content-type": "text/plain; charset=utf-8",
    })
    .end(request.method === "HEAD" ? undefined : `Found. Redirecting to ${location}`);
});

await new Promise((resolve) => cdn.listen(0, "127.0.0.1", resolve));
await new Promise((resolve) => hub.listen(Number(process.env.PORT ?? 0), "127.0.0.1", resolve));
console.log(`http://127.0.0.1:${hub.address().port}`);
