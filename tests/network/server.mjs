// A server on plain sockets that fails on demand. It writes each byte of a response itself, so that it can
// lie about lengths, break off anywhere, and send responses that no server library would allow.

import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { tagOf } from "./models.mjs";

/** The maximum size of a request's head, in bytes. */
const MAX_HEAD_BYTES = 1 << 16;
/** Milliseconds that a client has to report that it has read bytes, before the file breaks off anyway. */
const READ_TIMEOUT_MS = 1500;
/** Milliseconds to read the remaining bytes; a client drops unread bytes when a connection breaks. */
const READ_REST_MS = 150;

const REASONS = { 200: "OK", 206: "Partial Content", 302: "Found", 304: "Not Modified", 404: "Not Found" };
/** Headers that let other origins read the files, as on model hubs. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, content-range, retry-after",
};

/**
 * A repository on the server: the `versions` (`old` and `new`) of its files, the `version` that is served,
 * the fault of the file `target`, and its address `url`.
 */
export function startRepository(versions, target) {
  let read;
  const repository = {
    versions,
    target,
    version: "old",
    /** Whether the server sends ETags. */
    tags: true,
    /** Replaces the plain response, or null. */
    fault: null,
    /** How many requests the fault has answered: conditional ones, others, and those for a file's rest. */
    hits: { conditional: 0, plain: 0, rest: 0 },
    hasRead: null,
    /** Resolves once a server that moved to the new version may respond, or null. */
    moved: null,
    /** Called when the client has read bytes of the target. */
    onRead: () => read?.(),
    arm(fault) {
      repository.fault = fault;
      repository.hits = { conditional: 0, plain: 0, rest: 0 };
      repository.hasRead = new Promise((resolve) => (read = resolve));
    },
    disarm: () => void (repository.fault = null),
    /** Closes the repository's own server, and opens it again. */
    down: () => {},
    up: async () => {},
  };
  return repository;
}

/** Starts a server; `pages` answers all other requests. Resolves to `{ origin, add, remove, close }`. */
export async function startServer(pages = () => null) {
  const repositories = new Map();
  const shared = await listen((exchange) => answer(exchange, repositories, pages));
  // Another origin, without faults.
  const mirror = await listen((exchange) => answer(exchange, repositories, pages, false));
  const closing = [shared.close, mirror.close];
  return {
    origin: shared.origin,
    /** Serves a repository below its own path; `ownServer`: on its own port, which can go down. */
    async add(name, repository, ownServer = false) {
      repositories.set(name, repository);
      let { origin } = shared;
      if (ownServer) {
        const own = await listen((exchange) => answer(exchange, repositories, pages));
        closing.push(own.close);
        Object.assign(repository, { down: own.close, up: own.open });
        origin = own.origin;
      }
      repository.url = `${origin}/${name}/`;
      repository.mirror = `${mirror.origin}/${name}/`;
    },
    remove: (name) => repositories.delete(name),
    close: () => Promise.all(closing.map((close) => close())),
  };
}

/** A listener that can be closed, with all its connections, and opened again on the same port. */
async function listen(handle) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // the client may go away
    void serve(socket, handle).catch(() => socket.destroy());
  });
  let port = 0;
  const open = async () => {
    if (server.listening) return;
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = server.address().port;
  };
  await open();
  return {
    origin: `http://127.0.0.1:${port}`,
    open,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Handles the requests of one connection, one after the other. */
async function serve(socket, handle) {
  let head = "";
  for await (const chunk of socket) {
    head += chunk.toString("latin1");
    if (head.length > MAX_HEAD_BYTES) break;
    for (let end = head.indexOf("\r\n\r\n"); end >= 0; end = head.indexOf("\r\n\r\n")) {
      const exchange = startExchange(socket, head.slice(0, end));
      head = head.slice(end + 4);
      await handle(exchange);
      if (socket.destroyed || socket.writableEnded) return;
    }
  }
}

async function answer(exchange, repositories, pages, fails = true) {
  const [, name, file] = /^\/([^/]*)\/?(.*)$/.exec(exchange.path);
  const repository = repositories.get(name);
  if (!repository) return exchange.send(pages(exchange.path) ?? { status: 404 });
  if (exchange.method === "OPTIONS") return exchange.send({ status: 405 });
  if (file === "@read") {
    repository.onRead();
    return exchange.send({ status: 200, body: "read" });
  }
  return fails
    ? answerFile(exchange, repository, file)
    : exchange.send(plainAnswer(repository, file, exchange.headers));
}

/** Responds to a request for a file: correctly, or with the fault. */
async function answerFile(exchange, repository, file) {
  const { headers } = exchange;
  const conditional = headers["if-none-match"] !== undefined;
  const plain = () => plainAnswer(repository, file, headers);
  if (repository.fault && file === repository.target) {
    const kind = conditional ? "conditional" : "plain";
    const nth = exchange.method === "HEAD" ? repository.hits[kind] : repository.hits[kind]++;
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    if (start > 0) repository.hits.rest++;
    return repository.fault({ ...exchange, repository, file, conditional, nth, start, plain });
  }
  return exchange.send(plain());
}

/** The response of a server that supports ETags and ranges. */
export function plainAnswer({ versions, version, tags }, file, { range, "if-range": ifRange, ...headers }) {
  const bytes = versions[version][file];
  if (!bytes) return { status: 404 };
  const etag = tagOf(bytes);
  const own = { "cache-control": "no-cache", ...(tags && { etag }) };
  if (tags && headers["if-none-match"] === etag) return { status: 304, headers: own };
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (start >= bytes.length) return { status: 416, headers: own };
  if (start === 0 || (ifRange !== undefined && !(tags && ifRange === etag)))
    return { status: 200, headers: own, body: bytes };
  const part = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  return { status: 206, headers: { ...own, ...part }, body: bytes.subarray(start) };
}

/** One request, and functions that respond to it. */
function startExchange(socket, head) {
  const [line, ...lines] = head.split("\r\n");
  const [method, path] = line.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const write = (bytes) =>
    new Promise((resolve) => (socket.destroyed ? resolve() : socket.write(bytes, () => resolve())));
  const sendHead = (status, fields) => {
    const all = { ...CORS, date: new Date().toUTCString(), ...fields };
    const text = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return write(`HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n${text.join("")}\r\n`);
  };
  return {
    method,
    path: path.split("?")[0],
    headers,
    write,
    head: sendHead,
    /** Sends a whole response, with its length. */
    async send({ status, headers: fields = {}, body = "" }) {
      const length = status === 304 ? {} : { "content-length": Buffer.byteLength(body) };
      await sendHead(status, { ...length, ...fields });
      if (method !== "HEAD" && body.length > 0) await write(body);
    },
    /** Closes the connection properly, as far as TCP is concerned. */
    async end() {
      socket.end();
    },
    /** Ends the connection with a reset. */
    async reset() {
      socket.resetAndDestroy();
    },
    /** Leaves the client waiting, until it closes the connection. */
    async hang() {
      if (!socket.destroyed) await once(socket, "close");
    },
  };
}

/** Waits until the client has read bytes of the file, so that the fault hits it in the middle of the file. */
export async function untilRead({ hasRead }) {
  const limit = new AbortController();
  await Promise.race([hasRead, sleep(READ_TIMEOUT_MS, null, { signal: limit.signal }).catch(() => {})]);
  limit.abort();
  await sleep(READ_REST_MS);
}
