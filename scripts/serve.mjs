// A small static server for the demo and the tests: folders at paths, on one machine, nothing more.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { pipeline } from "node:stream";
import { createGzip } from "node:zlib";
import { ROOT } from "./run.mjs";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/**
 * The headers that isolate a page, and its workers, from other origins: without them a browser gives it no
 * shared memory, and so no threads.
 */
export const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * Serves folders: `mounts` maps a path such as "/models/" to a folder; the longest match wins. Uses the first
 * free port starting at `port` (0: any); `isolated`: with the headers of {@link ISOLATION}; `headers`: with
 * these, too; `compressed`: text with gzip, as sites serve it; `onRequest` is called with each request first.
 * Resolves to `{ url, close }`.
 */
export async function serve(
  mounts,
  {
    port = 0,
    host = "localhost",
    isolated = false,
    compressed = false,
    headers: others = {},
    onRequest = () => {},
  } = {},
) {
  const headers = { ...(isolated ? ISOLATION : {}), ...others };
  const server = createServer((request, response) => {
    onRequest(request);
    answer(mounts, headers, compressed, request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error));
    });
  });
  const taken = await listen(server, port, host);
  return {
    url: `http://${host}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function answer(mounts, headers, compressed, request, response) {
  const path = decodeURIComponent(new URL(request.url, "http://local").pathname);
  const mount = Object.keys(mounts)
    .filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  // `normalize` of an absolute path leaves no way out of the folder.
  const file =
    mount === undefined
      ? null
      : join(
          mounts[mount],
          normalize(`/${path.slice(mount.length)}`),
          path.endsWith("/") ? "index.html" : "",
        );
  const info = file === null || path.includes("\0") ? null : await stat(file).catch(() => null);
  if (!info?.isFile() || !["GET", "HEAD"].includes(request.method)) {
    response.writeHead(404, { ...headers, "content-type": "text/plain; charset=utf-8" });
    return response.end("There is no such file here.\n");
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  const zipped = compressed && /^text|json$/.test(type);
  response.writeHead(200, {
    ...headers,
    "content-type": type,
    ...(zipped ? { "content-encoding": "gzip" } : { "content-length": info.size }),
    "cache-control": "no-cache",
    "last-modified": info.mtime.toUTCString(),
  });
  if (request.method === "HEAD") return response.end();
  const through = zipped ? [createGzip()] : [];
  pipeline(createReadStream(file), ...through, response, () => {});
}

function listen(server, port, host) {
  return new Promise((resolve, reject) => {
    const attempt = (next) => {
      server.once("error", (error) =>
        error.code === "EADDRINUSE" && next < 65535 ? attempt(next + 1) : reject(error),
      );
      server.listen(next, host, () => {
        server.removeAllListeners("error");
        resolve(server.address().port);
      });
    };
    attempt(port);
  });
}

/** Serves the built demo page and its models; `options` as for {@link serve}. */
export function servePage(options) {
  return serve({ "/": join(ROOT, "www/dist"), "/models/": join(ROOT, "models") }, options);
}
