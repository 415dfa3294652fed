// A site, and a model hub, on a line of a given rate: all answers share it. Code is served compressed, models as they
// are.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { ROOT } from "../../scripts/run.mjs";
import { tokenBucket } from "./bucket.mjs";

/** Bytes that are sent at a time: a millisecond at 131 Mbit/s. */
const CHUNK = 16 * 1024;
const CACHE = join(ROOT, "bench/.cache/brotli");
const CODE = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * Serves folders of code by their paths (`mounts`), and a model as a hub does, by its name. Yields `{ url, limit,
 * sent, close }`: `limit(rate)` sets the rate in Mbit/s (0: none) and forgets what was sent, `sent()` tells it, `{ code,
 * model }` in bytes without headers.
 */
export async function startLine(mounts, model) {
  let take = null;
  let counts = null;
  limit(0);

  function limit(rate) {
    take = rate === 0 ? async () => {} : tokenBucket((rate * 1e6) / 8);
    counts = { code: 0, model: 0 };
  }

  async function answer(request, response) {
    const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
    const found = modelFile(path, model) ?? codeFile(path, mounts, request.headers["accept-encoding"] ?? "");
    if (!found) return response.writeHead(404, { "content-type": "text/plain" }).end("Not found");
    const { kind, bytes, headers } = found;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = range ? Number(range[1]) : 0;
    const to = Math.min(range?.[2] ? Number(range[2]) + 1 : bytes.length, bytes.length);
    response.writeHead(range ? 206 : 200, {
      ...headers,
      "content-length": to - from,
      "accept-ranges": "bytes",
      "cache-control": "public, max-age=3600",
      etag: `"${createHash("sha1").update(bytes.subarray(0, 4096)).digest("hex")}-${bytes.length}"`,
      ...(range && { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` }),
    });
    if (request.method === "HEAD") return response.end();
    for (let at = from; at < to && !response.destroyed; at += CHUNK) {
      const part = bytes.subarray(at, Math.min(at + CHUNK, to));
      await take(part.length);
      counts[kind] += part.length;
      if (!response.write(part)) await drained(response);
    }
    response.end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    limit,
    sent: () => ({ ...counts }),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** A file of the model, or the hub's listing of it. */
function modelFile(path, { name, folder }) {
  const json = { "content-type": "application/json" };
  if (path === `/api/models/${name}/tree/main`)
    return { kind: "model", bytes: Buffer.from(JSON.stringify(listing(folder))), headers: json };
  const start = `/${name}/resolve/main/`;
  if (!path.startsWith(start)) return null;
  const file = join(folder, normalize(`/${path.slice(start.length)}`));
  if (!existsSync(file) || !statSync(file).isFile()) return null;
  const headers = extname(file) === ".json" ? json : { "content-type": "binary/octet-stream" };
  return { kind: "model", bytes: read(file), headers };
}

/** What a hub lists: files alone, with their sizes. */
function listing(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ type: "file", path: path.slice(folder.length + 1), size: statSync(path).size }));
}

/** A file of code, in brotli where it is understood. */
function codeFile(path, mounts, encodings) {
  const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
  const type = CODE[extname(path)];
  const file = mount && join(mounts[mount], normalize(`/${path.slice(mount.length)}`));
  if (!type || !file || !existsSync(file)) return null;
  const headers = { "content-type": type, vary: "accept-encoding" };
  if (!/\bbr\b/.test(encodings)) return { kind: "code", bytes: read(file), headers };
  return { kind: "code", bytes: compressed(file), headers: { ...headers, "content-encoding": "br" } };
}

const contents = new Map();

function read(path) {
  if (!contents.has(path)) contents.set(path, readFileSync(path));
  return contents.get(path);
}

/** A file as a CDN has it: compressed once, as well as can be. 27 MB take a minute or two. */
function compressed(path) {
  const key = `${path}.br`;
  if (!contents.has(key)) {
    const bytes = read(path);
    const kept = join(CACHE, `${createHash("sha256").update(bytes).digest("hex")}.br`);
    if (!existsSync(kept)) {
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      };
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(kept, brotliCompressSync(bytes, { params }));
    }
    contents.set(key, readFileSync(kept));
  }
  return contents.get(key);
}
