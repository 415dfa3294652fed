// The package on WebGPU, in Chromium with a software adapter: the CPU's labels, and nothing left behind.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { times } from "../soak.mjs";
import { ROOT, startBrowser, startSite } from "./support.mjs";
import { assertNothingHeld, cpuScores, heldModel, openPage, TEXTS, TIMEOUT_MS, watch } from "./webgpu.mjs";

/** Every third golden, because software is slow; tests of the engine cover all of them. */
const goldens = (name) =>
  readFileSync(join(ROOT, "test_data", name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter((_, i) => i % 3 === 0);

/** If the original's two best logits are closer to each other than this, rounding decides the label. */
const TIE = 0.05;

/** Device `"webgpu"` may use this many bytes of wasm memory besides the embedding tables. */
const MEMORY_BESIDE_TABLES = 32 << 20;

const LOADS = times(6, 50); // each dtype more than once

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser({ webgpu: true });
});

after(async () => {
  await browser?.close();
  await site?.close();
});

const open = (t, from = browser) => openPage(t, site, from);

// On the CPU, int8 also rounds activations; the measured logits of all goldens are within 1e-3.
for (const [model, file, dtype, tolerance] of [
  ["sentiment-en@1", "sentiment_1_goldens.jsonl", "fp32", 1e-3],
  ["sentiment-en@1", "sentiment_1_goldens.jsonl", "int8", 5e-3],
  ["sentiment-en@1", "sentiment_1_goldens.jsonl", "fp16", 5e-3],
  ["sentiment-en", "sentiment_goldens.jsonl", "int4", 5e-3],
]) {
  test(`${model} in ${dtype} gives the CPU's labels`, async (t) => {
    const rows = goldens(file);
    const page = await open(t);
    const [info, onGpu, onCpu] = await page.evaluate(
      async ([model, texts, dtype]) => {
        const run = async (options) => {
          const classifier = await tabsense.Classifier.load(model, options);
          const results = await classifier.classify(texts, { topK: null, details: true });
          const { info } = classifier;
          await classifier.dispose();
          return [
            info,
            results.map(({ device, scores }) => ({
              device,
              scores: info.model.labels.map((name) => scores.find(({ label }) => label === name).score),
            })),
          ];
        };
        const [info, onGpu] = await run({ device: "webgpu", dtype });
        const [, onCpu] = await run({ device: "cpu", dtype: dtype.startsWith("int") ? dtype : "fp32" });
        return [info, onGpu, onCpu];
      },
      [model, rows.map(({ text }) => text), dtype],
    );
    assert.deepEqual([info.device, info.dtype, info.webgpu.reason], ["webgpu", dtype, undefined]);
    assert.ok(
      onGpu.every(({ device }) => device === "webgpu") && onCpu.every(({ device }) => device === "cpu"),
    );
    // The CPU's int4 kernels round activations to int8 and the device's don't: compare int4 with PyTorch.
    const wanted = (i) =>
      dtype === "int4" ? rows[i].logits.map((x) => x - rows[i].logits.at(-1)) : ratios(onCpu[i].scores);
    const difference = Math.max(...onGpu.map(({ scores }, i) => apart(ratios(scores), wanted(i))));
    t.diagnostic(
      `largest difference of logits: ${difference.toExponential(2)}; ${info.webgpu.bytes} bytes on ${info.webgpu.adapter}, ${info.bytes.memory} of wasm memory`,
    );
    assert.ok(difference <= 2 * tolerance, `${difference}`);
    const flipped = rows.filter(({ logits }, i) => {
      const [best, second] = logits.toSorted((a, b) => b - a);
      return best - second > TIE && logits.indexOf(best) !== bestOf(onGpu[i].scores);
    });
    assert.deepEqual(
      flipped.map(({ text }) => text),
      [],
    );
    const tables = info.model.vocabulary * info.model.width + info.model.maxTokens * info.model.width; // in int8, as in the file
    assert.ok(
      info.bytes.memory <= tables + MEMORY_BESIDE_TABLES,
      `${info.bytes.memory} bytes beside ${tables} of tables`,
    );
  });
}

const bestOf = (scores) => scores.indexOf(Math.max(...scores));
/** The logits up to a constant: each one's difference from the last. */
const ratios = (scores) => scores.map((score) => Math.log(score / scores.at(-1)));
const apart = (a, b) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));

test("info and details describe the device", async (t) => {
  const page = await open(t);
  const [info, [detailed], buffers] = await page.evaluate(async () => {
    const classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu", worker: false });
    const results = await classifier.classify(["a text"], { details: true });
    const { info } = classifier;
    const { gpuBuffers } = await import(
      `/node_modules/tabsense/dist/wasm/${(await import("/node_modules/tabsense/dist/builds.js")).fastestBuild()}/tabsense.js`
    );
    const buffers = gpuBuffers();
    await classifier.dispose();
    return [info, results, buffers];
  });
  const { adapter, bytes, ...webgpu } = info.webgpu;
  t.diagnostic(`${adapter}: ${JSON.stringify(webgpu)}, ${bytes} bytes`);
  assert.ok(adapter.length > 0 && bytes > 0 && bytes <= buffers.bytes, `${bytes} of ${buffers.bytes} bytes`);
  assert.deepEqual([webgpu.software, webgpu.fromTokens, webgpu.calibration], [true, 1, []]);
  assert.equal(detailed.device, "webgpu");
  assert.equal(webgpu.timestamps, detailed.timings.kernels !== undefined);
  for (const { name, ms, dispatches } of detailed.timings.kernels ?? []) {
    assert.match(name, /^[a-z_0-9]+$/);
    assert.ok(
      Number.isFinite(ms) && ms >= 0 && Number.isInteger(dispatches) && dispatches > 0,
      `${name}: ${ms} ms, ${dispatches}`,
    );
  }
});

test("auto never picks software, and says so", async (t) => {
  const page = await open(t);
  const [info, scores] = await page.evaluate(async (texts) => {
    const classifier = await tabsense.Classifier.load("/tiny/");
    return [classifier.info, await classifier.classify(texts, { topK: null })];
  }, TEXTS);
  t.diagnostic(info.webgpu.reason);
  assert.equal(info.device, "cpu");
  assert.match(info.webgpu.reason, /software/i);
  assert.deepEqual(scores, await cpuScores(page));
});

test("without an adapter, or without WebGPU at all, the CPU computes, and info says why", async (t) => {
  const plain = await startBrowser();
  t.after(() => plain.close());
  const page = await open(t, plain);
  for (const device of ["webgpu", "auto"]) {
    for (const worker of [true, false]) {
      const [info, scores] = await page.evaluate(
        async ([texts, device, worker]) => {
          const classifier = await tabsense.Classifier.load("/tiny/", { device, worker, dtype: "fp16" });
          return [classifier.info, await classifier.classify(texts, { topK: null })];
        },
        [TEXTS, device, worker],
      );
      assert.deepEqual([info.device, info.dtype], ["cpu", "fp32"]);
      assert.match(info.webgpu.reason, /adapter/i);
      assert.deepEqual(scores, await cpuScores(page));
    }
  }
  const reason = await page.evaluate(async () => {
    delete Navigator.prototype.gpu;
    return (await tabsense.Classifier.load("/tiny/", { device: "webgpu", worker: false })).info.webgpu.reason;
  });
  t.diagnostic(reason);
  assert.match(reason, /WebGPU/);
});

/**
 * Gives every load in the page the same device, and compiles each pipeline once, because both take seconds in
 * software. Counts devices and buffers.
 */
function shareDevice(page) {
  return page.evaluate(() => {
    const { requestDevice } = GPUAdapter.prototype;
    const { createBuffer, createComputePipeline, createShaderModule } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    const shared = (globalThis.shared = { requested: 0, destroyed: 0, buffers: new Set(), maxBuffers: 0 });
    let device;
    GPUAdapter.prototype.requestDevice = async function (...args) {
      shared.requested++;
      return (device ??= await requestDevice.apply(this, args));
    };
    GPUDevice.prototype.destroy = () => void shared.destroyed++;
    const code = new WeakMap();
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      const module = createShaderModule.call(this, descriptor);
      code.set(module, descriptor.code);
      return module;
    };
    const pipelines = new Map();
    GPUDevice.prototype.createComputePipeline = function (descriptor) {
      const { module, constants, entryPoint } = descriptor.compute;
      const key = JSON.stringify([code.get(module), entryPoint, constants]);
      if (!pipelines.has(key)) pipelines.set(key, createComputePipeline.call(this, descriptor));
      return pipelines.get(key);
    };
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      shared.buffers.add(buffer);
      shared.maxBuffers = Math.max(shared.maxBuffers, shared.buffers.size);
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      shared.buffers.delete(this);
      return destroy.call(this);
    };
  });
}

test(`${LOADS} times loaded and disposed of, no buffer and no device is left`, async (t) => {
  const page = await open(t);
  await shareDevice(page);
  const [maxBuffers, info] = await page.evaluate(async (loads) => {
    const { gpuBuffers } = await import(
      `/node_modules/tabsense/dist/wasm/${(await import("/node_modules/tabsense/dist/builds.js")).fastestBuild()}/tabsense.js`
    );
    let maxBuffers = 0;
    let destroyed = 0;
    let info;
    for (let i = 1; i <= loads; i++) {
      const classifier = await tabsense.Classifier.load("/tiny/", {
        device: "webgpu",
        worker: false,
        dtype: ["fp32", "fp16", "int8"][i % 3],
      });
      await classifier.classify("a text");
      maxBuffers = Math.max(maxBuffers, gpuBuffers().buffers);
      info = classifier.info;
      await classifier.dispose();
      const left = JSON.stringify({
        ...gpuBuffers(),
        undestroyed: shared.buffers.size,
        devices: shared.requested,
        destroyed: shared.destroyed > destroyed,
      });
      if (left !== JSON.stringify({ buffers: 0, bytes: 0, undestroyed: 0, devices: i, destroyed: true }))
        throw new Error(`after ${i} rounds: ${left}`);
      destroyed = shared.destroyed;
    }
    return [maxBuffers, info];
  }, LOADS);
  t.diagnostic(`at most ${maxBuffers} buffers, ${info.bytes.memory} bytes of wasm memory at the end`);
  assert.equal(info.device, "webgpu");
  assert.ok(
    maxBuffers > 0 && maxBuffers <= (await page.evaluate(() => shared.maxBuffers)),
    `${maxBuffers} buffers`,
  );
});

test("a loading that is aborted, at any stage, leaves nothing behind", async (t) => {
  const page = await open(t);
  await watch(page);
  const names = await page.evaluate(async () => {
    const { Classifier } = tabsense;
    const names = [];
    for (const stage of ["runtime", "config", "tokenizer", "weights", "ready"]) {
      const controller = new AbortController();
      const onProgress = (event) => event.stage === stage && controller.abort();
      names.push(
        (
          await failed(
            Classifier.load("/tiny/", {
              device: "webgpu",
              worker: false,
              signal: controller.signal,
              onProgress,
            }),
          )
        )?.name,
      );
    }
    for (const ms of [0, 5, 10, 20, 40, 80]) {
      const aborted = await failed(
        Classifier.load("/tiny/", { device: "webgpu", worker: false, signal: AbortSignal.timeout(ms) }).then(
          (classifier) => classifier.dispose(),
        ),
      );
      if (aborted) names.push(aborted.name);
    }
    return names;
  });
  assert.ok(
    names.length >= 5 && names.every((name) => name === "AbortError" || name === "TimeoutError"),
    names.join(" "),
  );
  await assertNothingHeld(page);
});

test("a loading that fails gives its device back", async (t) => {
  const page = await open(t);
  await watch(page);
  const kinds = await page.evaluate(async () => {
    const load = async (source) =>
      (await failed(tabsense.Classifier.load(source, { device: "webgpu", worker: false }))).kind;
    const files = Object.fromEntries(
      await Promise.all(
        ["config.json", "tokenizer.json", "model.safetensors"].map(async (name) => [
          name,
          await (await fetch(`/tiny/${name}`)).blob(),
        ]),
      ),
    );
    const cut = files["model.safetensors"];
    return [
      await load("/none/"),
      await load({ ...files, "config.json": new Blob(["{"]) }),
      await load({ ...files, "tokenizer.json": new Blob(["{}"]) }),
      await load({ ...files, "model.safetensors": cut.slice(0, cut.size - 8) }),
    ];
  });
  assert.deepEqual(kinds, ["network", "config_invalid", "tokenizer_invalid", "weights_length"]);
  await assertNothingHeld(page);
});

test("dispose while a call is in flight, and while the model is loaded again", async (t) => {
  const page = await open(t);
  await watch(page);
  const { url, release } = await heldModel(t);
  const first = await page.evaluate(async () => {
    const classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu", worker: false });
    const calls = [failed(classifier.classify("under way")), failed(classifier.classify("queued"))];
    await new Promise((resolve) => setTimeout(resolve, 0));
    await classifier.dispose();
    return (await Promise.all(calls)).map(({ kind }) => kind);
  });
  assert.deepEqual(first, ["disposed", "disposed"]);
  await assertNothingHeld(page);

  await page.evaluate(
    (url) => void (globalThis.loading = tabsense.Classifier.load(url, { device: "webgpu", worker: false })),
    url,
  );
  await release();
  await page.evaluate(async () => {
    globalThis.classifier = await loading;
    watched.engines.at(-1).loseDevice();
    globalThis.call = failed(classifier.classify("never"));
  });
  await release(() => page.evaluate(() => classifier.dispose()));
  assert.equal((await page.evaluate(() => call)).kind, "disposed");
  await assertNothingHeld(page);
});

test("a worker destroys its device before it ends", async (t) => {
  const page = await open(t);
  await page.evaluate(async () => {
    globalThis.destroyed = 0;
    new BroadcastChannel("destroyed").onmessage = () => globalThis.destroyed++;
    globalThis.classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu" });
  });
  const [worker] = page.workers();
  const live = await worker.evaluate(async () => {
    const { destroy } = GPUDevice.prototype;
    const channel = new BroadcastChannel("destroyed");
    GPUDevice.prototype.destroy = function () {
      channel.postMessage("");
      return destroy.call(this);
    };
    return (
      await import(
        `/node_modules/tabsense/dist/wasm/${(await import("/node_modules/tabsense/dist/builds.js")).fastestBuild()}/tabsense.js`
      )
    ).gpuBuffers().buffers;
  });
  assert.ok(live > 0);
  await page.evaluate(() => classifier.dispose());
  await page.waitForFunction(() => globalThis.destroyed > 0);
  for (
    const start = Date.now();
    page.workers().length > 0;
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    assert.ok(Date.now() - start < TIMEOUT_MS, "the worker is left");
  }
});

test("a worker that is stuck does not hold up dispose", async (t) => {
  const page = await open(t);
  await page.evaluate(
    async () => void (globalThis.classifier = await tabsense.Classifier.load("/tiny/", { device: "webgpu" })),
  );
  const [worker] = page.workers();
  await worker.evaluate(
    () =>
      void setTimeout(() => {
        for (;;);
      }),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  const ms = await page.evaluate(async () => {
    const start = performance.now();
    await classifier.dispose();
    return performance.now() - start;
  });
  assert.ok(ms > 500, `the worker was not stuck: ${ms} ms`);
  assert.ok(ms < 5000, `${ms} ms`);
});
