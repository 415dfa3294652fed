// Servers that fail in every possible way: each failure has a kind, and names the file that failed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { Classifier } from "tabsense";
import { FILES, filesOf, loadRequest, rejects, rounded, serveModel, tiny } from "./support.mjs";
import { loadModel } from "../../dist/worker/loading.js";
import { nodeHost } from "../../dist/platform/node.js";

/** Loads a model; `handler` answers the requests for `file`. */
async function loadWith(t, file, handler, files = filesOf()) {
  const { url } = await serveModel(t, files, {
    [file]: (request, response) => handler(response, files[file]),
  });
  return Classifier.load(url);
}

for (const file of FILES) {
  test(`${file}: 404`, async (t) => {
    await rejects(
      "network",
      loadWith(t, file, (response) => response.writeHead(404).end("no")),
      new RegExp(`${file} answered 404`),
    );
  });

  test(`${file}: 500`, async (t) => {
    await rejects(
      "network",
      loadWith(t, file, (response) => response.writeHead(500).end("oh")),
      new RegExp(`${file} answered 500`),
    );
  });

  test(`${file}: a web page instead of the file`, async (t) => {
    const page = "\n<!DOCTYPE html><html><body>Not found</body></html>";
    await rejects(
      "not_a_model",
      loadWith(t, file, (response) => response.writeHead(200, { "content-type": "text/html" }).end(page)),
      new RegExp(`${file} is a web page`),
    );
  });

  test(`${file}: a web page that comes letter by letter`, async (t) => {
    await rejects(
      "not_a_model",
      loadWith(t, file, async (response) => {
        for (const letter of "<!doctype html><title>x</title>") {
          response.write(letter);
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      }),
      /web page/,
    );
  });

  test(`${file}: empty`, async (t) => {
    await rejects(
      "not_a_model",
      loadWith(t, file, (response) => response.writeHead(200, { "content-length": 0 }).end()),
      /is empty/,
    );
  });

  test(`${file}: a Git LFS pointer`, async (t) => {
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4665a5\nsize 12345\n";
    await rejects(
      "not_a_model",
      loadWith(t, file, (response) => response.writeHead(200).end(pointer)),
      /Git LFS/,
    );
  });

  test(`${file}: the connection breaks in the middle`, async (t) => {
    await rejects(
      "network",
      loadWith(t, file, (response, bytes) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, bytes.length >> 1), () => setTimeout(() => response.destroy(), 20));
      }),
      new RegExp(`${file} broke after \\d+ bytes, .* repeatedly`),
    );
  });

  test(`${file}: the connection breaks before the answer`, async (t) => {
    await rejects(
      "network",
      loadWith(t, file, (response) => response.destroy()),
      new RegExp(`${file} could not be fetched`),
    );
  });
}

test("fails without a server", async () => {
  await rejects("network", Classifier.load("http://127.0.0.1:9/model/"), /127\.0\.0\.1:9/);
});

test("the weights end early, and their length is unknown", async (t) => {
  await rejects(
    "weights_length",
    loadWith(
      t,
      "model.safetensors",
      (response, bytes) => (response.write(bytes.subarray(0, 5000)), response.end()),
    ),
  );
});

test("the weights end early within the header", async (t) => {
  await rejects(
    "weights_length",
    loadWith(
      t,
      "model.safetensors",
      (response, bytes) => (response.write(bytes.subarray(0, 90)), response.end()),
    ),
  );
});

test("the weights continue after their end", async (t) => {
  await rejects(
    "weights_length",
    loadWith(
      t,
      "model.safetensors",
      (response, bytes) => (response.write(bytes), response.end(new Uint8Array(10))),
    ),
  );
});

test("the weights never end", async (t) => {
  await rejects(
    "weights_length",
    loadWith(t, "model.safetensors", (response, bytes) => {
      response.write(bytes);
      const more = () =>
        !response.destroyed && response.write(new Uint8Array(1 << 16), () => setImmediate(more));
      more();
    }),
  );
});

test("a configuration that never ends", async (t) => {
  await rejects(
    "not_a_model",
    loadWith(t, "config.json", (response) => {
      const more = () => !response.destroyed && response.write(" ".repeat(1 << 16), () => setImmediate(more));
      more();
    }),
    /config\.json is longer than/,
  );
});

test("a configuration that is cut off", async (t) => {
  await rejects(
    "config_invalid",
    loadWith(t, "config.json", (response, bytes) => (response.write(bytes.subarray(0, 40)), response.end())),
  );
});

test("compressed answers, whose length is that of the compressed bytes", async (t) => {
  const files = filesOf();
  const handlers = Object.fromEntries(
    FILES.map((name) => [
      name,
      (_, response) => {
        const body = gzipSync(files[name]);
        response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length }).end(body);
      },
    ]),
  );
  const { url } = await serveModel(t, files, handlers);
  const classifier = await Classifier.load(url);
  t.after(() => classifier.dispose());
  const original = await tiny(t);
  assert.deepEqual(await classifier.classify("a text"), await original.classify("a text"));
});

test("weights that wait for other files survive garbage collection", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const files = filesOf();
  const { url } = await serveModel(t, files, {
    async "config.json"(_, response) {
      for (let i = 0; i < 5; i++) {
        await sleep(20);
        collect();
      }
      response.end(files["config.json"]);
    },
  });
  const classifier = await Classifier.load(url, { worker: false });
  t.after(() => classifier.dispose());
  assert.equal((await classifier.classify("a text")).length, 1);
});

test("any split of the stream gives the same model", async (t) => {
  const text = "the same numbers, however the bytes come";
  const expected = rounded(await (await tiny(t)).classify(text, { topK: null }));
  const files = filesOf();
  const weights = files["model.safetensors"];
  const small = weights.length > 200_000 ? 997 : 61;
  for (const sizes of [[small], [1, 7, 64, 4096, 30_000], [8], [weights.length - 1, 1]]) {
    const pieces = [];
    for (let at = 0, i = 0; at < weights.length; i++)
      pieces.push(weights.subarray(at, (at += sizes[i % sizes.length])));
    // A Blob's own stream would join the pieces; this one yields each of them separately.
    const body =
      sizes.length === 1 && sizes[0] === 8 ? pieces.slice(0, 2000).concat(weights.subarray(16_000)) : pieces;
    const blob = Object.assign(new Blob([weights]), { stream: () => ReadableStream.from(body) });
    const classifier = await Classifier.load({ ...files, "model.safetensors": blob }, { worker: false });
    assert.deepEqual(
      rounded(await classifier.classify(text, { topK: null })),
      expected,
      `pieces of ${sizes}`,
    );
    await classifier.dispose();
  }
});

for (const [name, change, kind] of [
  [
    "the header's length lies",
    (bytes) => new DataView(bytes.buffer).setBigUint64(0, 1n << 60n, true),
    "weights_header",
  ],
  ["the header is not JSON", (bytes) => bytes.fill(0x21, 8, 40), "weights_header"],
  ["a weight is not a number", (bytes) => bytes.fill(0xff, bytes.length - 4), "weights_not_finite"],
]) {
  test(`hostile weights: ${name}`, async () => {
    const files = filesOf();
    change(files["model.safetensors"]);
    await rejects(kind, Classifier.load(files));
  });
}

test("a failed load doesn't affect the next one, also without a worker", async (t) => {
  for (const worker of [true, false]) {
    await rejects(
      "config_invalid",
      Classifier.load({ ...filesOf(), "config.json": new TextEncoder().encode("{") }, { worker }),
    );
    const classifier = await tiny(t, { worker });
    assert.equal((await classifier.classify("fine")).length, 1);
  }
});

test("reports missing weights at once, without waiting for the graphics card", async (t) => {
  const { "model.safetensors": _, ...files } = filesOf();
  const { url } = await serveModel(t, {});
  const never = new Promise(() => {});
  const placement = { both: true, reason: null, request: () => never, recovers: () => false };
  const request = loadRequest({ ...files, "model.safetensors": { url: `${url}model.safetensors` } });
  await rejects(
    "network",
    loadModel(
      { host: nodeHost, request, placement, runtime: null, headers: null, onConfig: null },
      new AbortController().signal,
      () => {},
    ),
    /404/,
  );
});

const gzipped = (files, name) => new Uint8Array(gzipSync(files[name]));
const text = (string) => new TextEncoder().encode(string);
/** The start of a zip archive with one stored entry that no checkpoint has. */
function archived() {
  const header = Buffer.alloc(30);
  header.write("PK\x03\x04", "latin1");
  header.writeUInt16LE(20, 4); // the version needed to extract it
  header.writeUInt16LE("word/document.xml".length, 26);
  return new Uint8Array(Buffer.concat([header, Buffer.from("word/document.xml")]));
}

for (const [what, message, make, names] of [
  ["a page behind blank lines", /a web page/, () => text(`${"\n".repeat(80)}<!doctype html><title>x`), FILES],
  ["a page behind a byte order mark", /a web page/, () => text("\ufeff<html></html>"), FILES],
  ["a page that begins with a script", /a web page/, () => text("<script src=/x.js></script>"), FILES],
  ["gzip", /compressed with gzip/, gzipped, FILES],
  ["UTF-16", /UTF-16/, () => new Uint8Array(Buffer.from('\ufeff{"a": 1}', "utf16le")), FILES.slice(0, 2)],
  ["another archive", /a zip archive that torch\.save did not write/, archived, FILES.slice(2)],
  ["GGUF", /GGUF/, () => text("GGUF\x03\0\0\0rest of the file"), FILES.slice(2)],
  ["an index of weights", /is JSON.*index/, () => text('{"weight_map": {}}'), FILES.slice(2)],
]) {
  for (const name of names) {
    test(`${name}: ${what} is named`, async () => {
      const files = filesOf();
      await rejects("not_a_model", Classifier.load({ ...files, [name]: make(files, name) }), message);
    });
  }
}

test("a byte order mark in front of JSON is left out", async (t) => {
  const files = filesOf();
  for (const name of FILES.slice(0, 2)) files[name] = Buffer.concat([Buffer.from("\ufeff"), files[name]]);
  const classifier = await Classifier.load(files);
  t.after(() => classifier.dispose());
  assert.equal((await classifier.classify("a text")).length, 1);
});

for (const status of [401, 403]) {
  test(`${status}: the sentence says what to do about a private model`, async (t) => {
    const error = await loadWith(t, "config.json", (response) => response.writeHead(status).end()).catch(
      (e) => e,
    );
    assert.equal(error.kind, "network");
    assert.match(error.message, /private or gated.*`headers`/);
  });
}
