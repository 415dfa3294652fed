// Connections that break, stall or are refused: a download resumes where it stopped, or reports why it can't.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Classifier } from "tabsense";
import { download } from "../../dist/files/download.js";
import { filesOf, rejects, rejectsAborted, rounded, serveModel, signalled, tiny } from "./support.mjs";

const WEIGHTS = "model.safetensors";
const ETAG = '"one"';

/** Sends a response's head for `bytes`, as a server that supports ranges does. Returns the body to send. */
function answer(request, response, bytes, { etag = ETAG, ranges = true } = {}) {
  const start = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
  const headers = { "content-length": bytes.length - start, ...(etag ? { etag } : {}) };
  const fits = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  if (start > 0 && fits) {
    response.writeHead(206, {
      ...headers,
      "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    });
    return bytes.subarray(start);
  }
  response.writeHead(200, { ...headers, "content-length": bytes.length });
  return bytes;
}

/**
 * A server that handles the requests for the weights with `turns`, one after the other, and all further ones
 * with the last. Returns a record of the requests.
 */
async function serveTurns(t, turns, files = filesOf()) {
  const seen = [];
  const { url, origin } = await serveModel(t, files, {
    [WEIGHTS]: (request, response) => {
      seen.push({
        range: request.headers.range ?? null,
        ifRange: request.headers["if-range"] ?? null,
        at: performance.now(),
      });
      return turns[Math.min(seen.length, turns.length) - 1](request, response, files[WEIGHTS]);
    },
  });
  return { url, origin, seen, files };
}

const whole = (options) => (request, response, bytes) =>
  response.end(answer(request, response, bytes, options));
/** Sends `share` of the requested bytes, then cuts the connection. */
const cut = (share, options) => (request, response, bytes) => {
  const body = answer(request, response, bytes, options);
  response.write(body.subarray(0, Math.floor(body.length * share)), () =>
    setTimeout(() => response.destroy(), 250),
  );
};

/** Loads from `url` and compares its answer with that of the same model from disk. */
async function loads(t, url, options) {
  const classifier = await Classifier.load(url, options);
  t.after(() => classifier.dispose());
  const original = await tiny(t);
  const text = "the same numbers over any number of connections";
  assert.deepEqual(
    rounded(await classifier.classify(text, { topK: null })),
    rounded(await original.classify(text, { topK: null })),
  );
}

/** Downloads the weights from `url` with the test's own timeouts. */
async function downloaded(url, options) {
  const opened = await download(
    url + WEIGHTS,
    { retries: 3, stall: 30_000, ...options },
    new AbortController().signal,
  );
  return new Uint8Array(await new Response(opened.body).arrayBuffer());
}

test("resumes a broken connection where it ended", async (t) => {
  const { url, seen, files } = await serveTurns(t, [cut(0.5), cut(0.5), whole()]);
  await loads(t, url);
  const half = files[WEIGHTS].length / 2;
  assert.deepEqual(
    seen.map(({ ifRange }) => ifRange),
    [null, ETAG, ETAG],
  );
  assert.deepEqual(
    seen.map(({ range }) => range),
    [
      null,
      `bytes=${Math.floor(half)}-`,
      `bytes=${Math.floor(half) + Math.floor((files[WEIGHTS].length - Math.floor(half)) * 0.5)}-`,
    ],
  );
});

test("a server without ranges sends the file again, and what was read is skipped", async (t) => {
  const { url, seen } = await serveTurns(t, [cut(0.6, { ranges: false }), whole({ ranges: false })]);
  await loads(t, url);
  assert.equal(seen.length, 2);
});

test("a file that changed meanwhile is read from its start", async (t) => {
  const { url, seen } = await serveTurns(t, [cut(0.5), whole({ etag: '"two"' }), whole({ etag: '"two"' })]);
  await loads(t, url);
  assert.deepEqual(
    seen.map(({ range }) => range !== null),
    [false, true, false],
  );
});

test("reads from the start if neither versions nor ranges are available", async (t) => {
  const { url, seen } = await serveTurns(t, [
    cut(0.5, { etag: null, ranges: false }),
    whole({ etag: null, ranges: false }),
  ]);
  await loads(t, url);
  assert.equal(seen.length, 3);
});

test("rejects a part that may belong to another version", async (t) => {
  const files = filesOf();
  const other = new Uint8Array(files[WEIGHTS]).fill(0, 20_000);
  const { url, seen } = await serveTurns(
    t,
    [
      cut(0.5, { etag: null }),
      (request, response) => response.end(answer(request, response, other, { etag: null })),
      whole({ etag: null }),
    ],
    files,
  );
  await loads(t, url);
  assert.deepEqual(
    seen.map(({ range }) => range !== null),
    [false, true, false],
  );
});

test("a file that never stays the same ends with an error", async (t) => {
  let version = 0;
  const { url } = await serveTurns(t, [
    (request, response, bytes) => cut(0.5, { etag: `"${version++}"` })(request, response, bytes),
  ]);
  await rejects("network", Classifier.load(url), /repeatedly/);
});

test("a connection that stalls counts as broken", async (t) => {
  const { url, seen, files } = await serveTurns(t, [
    (request, response, bytes) => response.write(answer(request, response, bytes).subarray(0, 5000)),
    whole(),
  ]);
  assert.deepEqual(await downloaded(url, { stall: 200 }), files[WEIGHTS]);
  assert.deepEqual(
    seen.map(({ range }) => range),
    [null, "bytes=5000-"],
  );
});

test("a server that never answers", async (t) => {
  const { url, seen } = await serveTurns(t, [() => {}]);
  await rejects("network", downloaded(url, { stall: 100, retries: 1 }), /no byte for 0\.1 seconds/);
  assert.equal(seen.length, 2);
});

test("stops retrying after growing delays", async (t) => {
  const { url, seen } = await serveTurns(t, [cut(0.5), (_, response) => response.destroy()]);
  await rejects("network", Classifier.load(url), /could not be fetched/);
  assert.equal(seen.length, 4, "one, and three more");
  const pauses = seen.slice(1).map(({ at }, i) => at - seen[i].at);
  assert.ok(pauses[2] > pauses[1] * 2, `${pauses}`);
});

test("fails at once without retries", async (t) => {
  const { url, seen } = await serveTurns(t, [cut(0.5)]);
  await assert.rejects(downloaded(url, { retries: 0 }));
  assert.equal(seen.length, 1);
});

test("received bytes reset the retries", async (t) => {
  const { url, seen, files } = await serveTurns(t, [...Array.from({ length: 5 }, () => cut(0.2)), whole()]);
  assert.deepEqual(await downloaded(url, { retries: 1 }), files[WEIGHTS]);
  assert.equal(seen.length, 6);
});

for (const status of [429, 503]) {
  test(`a server that is busy (${status}) is asked again when it says`, async (t) => {
    const { url, seen } = await serveTurns(t, [
      (_, response) => response.writeHead(status, { "retry-after": "1" }).end(),
      whole(),
    ]);
    await loads(t, url);
    const pause = seen[1].at - seen[0].at;
    assert.ok(pause >= 950 && pause < 3000, `${pause} ms`);
  });
}

test("a range that the server can't satisfy means another file", async (t) => {
  const { url, seen } = await serveTurns(t, [
    cut(0.5),
    (_, response) => response.writeHead(416).end(),
    whole(),
  ]);
  await loads(t, url);
  assert.equal(seen.length, 3);
});

test("a compressed download that breaks restarts instead of requesting a range of compressed bytes", async (t) => {
  const files = filesOf();
  const packed = gzipSync(files[WEIGHTS]);
  const headers = { etag: ETAG, "content-encoding": "gzip", "content-length": packed.length };
  const { url, seen } = await serveTurns(t, [
    (_, response) => {
      response
        .writeHead(200, headers)
        .write(packed.subarray(0, packed.length / 2), () => setTimeout(() => response.destroy(), 250));
    },
    (_, response) => response.writeHead(200, headers).end(packed),
  ]);
  await loads(t, url);
  assert.deepEqual(
    seen.map(({ range }) => range),
    [null, null],
  );
});

test("never uses an answer for another range", async (t) => {
  const wrong = (request, response, bytes) =>
    response
      .writeHead(206, {
        etag: ETAG,
        "content-length": bytes.length - 7,
        "content-range": `bytes 7-${bytes.length - 1}/${bytes.length}`,
      })
      .end(bytes.subarray(7));
  const { url, seen } = await serveTurns(t, [cut(0.5), wrong, whole()]);
  await loads(t, url);
  assert.equal(seen.length, 3);
});

test("an abort ends a pause at once", async (t) => {
  const broken = signalled();
  const { url } = await serveTurns(t, [
    (_, response) => (response.writeHead(503, { "retry-after": "30" }).end(), broken.resolve()),
  ]);
  const controller = new AbortController();
  const loading = rejectsAborted(Classifier.load(url, { signal: controller.signal }));
  await broken.promise;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  controller.abort();
  await loading;
  assert.ok(performance.now() - start < 1000);
});

// Integrity.

const sha256 = (bytes, encoding) => `sha256-${createHash("sha256").update(bytes).digest(encoding)}`;

for (const encoding of ["base64", "hex"]) {
  test(`files of the promised digests load (${encoding})`, async (t) => {
    const { url, files } = await serveTurns(t, [whole()]);
    await loads(t, url, {
      integrity: Object.fromEntries(
        Object.entries(files).map(([name, bytes]) => [name, sha256(bytes, encoding)]),
      ),
    });
  });
}

test("a digest covers all connections of a download", async (t) => {
  const { url, files } = await serveTurns(t, [cut(0.5), whole()]);
  await loads(t, url, { integrity: { [WEIGHTS]: sha256(files[WEIGHTS], "hex") } });
});

for (const file of ["config.json", "tokenizer.json", WEIGHTS]) {
  test(`${file} with one bit changed is refused`, async (t) => {
    const files = filesOf();
    const integrity = { [file]: sha256(files[file], "base64") };
    // White space after the JSON, and a weight's lowest bit: only the digest notices.
    const at = file === WEIGHTS ? files[file].length - 4 : files[file].lastIndexOf(0x7d);
    if (file === WEIGHTS) files[file][at] ^= 1;
    else files[file] = new Uint8Array([...files[file], 0x20]);
    await rejects(
      "integrity",
      Classifier.load(files, { integrity }),
      new RegExp(`${file} doesn't match its digest`),
    );
    const { url } = await serveModel(t, files);
    await rejects("integrity", Classifier.load(url, { integrity }));
  });
}

// Responses and streams.

test("responses and streams are sources, in a worker and in place", async (t) => {
  const { url, files } = await serveTurns(t, [whole()]);
  for (const worker of [true, false]) {
    await loads(
      t,
      {
        "config.json": await fetch(`${url}config.json`),
        "tokenizer.json": new Blob([files["tokenizer.json"]]).stream(),
        [WEIGHTS]: await fetch(url + WEIGHTS),
      },
      { worker },
    );
    await loads(
      t,
      {
        "config.json": new URL(`${url}config.json`),
        "tokenizer.json": files["tokenizer.json"],
        [WEIGHTS]: new Blob([files[WEIGHTS]]).stream(),
      },
      { worker },
    );
  }
});

test("rejects responses and streams that can't be used", async (t) => {
  const { url } = await serveTurns(t, [whole()]);
  const files = filesOf();
  const locked = new Blob([files[WEIGHTS]]).stream();
  locked.getReader();
  await rejects("invalid_argument", Classifier.load({ ...files, [WEIGHTS]: locked }), /already being read/);
  await rejects(
    "network",
    Classifier.load({ ...files, [WEIGHTS]: await fetch(`${url}nothing`) }),
    /status 404/,
  );
  const short = new Response(files[WEIGHTS].slice(0, 5000));
  await rejects("weights_length", Classifier.load({ ...files, [WEIGHTS]: short }));
  const failing = new ReadableStream({
    pull: (controller) => controller.error(new Error("the source gave up")),
  });
  await rejects("network", Classifier.load({ ...files, [WEIGHTS]: failing }), /the source gave up/);
});

// Options.

for (const [name, options, message] of [
  [
    "integrity of another file",
    { integrity: { "weights.bin": `sha256-${"0".repeat(64)}` } },
    /not a model file/,
  ],
  ["a digest of another kind", { integrity: { [WEIGHTS]: "sha384-abc" } }, /must be "sha256-"/],
  ["a digest that is cut", { integrity: { [WEIGHTS]: "sha256-abc" } }, /must be "sha256-"/],
  ["integrity that is a string", { integrity: "sha256-abc" }, /must be an object/],
  ["headers of a text", { headers: "Authorization" }, /headers by name, or a function/],
  ["a header's name with a space", { headers: { "a b": "c" } }, /headers by name, or a function/],
  ["an option that is gone", { retries: 1 }, /Unknown option "retries"/],
  ["cache of a number", { cache: 1 }, /true or false/],
]) {
  test(`rejects a wrong option: ${name}`, () =>
    rejects("invalid_argument", Classifier.load("x/y", options), message));
}
