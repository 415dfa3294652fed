// Clients that are slow on purpose, that keep connections open, or that never stop sending: they are cut off,
// and the others are answered meanwhile.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "../node.mjs";
import { post, ready, TINY } from "./support.mjs";

/** Limits short enough for a test; the service's own are longer. */
const CLIENTS = { connections: 40, headers: 500, request: 1_000, check: 100 };

const HEAD = "POST /classify HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n";

let service;
before(async () => {
  service = await start({ source: TINY, port: 0, clients: CLIENTS, load: { threads: 1 } });
  await ready(service);
});
after(() => service?.stop());

/** A connection, the data received on it, and a promise of its end. */
async function open(t, { url } = service) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  t.after(() => socket.destroy());
  const client = { socket, answer: "", closed: once(socket, "close") };
  socket.on("error", () => {}); // it is cut off while it sends
  socket.setEncoding("latin1").on("data", (text) => (client.answer += text));
  await once(socket, "connect");
  return client;
}

/** Sends `piece` until the connection is cut off. */
async function drip({ socket, closed }, piece) {
  let ended = false;
  void closed.then(() => (ended = true));
  while (!ended) {
    socket.write(piece);
    await Promise.race([sleep(50), closed]);
  }
}

for (const [what, first, piece, status] of [
  ["headers that never end", HEAD, "x-more: 1\r\n", 408],
  ["a header whose name never ends", `${HEAD}x`, "-", 408],
  ["a first line that never ends", "POST /", "a", 408],
  ["a body that never ends", `${HEAD}content-length: 100000\r\n\r\n{ "text": "`, "a", 408],
  ["chunks that never end", `${HEAD}transfer-encoding: chunked\r\n\r\n`, "1\r\n \r\n", 408],
  ["nothing at all", "", "", 408],
]) {
  test(`cut off: ${what}, and others are answered meanwhile`, { timeout: 30_000 }, async (t) => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => open(t)));
    for (const { socket } of slow) socket.write(first);
    const dripping = Promise.all(slow.map((client) => drip(client, piece)));
    assert.equal((await post(service.url, { text: "a text" })).status, 200);
    await dripping;
    for (const { answer } of slow)
      assert.match(answer || `HTTP/1.1 ${status} `, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal((await post(service.url, { text: "a text" })).status, 200);
  });
}

test("a body in pieces that comes in time is answered", { timeout: 30_000 }, async (t) => {
  const client = await open(t);
  const body = '{ "text": "a text" }';
  client.socket.write(`${HEAD}connection: close\r\ncontent-length: ${body.length}\r\n\r\n`);
  for (const piece of body.match(/.{1,4}/g)) {
    client.socket.write(piece);
    await sleep(20);
  }
  await client.closed;
  assert.match(client.answer, /^HTTP\/1\.1 200 /);
});

test("more connections than are taken: the next one is closed, and taken once there is room", {
  timeout: 30_000,
}, async (t) => {
  const held = await Promise.all(Array.from({ length: CLIENTS.connections }, () => open(t)));
  const late = await open(t);
  await late.closed;
  assert.equal(late.answer, "");
  for (const { socket } of held) socket.destroy();
  await Promise.all(held.map(({ closed }) => closed));
  while ((await post(service.url, { text: "a" }).catch(() => null))?.status !== 200) await sleep(20);
});

for (const [what, head] of [
  ["headers", `${HEAD}x-more: ${"a".repeat(20_000)}\r\n\r\n`],
  ["an address", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: here\r\n\r\n`],
]) {
  test(`${what} too large are refused`, { timeout: 30_000 }, async (t) => {
    const client = await open(t);
    client.socket.write(head);
    await client.closed;
    assert.match(client.answer, /^HTTP\/1\.1 431 /);
  });
}

test("what is no HTTP is refused, and two lengths of a body are", { timeout: 30_000 }, async (t) => {
  for (const bytes of [
    "\x16\x03\x01\x02\x00",
    "GET / HTTP/9.9\r\n\r\n",
    `${HEAD}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`,
    `${HEAD}content-length: -1\r\n\r\n`,
  ]) {
    const client = await open(t);
    client.socket.write(bytes, "latin1");
    await client.closed;
    assert.match(client.answer, /^HTTP\/1\.1 (?:400|505) /, JSON.stringify(bytes));
  }
  assert.equal((await post(service.url, { text: "a" })).status, 200);
});
