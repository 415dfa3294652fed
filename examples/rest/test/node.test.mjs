// The service on Node, over real HTTP.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { request as ask } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { start } from "../node.mjs";
import { HOURS, post, refused, SENTIMENT, TINY } from "./support.mjs";

/** Some seconds of work in a call of few bytes: texts as long as the model takes, and more of them than limits allow elsewhere. */
const LONG = Array(60).fill("a word and another one ".repeat(150));

let service;
before(async () => {
  service = await start({ source: SENTIMENT, port: 0, load: { threads: 1 } });
  await ready(service);
});
after(() => service?.stop());

async function ready({ url }) {
  while ((await fetch(`${url}/health`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
}

test("one text, its best label", async () => {
  const { status, body, headers } = await post(service.url, { text: "A delight from start to finish." });
  assert.equal(status, 200);
  assert.match(headers.get("content-type"), /^application\/json/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(body.results.length, 1);
  assert.deepEqual(body.results[0].map(({ label }) => label), ["POSITIVE"]);
});

test("many texts, all labels", async () => {
  const { status, body } = await post(service.url, { texts: ["A delight from start to finish.", HOURS], topK: null });
  assert.equal(status, 200);
  assert.deepEqual(body.results.map((scores) => scores.map(({ label }) => label)), [["POSITIVE", "NEGATIVE"], ["NEGATIVE", "POSITIVE"]]);
  for (const [a, b] of body.results) assert.ok(Math.abs(a.score + b.score - 1) < 1e-5);
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
  ["an empty text", { texts: ["a", " "] }, 422, "empty_text"],
  ["too many texts", { texts: Array(65).fill("a") }, 413, "too_many_texts"],
  ["a text too long", { text: "a".repeat(10_001) }, 413, "text_too_long"],
  ["a body too large", { texts: Array(60).fill("a".repeat(9_000)) }, 413, "body_too_large"],
]) {
  test(`refused: ${name}`, async () => refused(await post(service.url, body), status, kind));
}

test("refused: what is not JSON, or does not say that it is", async () => {
  const send = async (body, type) => {
    const response = await fetch(`${service.url}/classify`, { method: "POST", body, headers: { "content-type": type } });
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  refused(await send("{", "application/json"), 400, "invalid_json");
  refused(await send('{ "text": "a" }', "text/plain"), 415, "unsupported_media_type");
  assert.equal((await send('{ "text": "a" }', "application/json; charset=utf-8")).status, 200);
});

test("a body too large is refused, also where nothing told its length", async () => {
  const { status, body } = await new Promise((resolve, reject) => {
    const request = ask(`${service.url}/classify`, { method: "POST", headers: { "content-type": "application/json", "transfer-encoding": "chunked" } }, async (response) => {
      let text = "";
      for await (const piece of response.setEncoding("utf8")) text += piece;
      resolve({ status: response.statusCode, body: JSON.parse(text) });
    });
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
    return { status: response.status, headers: response.headers, body: method === "HEAD" ? null : await response.json() };
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
  const under = [1, 2].map(() => post(busy.url, { texts: LONG.slice(0, 40) }, hangUp.signal).catch((error) => error.name));
  while ((await (await fetch(`${busy.url}/health`)).json()).calls < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const { status, body, headers } = await post(busy.url, { text: "a" });
  refused({ status, body, headers }, 429, "busy");
  assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
  hangUp.abort(); // who hangs up frees a place
  assert.deepEqual(await Promise.all(under), ["AbortError", "AbortError"]);
  while ((await (await fetch(`${busy.url}/health`)).json()).calls > 0) await new Promise((resolve) => setTimeout(resolve, 5));
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

test("told to end, it answers what is under way, refuses what comes, and frees the model", { timeout: 60_000 }, async (t) => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../node.mjs", import.meta.url))], { env: { ...process.env, PORT: "0", MODEL: SENTIMENT }, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const url = await new Promise((resolve) => child.stdout.setEncoding("utf8").on("data", (text) => /Listening on (\S+)/.test(text) && resolve(/Listening on (\S+)/.exec(text)[1])));
  await ready({ url });
  const under = post(url, { texts: LONG.slice(0, 3) });
  while ((await (await fetch(`${url}/health`)).json()).calls < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
  child.kill("SIGTERM");
  const { status, body } = await under;
  assert.equal(status, 200);
  assert.equal(body.results.length, 3);
  assert.equal(await ended, 0);
  await assert.rejects(post(url, { text: "a" }));
});

test("a port that is taken", async () => {
  await assert.rejects(start({ source: TINY, port: new URL(service.url).port }), { code: "EADDRINUSE" });
});
