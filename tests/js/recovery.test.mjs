// A graphics card that is lost: the service loads the model again and answers anyway. The card is simulated
// here, so that it fails exactly when the test says; tests/package/browser-webgpu-loss.test.mjs loses real
// devices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fastestBuild } from "../../dist/builds.js";
import { nodeHost } from "../../dist/platform/node.js";
import { startService } from "../../dist/worker/service.js";
import { FILES, filesOf, loadRequest, serveModel, signalled } from "./support.mjs";

/** The WebAssembly glue that this runtime uses, to be mocked. */
const glue = await import(`../../dist/wasm/${fastestBuild()}/tabsense.js`);

const CARD = {
  adapter: "played",
  software: false,
  f16: false,
  timestamps: false,
  fromTokens: 1,
  gpuBytes: 1,
};
const fault = (kind, message = "The device went.") => Object.assign(new Error(message), { kind });

/**
 * A service on a machine whose devices behave as `devices` says, in order: the request is `refused`, the load
 * fails with the error `failsToLoad`, or the device is lost in its n-th group of texts (`losesAt`). The CPU
 * computes all answers.
 */
function simulate(t, devices) {
  const waiting = [...devices];
  const deviceOf = new WeakMap();
  const seen = { requests: 0, engines: 0 };
  let next = null;
  const { finish } = glue.Loader.prototype;
  const { info, classify, free } = glue.Engine.prototype;
  t.mock.method(glue.Gpu, "request", async () => {
    seen.requests++;
    next = waiting.shift() ?? { refused: true };
    if (next.refused) {
      next = null;
      throw fault("environment", "There is no adapter.");
    }
  });
  t.mock.method(glue.Loader.prototype, "finish", async function () {
    const device = next;
    next = null;
    const engine = await finish.call(this);
    seen.engines++;
    if (device?.failsToLoad) {
      engine.free();
      throw device.failsToLoad;
    }
    if (device) deviceOf.set(engine, { groups: 0, ...device });
    return engine;
  });
  t.mock.method(glue.Engine.prototype, "free", function () {
    seen.engines--;
    return free.call(this);
  });
  t.mock.method(glue.Engine.prototype, "info", function () {
    return deviceOf.has(this) ? { ...info.call(this), device: "webgpu", webgpu: CARD } : info.call(this);
  });
  t.mock.method(glue.Engine.prototype, "classify", async function (...args) {
    const device = deviceOf.get(this);
    if (device && device.groups++ === device.losesAt) throw device.error ?? fault("device_lost");
    return (await classify.apply(this, args)).map((result) => ({
      ...result,
      device: device ? "webgpu" : "cpu",
    }));
  });

  const progress = [];
  let answered;
  const service = startService({ ...nodeHost, noWebGpu: null }, (reply) =>
    reply.type === "progress" ? progress.push(reply.progress) : answered(reply),
  );
  t.after(() => service.close());
  const ask = (request) => new Promise((resolve) => ((answered = resolve), service.receive(request)));
  return {
    seen,
    service,
    progress,
    ask,
    load: (files, options) => ask(loadRequest(files, { device: "webgpu", ...options })),
    classify: (texts) => ask({ type: "classify", texts, top: 0, details: false }),
  };
}

const inMemory = () =>
  Object.fromEntries(Object.entries(filesOf()).map(([name, bytes]) => [name, { bytes }]));
const onServer = (url) => Object.fromEntries(FILES.map((name) => [name, { url: url + name }]));
const scoresOf = ({ results }) => results.map(({ scores }) => scores);
const TEXTS = ["one text", "and another"];

/** The CPU's answers. */
async function expected(texts) {
  let answered;
  const service = startService(nodeHost, (reply) => reply.type !== "progress" && answered(reply));
  const ask = (request) => new Promise((resolve) => ((answered = resolve), service.receive(request)));
  await ask(loadRequest(inMemory()));
  const reply = await ask({ type: "classify", texts, top: 0, details: false });
  await service.close();
  return scoresOf(reply);
}

test("a device lost in a call: a new one answers it", async (t) => {
  const { load, classify, seen, progress } = simulate(t, [{ losesAt: 1 }, {}]);
  const loaded = await load(inMemory());
  assert.deepEqual([loaded.state.info.device, loaded.state.info.webgpuReason], ["webgpu", null]);
  const first = await classify(TEXTS);
  const events = progress.length;
  const second = await classify(TEXTS);
  assert.deepEqual(scoresOf(second), scoresOf(first));
  assert.deepEqual(scoresOf(second), await expected(TEXTS));
  assert.deepEqual([second.state.info.device, second.state.info.webgpuReason], ["webgpu", null]);
  assert.deepEqual([seen.requests, seen.engines, progress.length - events], [2, 1, 0]);
});

test("lost twice in a row: the CPU answers, and says why", async (t) => {
  const { load, classify, seen } = simulate(t, [{ losesAt: 0 }, { losesAt: 0 }, {}]);
  await load(inMemory());
  const reply = await classify(TEXTS);
  assert.deepEqual(scoresOf(reply), await expected(TEXTS));
  assert.equal(reply.state.info.device, "cpu");
  assert.match(reply.state.info.webgpuReason, /twice within a minute/);
  assert.deepEqual([seen.requests, seen.engines], [2, 1]);
});

test("falls back to the CPU if a lost device can't be replaced", async (t) => {
  const { load, classify } = simulate(t, [{ losesAt: 0 }]);
  await load(inMemory());
  const reply = await classify(TEXTS);
  assert.deepEqual(scoresOf(reply), await expected(TEXTS));
  assert.match(reply.state.info.webgpuReason, /lost.*no adapter/);
});

test("lost in the middle of a long call: what was answered stays, the rest comes from the next device", async (t) => {
  const { load, classify } = simulate(t, [{ losesAt: 2 }]);
  await load(inMemory());
  const texts = Array.from({ length: 400 }, (_, i) => `text number ${i}`);
  const reply = await classify(texts);
  assert.deepEqual(scoresOf(reply), await expected(texts));
  const devices = reply.results.map(({ device }) => device);
  assert.deepEqual([devices.indexOf("cpu"), devices.lastIndexOf("webgpu")], [128, 127]);
});

for (const [name, error, devices, end] of [
  ["a device lost while loading", fault("device_lost"), 1, ["webgpu", null]],
  ["two devices lost while loading", fault("device_lost"), 2, ["cpu", /twice within a minute/]],
  [
    "a device that computes wrongly",
    fault("webgpu_unusable", "Its logits are off."),
    1,
    ["cpu", /^Its logits are off\.$/],
  ],
  [
    "a device without the memory",
    fault("out_of_memory", "No memory on the card."),
    1,
    ["cpu", /^No memory on the card\.$/],
  ],
]) {
  test(`${name}: only the weights are read again`, async (t) => {
    const { url, requests } = await serveModel(t, filesOf());
    const { load, classify, seen, progress } = simulate(t, [
      ...Array.from({ length: devices }, () => ({ failsToLoad: error })),
      {},
    ]);
    const loaded = await load(onServer(url));
    assert.equal(loaded.type, "loaded", loaded.error?.message);
    const { device, webgpuReason } = loaded.state.info;
    assert.equal(device, end[0]);
    if (end[1]) assert.match(webgpuReason, end[1]);
    else assert.equal(webgpuReason, null);
    const count = (file) => requests.filter((path) => path.endsWith(`/${file}`)).length;
    assert.deepEqual(FILES.map(count), [1, 1, devices + 1]);
    assert.deepEqual(progress.filter(({ stage }) => stage === "ready").length, 1);
    assert.equal(
      progress.filter(({ stage, bytes, total }) => stage === "weights" && bytes === total).length,
      devices + 1,
    );
    assert.deepEqual(scoresOf(await classify(TEXTS)), await expected(TEXTS));
    assert.equal(seen.engines, 1);
  });
}

test("a call without memory on the card is answered by the CPU", async (t) => {
  const { load, classify } = simulate(t, [
    { losesAt: 0, error: fault("out_of_memory", "No memory on the card.") },
  ]);
  await load(inMemory());
  const reply = await classify(TEXTS);
  assert.deepEqual(scoresOf(reply), await expected(TEXTS));
  assert.deepEqual(
    [reply.state.info.device, reply.state.info.webgpuReason],
    ["cpu", "No memory on the card."],
  );
});

test("fp16 is for the card; the CPU as a fallback stores fp32", async (t) => {
  const { load } = simulate(t, [{ refused: true }]);
  assert.equal((await load(inMemory(), { dtype: "fp16" })).state.info.dtype, "fp32");
});

/** A server that, starting with the second request for the weights, stops in the middle until `release()`. */
async function slowServer(t) {
  const files = filesOf();
  const weights = files["model.safetensors"];
  const stopped = signalled();
  const released = signalled();
  let requests = 0;
  const { url } = await serveModel(t, files, {
    async "model.safetensors"(_, response) {
      response.writeHead(200, { "content-length": weights.length });
      if (requests++ === 0) return response.end(weights);
      response.write(weights.subarray(0, weights.length >> 1), stopped.resolve);
      await released.promise;
      response.end(weights.subarray(weights.length >> 1));
    },
  });
  return { url, stopped: stopped.promise, release: released.resolve };
}

test("a call aborted while its model is loaded again; the next call loads it", async (t) => {
  const { url, stopped, release } = await slowServer(t);
  const { load, classify, service, seen } = simulate(t, [{ losesAt: 0 }, {}, {}]);
  await load(onServer(url));
  const call = classify(TEXTS);
  await stopped;
  service.receive({ type: "abort" });
  assert.deepEqual(await call, { type: "aborted", state: null });
  release();
  const reply = await classify(TEXTS);
  assert.deepEqual(scoresOf(reply), await expected(TEXTS));
  assert.deepEqual([reply.state.info.device, seen.requests, seen.engines], ["webgpu", 3, 1]);
});

test("closes a service while its model is reloaded", async (t) => {
  const { url, stopped } = await slowServer(t);
  const { load, classify, service, seen } = simulate(t, [{ losesAt: 0 }, {}]);
  await load(onServer(url));
  const call = classify(TEXTS);
  await stopped;
  await service.close();
  assert.equal((await call).type, "aborted");
  assert.equal(seen.engines, 0);
});

test("a missing source rejects the call, not later ones", async (t) => {
  const files = filesOf();
  const handlers = {};
  const { url } = await serveModel(t, files, handlers);
  const { load, classify } = simulate(t, [{ losesAt: 0 }, {}, {}]);
  await load(onServer(url));
  handlers["config.json"] = (_, response) => response.writeHead(503).end();
  const { error } = await classify(TEXTS);
  assert.equal(error.kind, "network");
  assert.match(error.message, /lost.*config\.json answered 503/);
  delete handlers["config.json"];
  assert.deepEqual(scoresOf(await classify(TEXTS)), await expected(TEXTS));
});

test("bytes that the caller changes after the loading do not matter", async (t) => {
  const { load, classify } = simulate(t, [{ losesAt: 0 }, {}]);
  const files = inMemory();
  await load(files);
  for (const { bytes } of Object.values(files)) bytes.fill(0);
  assert.deepEqual(scoresOf(await classify(TEXTS)), await expected(TEXTS));
});

test("a dispose message is answered once the model is freed", async (t) => {
  const { load, ask, seen } = simulate(t, [{}]);
  await load(inMemory());
  assert.equal(seen.engines, 1);
  assert.deepEqual(await ask({ type: "dispose" }), { type: "disposed" });
  assert.equal(seen.engines, 0);
});
