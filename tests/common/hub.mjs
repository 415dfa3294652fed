// A model hub and its CDN, on two origins, that respond like the real ones: paginated listings, redirects to
// signed addresses that are valid for one GET, error codes in headers, compressed JSON. For tests of Node and
// of pages.

import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
/** Files that a hub keeps in its large file storage, not in git. */
const STORED = /\.(safetensors|bin|onnx|h5|model)$|\.onnx_data(_\d+)?$/;
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "X-Repo-Commit,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag",
};
/** CDNs allow any header that a page requests. */
const PREFLIGHT = { "access-control-allow-methods": "GET, HEAD", "access-control-max-age": "0" };

/** The files of a folder, by their paths in it. */
export function filesIn(folder, below = "") {
  return Object.assign(
    {},
    ...readdirSync(join(folder, below)).map((name) => {
      const path = below ? `${below}/${name}` : name;
      const at = join(folder, path);
      return statSync(at).isDirectory() ? filesIn(folder, path) : { [path]: readFileSync(at) };
    }),
  );
}

/**
 * Starts a hub. `repositories` has `{ files, … }` by `org/name` (`main`) or `org/name@revision`, with
 * optional special behaviour:
 *
 * - `gated`, `disabled`: access is refused; `token`: required in `Authorization` or `X-Token`;
 * - `listing`: the status with which a listing is refused, or `"page"` for a web page instead;
 * - `busy`: how many requests for each file are answered with 429, and a Retry-After of `retryAfter` seconds;
 * - `etag: false`: sends no ETag; `pointers`: Git LFS pointers instead of those files; `moved`: the new name.
 *
 * Resolves to `{ url, cdn, log, close }`; `log` has requests as `{ server, method, path, status, headers }`.
 * `prefix` is the hub's base path, as on mirrors; `pageSize` is how many files a page of a listing has.
 */
export async function startHub(repositories, { prefix = "", pageSize = 1000 } = {}) {
  const log = [];
  /** Files, by the signature of their address. */
  const signed = new Map();
  const counts = new Map();
  const count = (key) => (counts.set(key, (counts.get(key) ?? 0) + 1), counts.get(key));

  function serve(server, answer) {
    return createServer((request, response) => {
      const entry = { server, method: request.method, path: request.url, headers: request.headers };
      log.push(entry);
      response.on("finish", () => (entry.status = response.statusCode));
      if (request.method === "OPTIONS") {
        const wanted = request.headers["access-control-request-headers"];
        const allowed = { ...CORS, ...PREFLIGHT, ...(wanted && { "access-control-allow-headers": wanted }) };
        return response.writeHead(204, allowed).end();
      }
      answer(request, response, new URL(request.url, "http://host"));
    });
  }

  function refuse(response, status, code, message, more = {}) {
    response.writeHead(status, { ...CORS, "x-error-code": code, "x-error-message": message, ...more });
    response.end(message);
  }

  const cdn = serve("cdn", (request, response, url) => {
    const bytes = signed.get(url.searchParams.get("Signature"));
    signed.delete(url.searchParams.get("Signature"));
    if (!bytes)
      return response.writeHead(403, { ...CORS, "content-type": "application/xml" }).end("<Error/>");
    send(request, response, bytes, { "content-type": "binary/octet-stream", etag: tagOf(bytes) });
  });

  const hub = serve("hub", (request, response, { pathname, searchParams }) => {
    if (!pathname.startsWith(`${prefix}/`)) return refuse(response, 404, "", "Not Found");
    const path = pathname.slice(prefix.length);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(tree\/([^/]+)|refs)$/.exec(path);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(path);
    const [, name, revision, below] = file ?? cached ?? (api && [null, api[1], api[3] ?? "main", null]) ?? [];
    if (name === undefined) return refuse(response, 404, "", "Not Found");
    const of = (revision) =>
      repositories[revision === "main" ? name : `${name}@${decodeURIComponent(revision)}`];
    const repository = of(revision);
    const any = repository ?? of("main");
    if (!any) return refuse(response, 401, "RepoNotFound", "Invalid username or password.");
    if (any.moved)
      return response
        .writeHead(307, { ...CORS, location: `${prefix}${path.replace(name, any.moved)}?${searchParams}` })
        .end();
    if (any.gated) return refuse(response, 401, "GatedRepo", `Access to model ${name} is restricted.`);
    if (any.disabled) return refuse(response, 403, "DisabledRepo", "Access to this resource is disabled.");
    const { authorization, "x-token": token } = request.headers;
    if (any.token && ![authorization, token && `Bearer ${token}`].includes(`Bearer ${any.token}`))
      return refuse(response, 401, "RepoNotFound", "Repository not found");
    if (!repository) return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    if (api)
      return sendListing(request, response, { name, repository, refs: api[2] === "refs", searchParams });
    const bytes = repository.files[decodeURIComponent(below)];
    if (!bytes) return refuse(response, 404, "EntryNotFound", "Entry not found");
    if (repository.busy && count(`busy ${name} ${below}`) <= repository.busy)
      return refuse(response, 429, "", "Too many requests", { "retry-after": repository.retryAfter ?? 1 });
    const version = repository.etag === false ? {} : { etag: tagOf(bytes) };
    if (cached) return send(request, response, bytes, { ...version, "content-type": "text/plain" }, true);
    if (repository.pointers && STORED.test(below))
      return send(request, response, Buffer.from(pointerOf(bytes)), { "content-type": "text/plain" });
    const linked = {
      "x-repo-commit": COMMIT,
      "x-linked-size": bytes.length,
      "x-linked-etag": `"${sha256(bytes)}"`,
    };
    if (!STORED.test(below)) {
      const location = `${prefix}/api/resolve-cache/models/${name}/${revision}/${below}?etag=${encodeURIComponent(tagOf(bytes))}`;
      return response.writeHead(307, { ...CORS, ...version, ...linked, location }).end("Temporary Redirect");
    }
    const signature = randomBytes(12).toString("hex");
    signed.set(signature, bytes);
    const location = `${origin(cdn)}/${sha256(bytes)}?Expires=${Date.now() + 60_000}&Signature=${signature}`;
    response.writeHead(302, { ...CORS, ...linked, location }).end(`Found. Redirecting to ${location}`);
  });

  /** Sends a page of a listing, or the pull requests. */
  function sendListing(request, response, { name, repository, refs, searchParams }) {
    const { listing } = repository;
    if (typeof listing === "number") return refuse(response, listing, "", "No listing");
    if (listing === "page")
      return response.writeHead(200, { ...CORS, "content-type": "text/html" }).end("<!doctype html><p>Hello");
    if (refs) {
      const pulls = Object.keys(repositories)
        .map((key) => key.split("@"))
        .filter(([of, ref]) => of === name && ref?.startsWith("refs/pr/"))
        .map(([, ref]) => ({ name: ref, ref, targetCommit: COMMIT }));
      const pullRequests = searchParams.get("include_prs") ? { pullRequests: pulls } : {};
      return sendJson(request, response, { branches: [{ name: "main" }], tags: [], ...pullRequests });
    }
    const folders = new Set(Object.keys(repository.files).flatMap((path) => path.split("/").slice(0, -1)));
    const entries = [
      ...[...folders].map((path) => ({ type: "directory", oid: "0", size: 0, path })),
      ...Object.entries(repository.files)
        .filter(([path]) => searchParams.get("recursive") === "true" || !path.includes("/"))
        .map(([path, bytes]) => ({
          type: "file",
          oid: gitSha(bytes),
          size: bytes.length,
          path,
          ...(STORED.test(path) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
        })),
    ];
    const from = Number(searchParams.get("cursor") ?? 0);
    const next = new URL(request.url, origin(hub));
    next.searchParams.set("cursor", String(from + pageSize));
    const link = from + pageSize < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
    sendJson(request, response, entries.slice(from, from + pageSize), link);
  }

  await Promise.all([cdn, hub].map((server) => new Promise((done) => server.listen(0, "127.0.0.1", done))));
  return {
    url: `${origin(hub)}${prefix}`,
    cdn: origin(cdn),
    log,
    async close() {
      for (const server of [cdn, hub]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const gitSha = (bytes) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
const tagOf = (bytes) => `"${gitSha(bytes)}"`;
const origin = (server) => `http://127.0.0.1:${server.address().port}`;
const pointerOf = (bytes) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize ${bytes.length}\n`;

function sendJson(request, response, value, headers = {}) {
  const type = { "content-type": "application/json; charset=utf-8" };
  send(request, response, Buffer.from(JSON.stringify(value)), { ...type, ...headers }, true);
}

/** Sends bytes: a range if requested, and compressed if `compressed` and the client accepts it. */
function send(request, response, bytes, headers, compressed = false) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (request.headers["if-none-match"] === headers.etag && headers.etag)
    return response.writeHead(304, { ...CORS, ...headers }).end();
  if (compressed && !range && /gzip/.test(request.headers["accept-encoding"] ?? "")) {
    const body = gzipSync(bytes);
    const coded = { "content-encoding": "gzip", "content-length": body.length };
    return response.writeHead(200, { ...CORS, ...headers, ...coded }).end(body);
  }
  const from = range ? Number(range[1]) : 0;
  const to = range?.[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
  response.writeHead(range ? 206 : 200, {
    ...CORS,
    ...headers,
    "accept-ranges": "bytes",
    ...(range && { "content-range": `bytes ${from}-${to}/${bytes.length}` }),
    "content-length": to - from + 1,
  });
  response.end(request.method === "HEAD" ? undefined : bytes.subarray(from, to + 1));
}
