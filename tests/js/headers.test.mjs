// The option `headers`: which requests for a model's files have the headers, and on which servers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { FILES, filesOf, rejects, serveModel, signalled, rejectsAborted } from "./support.mjs";

/** A server that requires the token; returns its address and the tokens that it received. */
async function servePrivate(t, { token = "Bearer one", files = filesOf() } = {}) {
  const seen = [];
  const handler = (request, response) => {
    seen.push(request.headers.authorization ?? null);
    if ((request.headers.authorization ?? null) !== token) return response.writeHead(401).end();
    const bytes = files[request.url.split("/").at(-1)];
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  };
  const { url } = await serveModel(t, {}, Object.fromEntries(FILES.map((name) => [name, handler])));
  return { url, seen };
}

async function answers(t, source, options) {
  const classifier = await Classifier.load(source, { cache: false, ...options });
  t.after(() => classifier.dispose());
  assert.equal((await classifier.classify("a text")).length, 1);
}

for (const worker of [true, false]) {
  for (const [how, headers] of Object.entries({
    record: { Authorization: "Bearer one" },
    Headers: new Headers({ authorization: "Bearer one" }),
    pairs: [["Authorization", "Bearer one"]],
    function: () => ({ Authorization: "Bearer one" }),
    "asynchronous function": async () => new Headers({ authorization: "Bearer one" }),
  })) {
    test(`a private model loads with a ${how}, worker: ${worker}`, async (t) => {
      const { url } = await servePrivate(t);
      await answers(t, url, { headers, worker });
    });
  }
}

test("a function is asked for each request, so that a token may be renewed", async (t) => {
  const { url } = await servePrivate(t);
  const asked = [];
  const headers = (address) => (asked.push(address), { Authorization: "Bearer one" });
  await answers(t, url, { headers });
  assert.deepEqual(asked.sort(), [...FILES, "tokenizer_config.json"].map((name) => url + name).sort());
});

test("sends headers only to the model's own origin; a function decides for itself", async (t) => {
  const [one, two] = [await servePrivate(t), await servePrivate(t, { token: null })];
  const files = {
    "config.json": new URL(`${one.url}config.json`),
    "tokenizer.json": new URL(`${one.url}tokenizer.json`),
    "model.safetensors": new URL(`${two.url}model.safetensors`),
  };
  await answers(t, files, { headers: { Authorization: "Bearer one" } });
  assert.deepEqual(two.seen, [null]);
  await answers(t, files, {
    headers: (url) => (url.startsWith(one.url) ? { Authorization: "Bearer one" } : null),
  });
  assert.deepEqual(two.seen, [null, null]);
});

test("a redirect to another origin drops Authorization", async (t) => {
  const files = filesOf();
  const elsewhere = await servePrivate(t, { token: null });
  const { url } = await serveModel(t, files, {
    "model.safetensors": (_, response) =>
      response
        .writeHead(302, { location: `${elsewhere.url.replace("127.0.0.1", "localhost")}model.safetensors` })
        .end(),
  });
  await answers(t, url, { headers: { Authorization: "Bearer one" } });
  assert.deepEqual(elsewhere.seen, [null]);
});

test("a function that throws or rejects fails the load", async (t) => {
  const { url } = await servePrivate(t);
  for (const headers of [
    () => {
      throw new Error("no token today");
    },
    async () => Promise.reject(new Error("no token today")),
  ])
    await rejects(
      "invalid_argument",
      Classifier.load(url, { headers, cache: false }),
      /headers failed.*no token/,
    );
});

/** All the text of an error. */
const allTextOf = ({ message, stack, cause }) =>
  `${message} ${stack} ${cause?.message ?? cause ?? ""} ${cause?.stack ?? ""}`;

test("rejects invalid header values without repeating them", async (t) => {
  const { url, seen } = await servePrivate(t);
  const invalid = { Authorization: "Bearer s3cret\nof mine" }; // a token with a line break
  for (const worker of [true, false])
    for (const headers of [invalid, () => invalid, async () => [["s3cret name", "x"]], () => "s3cret"]) {
      const options = { headers, worker, cache: false };
      const error = await rejects("invalid_argument", Classifier.load(url, options), /headers/);
      assert.doesNotMatch(allTextOf(error), /s3cret/);
    }
  assert.deepEqual(seen, []);
});

test("no error repeats a header", async (t) => {
  const answers = {
    refused: (_, response) => response.writeHead(401).end(),
    redirected: (_, response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end(),
    endless: (request, response) => response.writeHead(302, { location: request.url }).end(),
    cut: (_, response) => (response.writeHead(200, { "content-length": 100 }), response.destroy()),
    repeated: (request, response) => response.end(`{ "${request.headers.authorization}`), // an echo
  };
  const headers = { Authorization: "Bearer s3cret-of-mine", "X-Key": "s3cret too" };
  for (const [how, answer] of Object.entries(answers))
    for (const worker of [true, false]) {
      const { url, requests } = await serveModel(t, {}, { "config.json": answer });
      const error = await Classifier.load(url, { headers, worker, cache: false }).catch((thrown) => thrown);
      assert.ok(error instanceof Error && requests.length > 0, how);
      assert.doesNotMatch(allTextOf(error), /s3cret/, how);
    }
});

test("aborts while a headers function never resolves", async (t) => {
  const { url } = await servePrivate(t);
  const controller = new AbortController();
  const asked = signalled();
  const headers = () => (asked.resolve(), new Promise(() => {}));
  const loading = rejectsAborted(Classifier.load(url, { headers, signal: controller.signal, cache: false }));
  await asked.promise;
  controller.abort();
  await loading;
});
