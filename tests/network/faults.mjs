// Faults with one file of a model: how a server, or a machine in between, responds to requests for it. Each
// fault is a function of one exchange (server.mjs), and writes to its socket.

import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { pauseAfter } from "../../dist/files/download.js";
import { untilRead } from "./server.mjs";

/** How many pieces a slow file arrives in, and the milliseconds between two pieces. */
const DRIP_PIECES = 25;
const DRIP_MS = 40;
/** Milliseconds until a server that goes away does so. */
const SHUTDOWN_DELAY_MS = 300;
/** Milliseconds for which a server that moves to a new version delays its response. */
const MOVE_DELAY_MS = 1500;

const PORTAL =
  "<!DOCTYPE html><html><head><title>Log in</title></head><body>Welcome to our WLAN</body></html>";
const HTML = { "content-type": "text/html; charset=utf-8" };

/** The fault for the first request only; requests that revalidate a copy are counted separately. */
const once = (fault) => (exchange) => (exchange.nth === 0 ? fault(exchange) : healthy(exchange));
const healthy = (exchange) => exchange.send(exchange.plain());
const status =
  (code, headers = {}) =>
  (exchange) =>
    exchange.send({ status: code, headers });

/** The whole file in the version that is served now, whichever part is requested. */
const currentFile = ({ repository, file }) => repository.versions[repository.version][file];

/**
 * Sends the response up to half of the file, then calls `end`: it breaks off at the same byte for each
 * connection, once the client has received these bytes.
 */
const cutBy = (end) => async (exchange) => {
  const { status, headers, body } = exchange.plain();
  if (status === 304) return exchange.send({ status, headers });
  const remaining = Math.max((currentFile(exchange).length >> 1) - exchange.start, 0);
  await exchange.head(status, { ...headers, "content-length": body?.length ?? 0 });
  if (remaining > 0) {
    await exchange.write(body.subarray(0, remaining));
    await untilRead(exchange.repository);
  }
  return end(exchange);
};

const close = (exchange) => exchange.end();
const reset = (exchange) => exchange.reset();
const silent = (exchange) => exchange.hang();

/** Sends a different body instead of the file; `extraHeaders` are added to the file's headers. */
const replaceBody =
  (make, extraHeaders = {}) =>
  async (exchange) => {
    const plain = exchange.plain();
    const body = make(currentFile(exchange));
    await exchange.send({ status: 200, headers: { ...plain.headers, ...extraHeaders }, body });
  };

/** A response whose length is wrong by `difference` bytes; it closes the connection if that is too large. */
const wrongLength = (difference) => async (exchange) => {
  const { status, headers, body = "" } = exchange.plain();
  if (body.length === 0) return exchange.send({ status, headers });
  await exchange.head(status, { ...headers, "content-length": body.length + difference });
  await exchange.write(body);
  if (difference > 0) await exchange.end();
};

/** Breaks off in the middle of the file, then responds with `rest`; revalidations are answered normally. */
const cutThenRest = (rest, move = () => {}) => {
  const cut = cutBy((exchange) => {
    move(exchange.repository);
    return exchange.end();
  });
  return (exchange) => {
    if (exchange.conditional) return healthy(exchange);
    if (exchange.nth === 0) return cut(exchange);
    return exchange.nth === 1 ? rest(exchange) : healthy(exchange);
  };
};

/** Sends a part of the file that starts at a different byte than requested. */
async function otherRange(exchange) {
  const { headers } = exchange.plain();
  const whole = currentFile(exchange);
  const start = Math.max(exchange.start - 100, 1);
  const range = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
  await exchange.send({ status: 206, headers: { ...headers, ...range }, body: whole.subarray(start) });
}

/** Sends the rest of the current version, whichever version the client has the beginning of. */
async function currentRest(exchange) {
  const { headers } = exchange.plain();
  const whole = currentFile(exchange);
  const range = { "content-range": `bytes ${exchange.start}-${whole.length - 1}/${whole.length}` };
  await exchange.send({
    status: 206,
    headers: { ...headers, ...range },
    body: whole.subarray(exchange.start),
  });
}

const moveToNew = (repository) => void (repository.version = "new");

/**
 * Each fault by its name: `description` is read after "the server …", and `respond` sends the faulty response.
 * `tries`: how many attempts in a row fail, each followed by a pause, or by `retryAfter` milliseconds if the server
 * requests them; `stalls`: each attempt lasts until the stall timeout. `resumes`: the client requests the
 * rest of the file. `alone`: on a separate server, which can go down.
 */
export const FAULTS = {
  "closed once": {
    tries: 1,
    description: "closes a connection without an answer, once",
    respond: once(close),
  },
  closed: { tries: Infinity, description: "closes each connection without an answer", respond: close },
  "reset once": { tries: 1, description: "resets a connection, once", respond: once(reset) },
  reset: { tries: Infinity, description: "resets each connection", respond: reset },
  "cut once": {
    resumes: true,
    tries: 1,
    description: "closes the connection in the middle of the file, once",
    respond: once(cutBy(close)),
  },
  cut: { tries: Infinity, description: "closes each connection at the same byte", respond: cutBy(close) },
  "reset midway": {
    resumes: true,
    tries: 1,
    description: "resets the connection in the middle of the file, once",
    respond: once(cutBy(reset)),
  },
  "stalled once": {
    resumes: true,
    tries: 1,
    stalls: true,
    description: "stops in the middle of the file, once",
    respond: once(cutBy(silent)),
  },
  stalled: {
    tries: Infinity,
    stalls: true,
    description: "stops at the same byte each time",
    respond: cutBy(silent),
  },
  "silent once": {
    tries: 1,
    stalls: true,
    description: "takes a request and never answers, once",
    respond: once(silent),
  },
  silent: { tries: Infinity, stalls: true, description: "takes requests and never answers", respond: silent },
  drip: {
    description: "sends the file in small pieces, slowly",
    async respond(exchange) {
      const { status, headers, body = "" } = exchange.plain();
      await exchange.head(status, { ...headers, ...(status !== 304 && { "content-length": body.length }) });
      const piece = Math.ceil(body.length / DRIP_PIECES);
      for (let at = 0; at < body.length; at += piece) {
        await exchange.write(body.subarray(at, at + piece));
        await sleep(DRIP_MS);
      }
    },
  },
  refused: {
    tries: Infinity,
    description: "goes away before this file: connections are refused",
    ownServer: true,
    async respond({ repository }) {
      // Lets the server answer earlier requests first.
      await sleep(SHUTDOWN_DELAY_MS);
      await repository.down();
    },
  },
  "name gone": {
    tries: Infinity,
    description: "redirects to a name that doesn't resolve",
    respond: status(302, { location: "http://models.invalid/model" }),
  },
  "too short": {
    tries: Infinity,
    description: "announces more bytes than it sends",
    respond: wrongLength(100),
  },
  "too short once": {
    tries: 1,
    description: "announces more bytes than it sends, once",
    respond: once(wrongLength(100)),
  },
  "too long": { description: "announces fewer bytes than it sends", respond: wrongLength(-100) },
  "no length, cut": {
    description: "sends no length and closes the connection in the middle of the file",
    async respond(exchange) {
      const { status, headers, body = "" } = exchange.plain();
      await exchange.head(status, { ...headers, connection: "close" });
      await exchange.write(body.slice(0, body.length >> 1));
      await exchange.end();
    },
  },
  "chunks cut": {
    resumes: true,
    tries: 1,
    description: "sends chunks and closes the connection before the last one, once",
    respond: once(async (exchange) => {
      const { status, headers, body = "" } = exchange.plain();
      if (status === 304) return exchange.send({ status, headers });
      const half = body.subarray(0, body.length >> 1);
      await exchange.head(status, { ...headers, "transfer-encoding": "chunked" });
      await exchange.write(`${half.length.toString(16)}\r\n`);
      await exchange.write(half);
      await exchange.write("\r\n");
      await untilRead(exchange.repository);
      await exchange.end();
    }),
  },
  empty: { description: "sends an empty file", respond: replaceBody(() => "") },
  "not gzip": {
    tries: Infinity,
    description: "declares gzip but sends the file uncompressed",
    respond: replaceBody((file) => file, { "content-encoding": "gzip" }),
  },
  "half of gzip": {
    tries: Infinity,
    description: "sends half of the compressed file as if it were complete",
    respond: replaceBody((file) => gzipped(file, 0.5), { "content-encoding": "gzip" }),
  },
  "half of gzip once": {
    tries: 1,
    description: "sends half of the compressed file as if it were complete, once",
    respond: once(replaceBody((file) => gzipped(file, 0.5), { "content-encoding": "gzip" })),
  },
  "gzip undeclared": {
    description: "sends the file compressed and doesn't say so",
    respond: replaceBody((file) => gzipped(file, 1)),
  },
  garbage: {
    tries: Infinity,
    description: "answers with something that isn't HTTP",
    async respond(exchange) {
      await exchange.write("SSH-2.0-OpenSSH_9.6\r\n\r\n");
      await exchange.end();
    },
  },
  "another file": {
    description: "sends config.json instead of the file",
    respond: ({ repository, ...exchange }) =>
      exchange.send({ status: 200, body: repository.versions[repository.version]["config.json"] }),
  },
  "rest whole": {
    resumes: true,
    tries: 1,
    description: "breaks off, then sends the whole file instead of the rest",
    respond: cutThenRest((exchange) =>
      exchange.send({ ...exchange.plain(), status: 200, body: currentFile(exchange) }),
    ),
  },
  "rest elsewhere": {
    resumes: true,
    tries: 1,
    description: "breaks off, then sends other bytes than the rest",
    respond: cutThenRest(otherRange),
  },
  "rest refused": {
    resumes: true,
    tries: 1,
    description: "breaks off, then answers 403 for the rest",
    respond: cutThenRest(status(403)),
  },
  "rest out of range": {
    resumes: true,
    tries: 1,
    description: "breaks off, then answers 416 for the rest",
    respond: cutThenRest(status(416)),
  },
  "rest of another": {
    resumes: true,
    tries: 1,
    description: "breaks off, moves to a new version and sends the rest of that",
    respond: cutThenRest(currentRest, moveToNew),
  },
  "rest of another, no validator": {
    resumes: true,
    tries: 1,
    description: "breaks off, moves to a new version without a validator and sends the rest of that",
    respond(exchange) {
      exchange.repository.tags = false;
      return cutThenRest(currentRest, moveToNew)(exchange);
    },
  },
  "moved midway": {
    resumes: true,
    tries: 1,
    description: "breaks off, then moves to a new version",
    respond: cutThenRest(healthy, moveToNew),
  },
  "moved between": {
    description: "moves to a new version between two files",
    async respond(exchange) {
      const { repository } = exchange;
      if (exchange.nth === 0 && !exchange.conditional) {
        moveToNew(repository);
        repository.moved = sleep(MOVE_DELAY_MS);
      }
      // All wait: another tab may have opened its other files just before.
      await repository.moved;
      await healthy(exchange);
    },
  },
  "moved on": {
    description: "moves to a new version before the second request for the file",
    async respond(exchange) {
      if (exchange.nth === 1) moveToNew(exchange.repository);
      await healthy(exchange);
    },
  },
  "part unrequested": {
    tries: Infinity,
    description: "answers 206 to a request for the whole file",
    async respond(exchange) {
      await otherRange({ ...exchange, start: currentFile(exchange).length >> 1 });
    },
  },
  "304 always": { description: "always answers 304", respond: status(304) },
  "500 once": { tries: 1, description: "answers 500, once", respond: once(status(500)) },
  "500 always": { tries: Infinity, description: "always answers 500", respond: status(500) },
  "503 once": {
    tries: 1,
    retryAfter: 1000,
    description: "answers 503 with Retry-After: 1",
    respond: once(status(503, { "retry-after": "1" })),
  },
  "429 always": {
    description: "answers 429 with Retry-After: 3600",
    respond: status(429, { "retry-after": "3600" }),
  },
  "404 always": { description: "answers 404", respond: status(404) },
  "401 always": { description: "answers 401", respond: status(401) },
  loop: {
    tries: Infinity,
    description: "redirects to the same address forever",
    respond: (exchange) => exchange.send({ status: 302, headers: { location: exchange.path } }),
  },
  elsewhere: {
    description: "redirects to another origin, which has the file",
    respond: (exchange) =>
      exchange.send({ status: 302, headers: { location: `${exchange.repository.mirror}${exchange.file}` } }),
  },
  portal: {
    description: "is behind a captive portal that answers with its own page",
    respond: (exchange) => exchange.send({ status: 200, headers: HTML, body: PORTAL }),
  },
  "portal once": {
    description: "is behind a captive portal that answers with its own page, once",
    respond: once((exchange) => exchange.send({ status: 200, headers: HTML, body: PORTAL })),
  },
};

function gzipped(bytes, share) {
  const packed = gzipSync(bytes);
  return packed.subarray(0, Math.ceil(packed.length * share));
}

/** The maximum time that a fault adds to a load, in milliseconds. */
export function longest(fault, { retries, stallTimeout }) {
  const { tries = 0, stalls = false, retryAfter = 0 } = FAULTS[fault];
  const pauses = Array.from(
    { length: Math.min(tries, retries) },
    (_, tried) => retryAfter || pauseAfter(tried),
  );
  return pauses.reduce((sum, ms) => sum + ms, stalls ? Math.min(tries, retries + 1) * stallTimeout : 0);
}
