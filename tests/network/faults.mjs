// Faults with one file of a model: how a server, or a machine in between, responds to requests for it. Each
// fault is a function of one exchange (server.mjs), and writes to its socket.

import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { pauseAfter } from "../../dist/files/download.js";
import { untilRead } from "./server.mjs";

/** How many pieces a slow file arrives in, and the milliseconds between two pieces. */
const DRIPS = 25;
const DRIP_MS = 40;
/** Milliseconds until a server that goes away does so. */
const GONE_MS = 300;
/** Milliseconds for which a server that moves to a new version delays its response. */
const MOVE_MS = 1500;

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
const wholeOf = ({ repository, file }) => repository.versions[repository.version][file];

/**
 * Sends the response up to half of the file, then calls `end`: it breaks off at the same byte for each
 * connection, once the client has received these bytes.
 */
const brokenBy = (end) => async (exchange) => {
  const { status, headers, body } = exchange.plain();
  if (status === 304) return exchange.send({ status, headers });
  const left = Math.max((wholeOf(exchange).length >> 1) - exchange.start, 0);
  await exchange.head(status, { ...headers, "content-length": body?.length ?? 0 });
  if (left > 0) {
    await exchange.write(body.subarray(0, left));
    await untilRead(exchange.repository);
  }
  return end(exchange);
};

const ended = (exchange) => exchange.end();
const reset = (exchange) => exchange.reset();
const silent = (exchange) => exchange.hang();

/** Sends a different body instead of the file; `also` are headers in addition to those of the file. */
const inPlace =
  (make, also = {}) =>
  async (exchange) => {
    const plain = exchange.plain();
    const body = make(wholeOf(exchange));
    await exchange.send({ status: 200, headers: { ...plain.headers, ...also }, body });
  };

/** A response whose length is wrong by `difference` bytes; it closes the connection if that is too large. */
const lengthWrong = (difference) => async (exchange) => {
  const { status, headers, body = "" } = exchange.plain();
  if (body.length === 0) return exchange.send({ status, headers });
  await exchange.head(status, { ...headers, "content-length": body.length + difference });
  await exchange.write(body);
  if (difference > 0) await exchange.end();
};

/** Breaks off in the middle of the file, then responds with `rest`; revalidations are answered normally. */
const restAs = (rest, move = () => {}) => {
  const cut = brokenBy((exchange) => {
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
  const whole = wholeOf(exchange);
  const start = Math.max(exchange.start - 100, 1);
  const range = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
  await exchange.send({ status: 206, headers: { ...headers, ...range }, body: whole.subarray(start) });
}

/** Sends the rest of the current version, whichever version the client has the beginning of. */
async function restOfNow(exchange) {
  const { headers } = exchange.plain();
  const whole = wholeOf(exchange);
  const range = { "content-range": `bytes ${exchange.start}-${whole.length - 1}/${whole.length}` };
  await exchange.send({
    status: 206,
    headers: { ...headers, ...range },
    body: whole.subarray(exchange.start),
  });
}

const toNew = (repository) => void (repository.version = "new");

/**
 * Each fault by its name: `says` describes it, to be read after "the server …", and `play` simulates it.
 * `tries`: how many attempts in a row fail, each followed by a pause, or by `asks` milliseconds if the server
 * requests them; `stalls`: each attempt lasts until the stall timeout. `resumes`: the client requests the
 * rest of the file. `alone`: on a separate server, which can go down.
 */
export const FAULTS = {
  "closed once": { tries: 1, says: "closes a connection without an answer, once", play: once(ended) },
  closed: { tries: Infinity, says: "closes each connection without an answer", play: ended },
  "reset once": { tries: 1, says: "resets a connection, once", play: once(reset) },
  reset: { tries: Infinity, says: "resets each connection", play: reset },
  "cut once": {
    resumes: true,
    tries: 1,
    says: "closes the connection in the middle of the file, once",
    play: once(brokenBy(ended)),
  },
  cut: { tries: Infinity, says: "closes each connection at the same byte", play: brokenBy(ended) },
  "reset midway": {
    resumes: true,
    tries: 1,
    says: "resets the connection in the middle of the file, once",
    play: once(brokenBy(reset)),
  },
  "stalled once": {
    resumes: true,
    tries: 1,
    stalls: true,
    says: "stops in the middle of the file, once",
    play: once(brokenBy(silent)),
  },
  stalled: {
    tries: Infinity,
    stalls: true,
    says: "stops at the same byte each time",
    play: brokenBy(silent),
  },
  "silent once": {
    tries: 1,
    stalls: true,
    says: "takes a request and never answers, once",
    play: once(silent),
  },
  silent: { tries: Infinity, stalls: true, says: "takes requests and never answers", play: silent },
  drip: {
    says: "sends the file in small pieces, slowly",
    async play(exchange) {
      const { status, headers, body = "" } = exchange.plain();
      await exchange.head(status, { ...headers, ...(status !== 304 && { "content-length": body.length }) });
      const piece = Math.ceil(body.length / DRIPS);
      for (let at = 0; at < body.length; at += piece) {
        await exchange.write(body.subarray(at, at + piece));
        await sleep(DRIP_MS);
      }
    },
  },
  refused: {
    tries: Infinity,
    says: "goes away before this file: connections are refused",
    alone: true,
    async play({ repository }) {
      // Lets the server answer earlier requests first.
      await sleep(GONE_MS);
      await repository.down();
    },
  },
  "name gone": {
    tries: Infinity,
    says: "redirects to a name that doesn't resolve",
    play: status(302, { location: "http://models.invalid/model" }),
  },
  "too short": { tries: Infinity, says: "announces more bytes than it sends", play: lengthWrong(100) },
  "too short once": {
    tries: 1,
    says: "announces more bytes than it sends, once",
    play: once(lengthWrong(100)),
  },
  "too long": { says: "announces fewer bytes than it sends", play: lengthWrong(-100) },
  "no length, cut": {
    says: "sends no length and closes the connection in the middle of the file",
    async play(exchange) {
      const { status, headers, body = "" } = exchange.plain();
      await exchange.head(status, { ...headers, connection: "close" });
      await exchange.write(body.slice(0, body.length >> 1));
      await exchange.end();
    },
  },
  "chunks cut": {
    resumes: true,
    tries: 1,
    says: "sends chunks and closes the connection before the last one, once",
    play: once(async (exchange) => {
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
  empty: { says: "sends an empty file", play: inPlace(() => "") },
  "not gzip": {
    tries: Infinity,
    says: "says gzip and sends the file uncompressed",
    play: inPlace((file) => file, { "content-encoding": "gzip" }),
  },
  "half of gzip": {
    tries: Infinity,
    says: "sends half of the compressed file as if it were complete",
    play: inPlace((file) => gzipped(file, 0.5), { "content-encoding": "gzip" }),
  },
  "half of gzip once": {
    tries: 1,
    says: "sends half of the compressed file as if it were complete, once",
    play: once(inPlace((file) => gzipped(file, 0.5), { "content-encoding": "gzip" })),
  },
  "gzip unsaid": {
    says: "sends the file compressed and doesn't say so",
    play: inPlace((file) => gzipped(file, 1)),
  },
  garbage: {
    tries: Infinity,
    says: "answers with something that isn't HTTP",
    async play(exchange) {
      await exchange.write("SSH-2.0-OpenSSH_9.6\r\n\r\n");
      await exchange.end();
    },
  },
  "another file": {
    says: "sends config.json instead of the file",
    play: ({ repository, ...exchange }) =>
      exchange.send({ status: 200, body: repository.versions[repository.version]["config.json"] }),
  },
  "rest whole": {
    resumes: true,
    tries: 1,
    says: "breaks off, then sends the whole file instead of the rest",
    play: restAs((exchange) => exchange.send({ ...exchange.plain(), status: 200, body: wholeOf(exchange) })),
  },
  "rest elsewhere": {
    resumes: true,
    tries: 1,
    says: "breaks off, then sends other bytes than the rest",
    play: restAs(otherRange),
  },
  "rest refused": {
    resumes: true,
    tries: 1,
    says: "breaks off, then answers 403 for the rest",
    play: restAs(status(403)),
  },
  "rest out of range": {
    resumes: true,
    tries: 1,
    says: "breaks off, then answers 416 for the rest",
    play: restAs(status(416)),
  },
  "rest of another": {
    resumes: true,
    tries: 1,
    says: "breaks off, moves to a new version and sends the rest of that",
    play: restAs(restOfNow, toNew),
  },
  "rest of another, untold": {
    resumes: true,
    tries: 1,
    says: "breaks off, moves to a new version without a validator and sends the rest of that",
    play(exchange) {
      exchange.repository.tags = false;
      return restAs(restOfNow, toNew)(exchange);
    },
  },
  "moved midway": {
    resumes: true,
    tries: 1,
    says: "breaks off, then moves to a new version",
    play: restAs(healthy, toNew),
  },
  "moved between": {
    says: "moves to a new version between two files",
    async play(exchange) {
      if (exchange.nth === 0 && !exchange.conditional) {
        toNew(exchange.repository);
        await sleep(MOVE_MS);
      }
      await healthy(exchange);
    },
  },
  "moved on": {
    says: "moves to a new version before the second request for the file",
    async play(exchange) {
      if (exchange.nth === 1) toNew(exchange.repository);
      await healthy(exchange);
    },
  },
  "part unasked": {
    tries: Infinity,
    says: "answers 206 to a request for the whole file",
    async play(exchange) {
      await otherRange({ ...exchange, start: wholeOf(exchange).length >> 1 });
    },
  },
  "304 unasked": { says: "always answers 304", play: status(304) },
  "500 once": { tries: 1, says: "answers 500, once", play: once(status(500)) },
  "500 always": { tries: Infinity, says: "always answers 500", play: status(500) },
  "503 once": {
    tries: 1,
    asks: 1000,
    says: "answers 503 with Retry-After: 1",
    play: once(status(503, { "retry-after": "1" })),
  },
  "429 always": {
    says: "answers 429 with Retry-After: 3600",
    play: status(429, { "retry-after": "3600" }),
  },
  "404 always": { says: "answers 404", play: status(404) },
  "401 always": { says: "answers 401", play: status(401) },
  loop: {
    tries: Infinity,
    says: "redirects to the same address forever",
    play: (exchange) => exchange.send({ status: 302, headers: { location: exchange.path } }),
  },
  elsewhere: {
    says: "redirects to another origin, which has the file",
    play: (exchange) =>
      exchange.send({ status: 302, headers: { location: `${exchange.repository.mirror}${exchange.file}` } }),
  },
  portal: {
    says: "is behind a portal that answers with its page",
    play: (exchange) => exchange.send({ status: 200, headers: HTML, body: PORTAL }),
  },
  "portal once": {
    says: "is behind a portal that answers with its page, once",
    play: once((exchange) => exchange.send({ status: 200, headers: HTML, body: PORTAL })),
  },
};

function gzipped(bytes, share) {
  const packed = gzipSync(bytes);
  return packed.subarray(0, Math.ceil(packed.length * share));
}

/** The maximum time that a fault adds to a load, in milliseconds. */
export function longest(fault, { retries, stallTimeout }) {
  const { tries = 0, stalls = false, asks = 0 } = FAULTS[fault];
  const pauses = Array.from({ length: Math.min(tries, retries) }, (_, tried) => asks || pauseAfter(tried));
  return pauses.reduce((sum, ms) => sum + ms, stalls ? Math.min(tries, retries + 1) * stallTimeout : 0);
}
