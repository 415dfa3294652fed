// Threads: the same bits on any number of them, one thread if no more can start, and none that is left behind
// or waited for in vain.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Classifier } from "tabsense";
import { fastestBuild } from "../../dist/builds.js";
import { nodeHost } from "../../dist/platform/node.js";
import { startService } from "../../dist/worker/service.js";
import { filesOf, loadRequest, rejects, ROOT, tiny, TINY } from "./support.mjs";

const TEXTS = [
  "a text",
  "A delight from start to finish. ".repeat(40),
  ...Array.from({ length: 20 }, (_, i) => "word ".repeat(i + 1)),
];
const single = fastestBuild();
const threaded = `${single}-threads`;

/** A request to load the tiny model on two threads. */
const request = loadRequest(filesOf(), { threads: 2 });

for (const dtype of ["fp32", "int8"]) {
  test(`the number of threads changes no bit, ${dtype}`, async (t) => {
    const alone = await tiny(t, { dtype, threads: 1 });
    assert.deepEqual([alone.info.build, alone.info.threads], [single, 1]);
    const expected = await alone.classify(TEXTS, { topK: null });
    const one = await alone.classify(TEXTS[1], { topK: null });
    for (const threads of [2, 3]) {
      const classifier = await tiny(t, { dtype, threads });
      assert.deepEqual([classifier.info.build, classifier.info.threads], [threaded, threads]);
      assert.deepEqual(await classifier.classify(TEXTS[1], { topK: null }), one);
      // Batches may be split differently, but a text's bits depend on neither its batch nor the threads.
      assert.deepEqual(await classifier.classify(TEXTS, { topK: null }), expected);
    }
  });
}

test("the default is one thread per processor, at most four; without a worker one", async (t) => {
  const { info } = await tiny(t);
  assert.equal(info.threads, Math.min(4, availableParallelism()));
  assert.equal(info.build, info.threads === 1 ? single : threaded);
  for (const threads of [undefined, 2]) {
    const inPlace = await tiny(t, { worker: false, threads });
    assert.deepEqual([inPlace.info.build, inPlace.info.threads], [single, 1]);
  }
});

test("a caller's own .wasm file runs without threads", async (t) => {
  const { info } = await tiny(t, { wasm: `${ROOT}/dist/wasm/simd/tabsense_bg.wasm`, threads: 2 });
  assert.deepEqual([info.build, info.threads], ["simd", 1]);
});

test("a process with threads exits with and without dispose", () => {
  for (const end of ["await classifier.dispose();", ""]) {
    const script = `
      const { Classifier } = await import("tabsense");
      const classifier = await Classifier.load(${JSON.stringify(TINY)}, { threads: 3 });
      console.log((await classifier.classify(["one", "two"])).length, classifier.info.threads);
      ${end}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.deepEqual([status, stdout.trim()], [0, "2 3"], stderr);
  }
});

test("all threads end", { skip: !existsSync("/proc/self/task") }, async () => {
  const count = () => readdirSync("/proc/self/task").length;
  const cycle = async () => {
    const classifier = await Classifier.load(TINY, { threads: 3 });
    await classifier.classify("a text");
    await classifier.dispose();
  };
  await cycle();
  const before = count();
  for (let i = 0; i < 20; i++) await cycle();
  await rejects("network", Classifier.load("http://127.0.0.1:9/model/", { threads: 3 }));
  for (let i = 0; count() > before && i < 100; i++) await sleep(50);
  assert.ok(count() <= before, `${count()} threads, before ${before}`);
});

/**
 * Loads the tiny model in a service that starts its helpers with `startHelper`; resolves to its build, its
 * number of threads and an answer.
 */
async function loadWith(startHelper) {
  let answered;
  const service = startService(
    { ...nodeHost, startHelper },
    (reply) => reply.type !== "progress" && answered(reply),
  );
  const ask = (request) => new Promise((resolve) => ((answered = resolve), service.receive(request)));
  const loaded = await ask(request);
  assert.equal(loaded.type, "loaded", loaded.error?.message);
  const { results } = await ask({
    type: "classify",
    texts: [TEXTS[2]],
    top: 0,
    details: false,
    progress: false,
  });
  await service.close();
  const { build, threads } = loaded.state.info;
  return { build, threads, scores: results[0].scores };
}

test("runs without helpers that don't start", async (t) => {
  const alone = await tiny(t, { threads: 1 });
  const scores = await alone.classify(TEXTS[2], { topK: null });
  const kinds = {
    "that no worker can be made for": () => {
      throw new Error("no more workers");
    },
    "that the module can't be sent to": () => ({
      send: () => {
        throw new DOMException("can't be cloned", "DataCloneError");
      },
    }),
    "that report so": (onReply) => ({ send: () => onReply({ ready: false }) }),
    "that never report": () => ({ send: () => {} }),
  };
  for (const [kind, startHelper] of Object.entries(kinds)) {
    await t.test(kind, async () =>
      assert.deepEqual(await loadWith(startHelper), { build: threaded, threads: 1, scores }),
    );
  }
});

test("a helper that fails rejects the call at once", async () => {
  // The service runs in a worker, as for a classifier; its helper fails as soon as it has to help.
  const url = (name) => JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url).href);
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    Promise.all([import(${url("platform/node")}), import(${url("worker/service")})]).then(([{ nodeHost }, { startService }]) => {
      const startHelper = (onReply) => {
        const helper = nodeHost.startHelper(onReply);
        // No engine takes this for a number: the call throws within the helper.
        return { send: (request) => helper.send(request.type === "help" ? { type: "help", thread: 1n } : request) };
      };
      const service = startService({ ...nodeHost, startHelper }, (reply) => parentPort.postMessage(reply));
      parentPort.on("message", (request) => service.receive(request));
    });`;
  const worker = new Worker(code, { eval: true });
  const broken = new Promise((resolve) => worker.on("error", resolve));
  const classify = {
    type: "classify",
    texts: Array(1000).fill(TEXTS[1]),
    top: 1,
    details: false,
    progress: false,
  };
  worker.on("message", ({ type }) => type === "loaded" && worker.postMessage(classify));
  worker.postMessage(request);
  const outcome = await Promise.race([broken, sleep(20_000, "still waiting", { ref: false })]);
  assert.equal(outcome.name, "RuntimeError", String(outcome));
  await worker.terminate();
});
