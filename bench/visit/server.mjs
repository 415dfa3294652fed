// A site on a line with a given rate and round trip: all responses share the rate, and each waits for a round
// trip. Files that a CDN compresses are sent in brotli.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { ROOT } from "../../scripts/run.mjs";
import { tokenBucket } from "./bucket.mjs";

/** Bytes sent at a time: a millisecond at 131 Mbit/s. */
const CHUNK = 16 * 1024;
const CACHE = join(ROOT, "bench/.cache/brotli");

/**
 * What CDNs compress: text, including JSON, and WebAssembly. Weights are `application/octet-stream`
 * and are sent as they are.
 */
const COMPRESSED = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * Serves folders by their paths (`mounts`). Resolves to `{ url, limit, sent, close }`.
 * `limit({ rate, round_trip })` sets the rate in Mbit/s (0: no limit) and the milliseconds that each response
 * waits, and resets the counts of bytes sent. `sent()` returns these, `{ code, model }`, without headers;
 * `model` counts the files below `/models/`.
 */
export async function startLine(mounts) {
  let take = null;
  let roundTrip = 0;
  let counts = null;
  limit({ rate: 0, round_trip: 0 });

  function limit({ rate, round_trip }) {
    take = rate === 0 ? async () => {} : tokenBucket((rate * 1e6) / 8);
    roundTrip = round_trip;
    counts = { code: 0, model: 0 };
  }

  async function answer(request, response) {
    if (roundTrip > 0) await wait(roundTrip);
    const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
    const found = await fileOf(path, mounts, request.headers["accept-encoding"] ?? "");
    if (!found) return response.writeHead(404, { "content-type": "text/plain" }).end("Not found");
    const { bytes, headers } = found;
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
    const kind = path.startsWith("/models/") ? "model" : "code";
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

/** A file with its headers, in brotli if that is usual and the client accepts it. */
async function fileOf(path, mounts, encodings) {
  const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
  const file = mount && join(mounts[mount], normalize(`/${path.slice(mount.length)}`));
  if (!file || !existsSync(file) || !statSync(file).isFile()) return null;
  const type = COMPRESSED[extname(file)];
  if (!type) return { bytes: read(file), headers: { "content-type": "application/octet-stream" } };
  const headers = { "content-type": type, vary: "accept-encoding" };
  if (!/\bbr\b/.test(encodings)) return { bytes: read(file), headers };
  return { bytes: await compressed(file), headers: { ...headers, "content-encoding": "br" } };
}

const contents = new Map();

function read(path) {
  if (!contents.has(path)) contents.set(path, readFileSync(path));
  return contents.get(path);
}

/** A file as a CDN has it: compressed once, at the highest level. 27 MB take a minute or two. */
async function compressed(path) {
  const key = `${path}.br`;
  if (!contents.has(key)) {
    const bytes = read(path);
    const cached = join(CACHE, `${createHash("sha256").update(bytes).digest("hex")}.br`);
    if (!existsSync(cached)) {
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      };
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(cached, await promisify(brotliCompress)(bytes, { params }));
    }
    contents.set(key, readFileSync(cached));
  }
  return contents.get(key);
}
