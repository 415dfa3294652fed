// The service on Node, over real HTTP.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { Classifier, Embedder } from "tabsense";
import { createApp } from "../app.mjs";
import { createModel } from "../service/model.mjs";
import { start } from "../node.mjs";
import { HOURS, post, ready, refused, SENTIMENT, spawned, TINY } from "./support.mjs";

/** A few seconds of work in one call within the limits: many texts, each longer than the model reads. */
const LONG = Array(60).fill("a word and another one ".repeat(150));

/** A call as options of fetch, and its answer in the form that `post` returns. */
const CALL = { method: "POST", headers: { "content-type": "application/json" }, body: '{ "text": "a" }' };
const answered = async (response) => ({
  status: response.status,
  headers: response.headers,
  body: await response.json(),
});

let service;
before(async () => {
  service = await start({ source: SENTIMENT, port: 0, load: { threads: 1 } });
  await ready(service);
});
after(() => service?.stop());

test("one text, its best label", async () => {
  const { status, body, headers } = await post(service.url, { text: "A delight from start to finish." });
  assert.equal(status, 200);
  assert.match(headers.get("content-type"), /^application\/json/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(body.results.length, 1);
  assert.deepEqual(
    body.results[0].map(({ label }) => label),
    ["POSITIVE"],
  );
});

test("many texts, all labels", async () => {
  const { status, body } = await post(service.url, {
    texts: ["A delight from start to finish.", HOURS],
    topK: null,
  });
  assert.equal(status, 200);
  assert.deepEqual(
    body.results.map((scores) => scores.map(({ label }) => label)),
    [
      ["POSITIVE", "NEUTRAL", "NEGATIVE"],
      ["NEGATIVE", "NEUTRAL", "POSITIVE"],
    ],
  );
  for (const scores of body.results)
    assert.ok(Math.abs(scores.reduce((sum, { score }) => sum + score, -1)) < 1e-5);
});

test("an empty text has no labels, and the others theirs", async () => {
  const { status, body } = await post(service.url, { texts: ["A delight from start to finish.", " "] });
  assert.equal(status, 200);
  assert.deepEqual(
    body.results.map((scores) => scores.length),
    [1, 0],
  );
});

test("a text longer than the model takes says that it was cut", async () => {
  const { body } = await post(service.url, { text: LONG[0] });
  assert.equal(body.results[0][0].truncated, true);
});

for (const [name, body, status, kind] of [
  ["no object", [], 400, "invalid_argument"],
  ["neither text nor texts", {}, 400, "invalid_argument"],
  ["both", { text: "a", texts: ["b"] }, 400, "invalid_argument"],
  ["a misspelt field", { text: "a", topk: 2 }, 400, "invalid_argument"],
  ["a number for a text", { text: 7 }, 400, "invalid_argument"],
  ["null for a text", { text: null }, 400, "invalid_argument"],
  ["a number among the texts", { texts: ["a", 7] }, 400, "invalid_argument"],
  ["no texts", { texts: [] }, 400, "invalid_argument"],
  ["topK 0", { text: "a", topK: 0 }, 400, "invalid_argument"],
  ["topK in words", { text: "a", topK: "2" }, 400, "invalid_argument"],
  ["too many texts", { texts: Array(65).fill("a") }, 413, "too_many_texts"],
  ["a text too long", { text: "a".repeat(10_001) }, 413, "text_too_long"],
  ["a body too large", { texts: Array(60).fill("a".repeat(9_000)) }, 413, "body_too_large"],
]) {
  test(`refused: ${name}`, async () => refused(await post(service.url, body), status, kind));
}

test("refused: what is not JSON, or does not say that it is", async () => {
  const send = async (body, type) => {
    const response = await fetch(`${service.url}/classify`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  refused(await send("{", "application/json"), 400, "invalid_json");
  refused(await send('{ "text": "a" }', "text/plain"), 415, "unsupported_media_type");
  assert.equal((await send('{ "text": "a" }', "application/json; charset=utf-8")).status, 200);
});

test("a body too large is refused, also where nothing told its length", async () => {
  const { status, body } = await new Promise((resolve, reject) => {
    const request = ask(
      `${service.url}/classify`,
      { method: "POST", headers: { "content-type": "application/json", "transfer-encoding": "chunked" } },
      async (response) => {
        let text = "";
        for await (const piece of response.setEncoding("utf8")) text += piece;
        resolve({ status: response.statusCode, body: JSON.parse(text) });
      },
    );
    request.on("error", reject);
    request.write('{ "text": "');
    for (let i = 0; i < 10; i++) request.write("a".repeat(1 << 16));
    request.end('" }');
  });
  assert.equal(status, 413);
  assert.equal(body.error.kind, "body_too_large");
});

test("other addresses and methods", async () => {
  const get = async (path, method = "GET") => {
    const response = await fetch(service.url + path, { method });
    return {
      status: response.status,
      headers: response.headers,
      body: method === "HEAD" ? null : await response.json(),
    };
  };
  refused(await get("/"), 404, "not_found");
  const wrong = await get("/classify");
  refused(wrong, 405, "method_not_allowed");
  assert.equal(wrong.headers.get("allow"), "POST");
  refused(await get("/health", "POST"), 405, "method_not_allowed");
  assert.equal((await get("/health", "HEAD")).status, 200);
  assert.deepEqual((await get("/health")).body, { status: "ready", calls: 0 });
});

test("with as many calls as are taken, the next one is told to come again, and then is answered", async (t) => {
  const busy = await start({ source: SENTIMENT, port: 0, limits: { calls: 2 }, load: { threads: 1 } });
  t.after(() => busy.stop());
  await ready(busy);
  const hangUp = new AbortController();
  const under = [1, 2].map(() =>
    post(busy.url, { texts: LONG.slice(0, 40) }, hangUp.signal).catch((error) => error.name),
  );
  while ((await (await fetch(`${busy.url}/health`)).json()).calls < 2)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const { status, body, headers } = await post(busy.url, { text: "a" });
  refused({ status, body, headers }, 429, "busy");
  assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
  hangUp.abort(); // a caller that hangs up frees a place
  assert.deepEqual(await Promise.all(under), ["AbortError", "AbortError"]);
  while ((await (await fetch(`${busy.url}/health`)).json()).calls > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await post(busy.url, { text: "a" })).status, 200);
});

test("a call that takes too long is ended, and the next one is answered", async (t) => {
  const hasty = await start({ source: SENTIMENT, port: 0, limits: { time: 2000 }, load: { threads: 1 } });
  t.after(() => hasty.stop());
  await ready(hasty);
  refused(await post(hasty.url, { texts: LONG }), 504, "timeout");
  assert.equal((await post(hasty.url, { text: "a" })).status, 200);
});

test("while there is no model, health says so, and calls are told to come again", async (t) => {
  const broken = await start({ source: "http://127.0.0.1:9/model/", port: 0 });
  t.after(() => broken.stop());
  const answer = await post(broken.url, { text: "a" });
  refused(answer, 503, "model_unavailable");
  assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/);
  const health = await fetch(`${broken.url}/health`);
  assert.equal(health.status, 503);
  assert.match((await health.json()).status, /^(failed|loading)$/);
});

/** Serves the tiny model's files; `state` can make it fail (`broken`) or never answer (`silent`). */
async function serveTiny(t, state) {
  const server = createServer((request, response) => {
    if (state.silent) return;
    if (state.broken || !existsSync(`${TINY}${request.url}`)) return response.writeHead(404).end();
    response.end(readFileSync(`${TINY}${request.url}`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${server.address().port}/`;
}

/** Records what node.mjs loads from now on: a promise of each classifier. */
function watchLoads(t) {
  const { mock } = t.mock.method(Classifier, "load");
  return () => mock.calls.map(({ result }) => result);
}

const health = async ({ url }) => (await fetch(`${url}/health`)).json();

test("where a loading failed, health alone makes it try again", { timeout: 60_000 }, async (t) => {
  const state = { broken: true };
  const service = await start({ source: await serveTiny(t, state), port: 0 });
  t.after(() => service.stop());
  while ((await health(service)).status !== "failed") await sleep(20);
  state.broken = false;
  while ((await health(service)).status !== "ready") await sleep(20);
  assert.equal((await post(service.url, { text: "a" })).status, 200);
});

test("one loading at a time, and after one that failed none before callers are told to come again", {
  timeout: 20_000,
}, async () => {
  const loadings = [];
  const { request } = createApp({
    model: createModel(() => new Promise((resolve, reject) => loadings.push({ resolve, reject }))),
  });
  const states = async (times) => {
    const answers = [];
    for (let i = 0; i < times; i++) answers.push((await (await request("/health")).json()).status);
    return answers;
  };
  assert.deepEqual(await states(3), ["idle", "loading", "loading"]);
  const waiting = [1, 2].map(() => request("/classify", CALL));
  while ((await (await request("/health")).json()).calls < 2) await sleep(5);
  assert.equal(loadings.length, 1);
  loadings[0].reject(new Error("this one is to fail"));
  for (const response of await Promise.all(waiting))
    refused(await answered(response), 503, "model_unavailable");
  assert.deepEqual(await states(3), ["failed", "failed", "failed"]);
  const response = await request("/classify", CALL);
  refused(await answered(response), 503, "model_unavailable");
  assert.equal(loadings.length, 1);
  await sleep(response.headers.get("retry-after") * 1000 + 50);
  assert.deepEqual(await states(3), ["failed", "loading", "loading"]);
  assert.equal(loadings.length, 2);
  loadings[1].resolve({});
  await sleep(0);
  assert.deepEqual(await states(2), ["ready", "ready"]);
  assert.equal(loadings.length, 2);
});

test("while the model loads, calls are told so in the end", { timeout: 60_000 }, async (t) => {
  const service = await start({
    source: await serveTiny(t, { silent: true }),
    port: 0,
    limits: { time: 300 },
  });
  t.after(() => service.stop());
  const answer = await post(service.url, { text: "a" });
  refused(answer, 503, "loading");
  assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/);
});

test("while the model loads, who hangs up frees a place", { timeout: 20_000 }, async (t) => {
  const service = await start({
    source: await serveTiny(t, { silent: true }),
    port: 0,
    limits: { calls: 1, time: 600_000 },
  });
  t.after(() => service.stop());
  const hangUp = new AbortController();
  const call = post(service.url, { text: "a" }, hangUp.signal).catch(({ name }) => name);
  while ((await health(service)).calls < 1) await sleep(5);
  refused(await post(service.url, { text: "a" }), 429, "busy");
  hangUp.abort();
  assert.equal(await call, "AbortError");
  while ((await health(service)).calls > 0) await sleep(5);
});

test("who hung up is not taken for a call that waited too long, whether before the model is asked for or after", {
  timeout: 20_000,
}, async () => {
  const { request } = createApp({ model: createModel(() => new Promise(() => {})) });
  const hangUp = new AbortController();
  const call = request("/classify", { ...CALL, signal: hangUp.signal });
  await sleep(20);
  hangUp.abort();
  refused(await answered(await call), 499, "aborted");
  refused(await answered(await request("/classify", { ...CALL, signal: hangUp.signal })), 499, "aborted");
});

test("a port that is taken ends the loading", { timeout: 20_000 }, async (t) => {
  const loads = watchLoads(t);
  await assert.rejects(
    start({ source: await serveTiny(t, { silent: true }), port: new URL(service.url).port }),
    { code: "EADDRINUSE" },
  );
  await assert.rejects(loads()[0], { name: "AbortError" });
});

test("told to end, it answers what is under way, refuses what comes, and frees the model", {
  timeout: 60_000,
}, async (t) => {
  const loads = watchLoads(t);
  const service = await start({ source: SENTIMENT, port: 0, grace: 60_000, load: { threads: 1 } });
  t.after(() => service.stop());
  await ready(service);
  const classifier = await loads()[0];
  const under = post(service.url, { texts: LONG.slice(0, 3) });
  while ((await health(service)).calls < 1) await sleep(5);
  // An open connection with a request whose body arrives after the service was told to stop.
  const coming = ask(`${service.url}/classify`, {
    ...CALL,
    headers: { ...CALL.headers, expect: "100-continue" },
  });
  coming.flushHeaders();
  await once(coming, "continue");
  const stopped = service.stop();
  coming.end(CALL.body);
  const [response] = await once(coming, "response");
  refused(
    { status: response.statusCode, headers: new Headers(response.headers), body: await json(response) },
    503,
    "stopping",
  );
  const { status, body } = await under;
  assert.equal(status, 200);
  assert.equal(body.results.length, 3);
  await stopped;
  await assert.rejects(classifier.classify("a"), { kind: "disposed" });
  await assert.rejects(post(service.url, { text: "a" }));
});

test("a taught classifier is served on its encoder", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-taught-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const taught = join(folder, "mine.json");
  const embedder = await Embedder.load(SENTIMENT, { threads: 1 });
  const mine = await embedder.teach({ joy: ["I love it", "wonderful"], anger: ["I hate it", "an outrage"] });
  writeFileSync(taught, JSON.stringify(mine));
  const [wanted] = await mine.classify(["so lovely"], { topK: null });
  await embedder.dispose();
  const served = await start({ source: SENTIMENT, taught, port: 0, load: { threads: 1 } });
  t.after(() => served.stop());
  await ready(served);
  const { status, body } = await post(served.url, { text: "so lovely", topK: null });
  assert.equal(status, 200);
  assert.deepEqual(body.results, [wanted]);
  assert.equal((await post(served.url, { text: "so lovely" })).body.results[0].length, 1);
});

test("started without MODEL, it serves the model's package", { timeout: 60_000 }, async (t) => {
  const { url } = await spawned(t, undefined);
  await ready({ url });
  const { body } = await post(url, { text: HOURS });
  assert.equal(body.results[0][0].label, "NEGATIVE");
});

test("SIGTERM: what is under way is answered, and the process ends", { timeout: 60_000 }, async (t) => {
  const { url, child, ended } = await spawned(t, SENTIMENT);
  await ready({ url });
  const under = post(url, { texts: LONG.slice(0, 3) });
  while ((await health({ url })).calls < 1) await sleep(5);
  child.kill("SIGTERM");
  const { status, body } = await under;
  assert.equal(status, 200);
  assert.equal(body.results.length, 3);
  assert.equal(await ended, 0);
});

test("SIGTERM while the model loads: the process ends", { timeout: 20_000 }, async (t) => {
  const { url, child, ended } = await spawned(t, await serveTiny(t, { silent: true }));
  assert.equal((await health({ url })).status, "loading");
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});
