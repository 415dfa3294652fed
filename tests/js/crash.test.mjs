// A worker that crashes: the running call rejects, and a new worker answers all others. Real worker threads
// are killed here, or made to throw; traps, which no model can be made to cause, are simulated.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Classifier } from "tabsense";
import { fastestBuild } from "../../dist/builds.js";
import { inPlace } from "../../dist/client/channel.js";
import { repeatable } from "../../dist/worker/loading.js";
import { nodeHost, nodejs } from "../../dist/platform/node.js";
import { checkLoadOptions } from "../../dist/api/options.js";
import { MAX_CRASHES, startQueue } from "../../dist/client/queue.js";
import { openSession } from "../../dist/client/session.js";
import {
  filesOf,
  loadRequest,
  rejects,
  ROOT,
  rounded,
  serveModel,
  signalled,
  tiny,
  TINY,
  rejectsAborted,
} from "./support.mjs";

const LONG = Array.from({ length: 3000 }, (_, i) => `many words are in text ${i} of this call`);

/** The workers that have since been sent a message, newest last. */
function workersOf(t) {
  const workers = [];
  const post = Worker.prototype.postMessage;
  t.mock.method(Worker.prototype, "postMessage", function (...args) {
    if (workers.at(-1) !== this) workers.push(this);
    return post.apply(this, args);
  });
  return workers;
}

const CRASHES = {
  "that ends": (worker) => worker.terminate(),
  "that throws": (worker) => worker.postMessage(null), // its listener fails on null
};

/** Crashes a worker; resolves once it has exited. */
async function crashed(worker, crash = CRASHES["that ends"]) {
  const awake = setInterval(() => {}, 1000); // an idle worker doesn't keep the process alive
  const gone = new Promise((resolve) => worker.once("exit", resolve));
  void crash(worker);
  await gone;
  clearInterval(awake);
}

for (const [how, crash] of Object.entries(CRASHES)) {
  for (const threads of [1, 2]) {
    test(`a worker ${how} during a call: that call rejects, queued ones are answered, ${threads} threads`, async (t) => {
      const workers = workersOf(t);
      const classifier = await tiny(t, { threads });
      const before = await classifier.classify("a text", { topK: null });
      const call = rejects(
        "worker_crashed",
        classifier.classify(LONG),
        /^The worker crashed \(.+\)\. The next call starts a new one/,
      );
      const queued = [
        classifier.classify("a text", { topK: null }),
        classifier.classify(" "),
        classifier.classify(["one", "two"]),
      ];
      void crash(workers.at(-1));
      const [, first, none, many] = await Promise.all([call, ...queued]);
      assert.deepEqual([first, none], [before, []]);
      assert.equal(many.length, 2);
      assert.equal(workers.length, 2);
      assert.equal(classifier.info.threads, threads);
    });
  }

  test(`a worker ${how} between two calls goes unnoticed`, async (t) => {
    const workers = workersOf(t);
    const classifier = await tiny(t);
    const before = await classifier.classify("a text");
    await crashed(workers.at(-1), crash);
    assert.deepEqual(await classifier.classify("a text"), before);
    assert.equal(workers.length, 2);
  });

  test(`a worker ${how} while its model loads fails the loading`, async (t) => {
    const workers = workersOf(t);
    const files = filesOf();
    const sent = signalled();
    const { url } = await serveModel(t, files, {
      "model.safetensors": (_, response) =>
        response.write(files["model.safetensors"].subarray(0, 5000), sent.resolve),
    });
    const loading = rejects("worker_crashed", Classifier.load(url), /Load the model again/);
    await sent.promise;
    void crash(workers.at(-1));
    await loading;
    assert.equal(workers.length, 1);
  });
}

test("stops replacing a worker that crashes each time, but not one that answers in between", async (t) => {
  const workers = workersOf(t);
  const classifier = await tiny(t);
  const crash = async (message) => {
    const begun = signalled(); // the worker has its model and hasn't answered the call yet
    const call = rejects("worker_crashed", classifier.classify(LONG, { onProgress: begun.resolve }), message);
    await begun.promise;
    await crashed(workers.at(-1));
    await call;
  };
  for (let i = 0; i < MAX_CRASHES + 1; i++) {
    await crash(/The next call starts a new one/);
    assert.equal((await classifier.classify("a text")).length, 1);
  }
  for (let i = 1; i < MAX_CRASHES; i++) {
    await crash(/The next call starts a new one/);
  }
  const queued = rejects(
    "worker_crashed",
    Promise.resolve().then(() => classifier.classify("waits")),
    /3 times in a row.*Load the model again/,
  );
  await crash(/3 times in a row/);
  await queued;
  await rejects("worker_crashed", classifier.classify("after"), /3 times in a row/);
  await classifier.dispose();
  await rejects("disposed", classifier.classify("after"));
});

test("a missing source rejects queued calls, not later ones", async (t) => {
  const workers = workersOf(t);
  const handlers = {};
  const { url, requests } = await serveModel(t, filesOf(), handlers);
  const classifier = await Classifier.load(url, { cache: false });
  t.after(() => classifier.dispose());
  const before = await classifier.classify("a text");
  handlers["config.json"] = (_, response) => response.writeHead(404).end();
  const call = rejects("worker_crashed", classifier.classify(LONG));
  const queued = ["one", "two"].map((text) =>
    rejects("network", classifier.classify(text), /could not be loaded again.*config\.json answered 404/),
  );
  await crashed(workers.at(-1));
  await Promise.all([call, ...queued]);
  assert.equal(
    requests.filter((path) => path === "/model/config.json").length,
    2,
    "it is not asked for once a call",
  );
  delete handlers["config.json"];
  assert.deepEqual(await classifier.classify("a text"), before);
});

test("a signal drops a call that waits for the new worker, and dispose ends it", async (t) => {
  const workers = workersOf(t);
  const files = filesOf();
  const handlers = {};
  const { url } = await serveModel(t, files, handlers);
  const classifier = await Classifier.load(url);
  const held = signalled();
  const closed = signalled();
  handlers["model.safetensors"] = (_, response) => {
    response.on("close", closed.resolve);
    response.write(files["model.safetensors"].subarray(0, 5000), held.resolve);
  };
  const call = rejects("worker_crashed", classifier.classify(LONG));
  await crashed(workers.at(-1));
  await call;
  const controller = new AbortController();
  const dropped = rejectsAborted(classifier.classify("dropped", { signal: controller.signal }));
  const waits = rejects("disposed", classifier.classify("waits"));
  await held.promise;
  controller.abort();
  await dropped;
  await classifier.dispose();
  await waits;
  await closed.promise;
});

test("reloads the original bytes if the caller changed them after the load", async (t) => {
  const workers = workersOf(t);
  const files = filesOf();
  const classifier = await Classifier.load(files);
  t.after(() => classifier.dispose());
  const before = await classifier.classify("a text", { topK: null });
  for (const bytes of Object.values(files)) bytes.fill(0);
  await crashed(workers.at(-1));
  assert.deepEqual(await classifier.classify("a text", { topK: null }), before);
});

test("a stream whose worker crashes ends with that, and the next one is answered", async (t) => {
  const workers = workersOf(t);
  const classifier = await tiny(t);
  const stream = classifier.stream(LONG.map((text) => text.repeat(60)));
  await stream.next();
  await crashed(workers.at(-1)); // during the second group
  await rejects(
    "worker_crashed",
    (async () => {
      for await (const _ of stream);
    })(),
  );
  const again = [];
  for await (const { index } of classifier.stream(["one", "two"])) again.push(index);
  assert.deepEqual(again, [0, 1]);
});

test("the process exits after a crash, but not before pending answers", () => {
  const script = `
    import { Worker } from "node:worker_threads";
    import { Classifier } from "tabsense";
    let worker;
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (...args) { worker = this; return post.apply(this, args); };
    const classifier = await Classifier.load(${JSON.stringify(TINY)});
    const call = classifier.classify(Array(3000).fill("a text of some words")).catch(({ kind }) => console.log(kind));
    const queued = classifier.classify("one").then((scores) => console.log(scores.length));
    void worker.terminate();
    await call;
    await queued;
    await new Promise((resolve) => worker.once("exit", resolve).terminate());`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual([status, stdout.trim().split("\n")], [0, ["worker_crashed", "1"]], stderr);
});

/**
 * A session whose workers are services in this thread, so that their engines can be made to trap: each text
 * that contains "trap" does so.
 */
async function trapping(t, source = TINY) {
  const glue = await import(`../../dist/wasm/${fastestBuild()}/tabsense.js`);
  const { classify } = glue.Engine.prototype;
  t.mock.method(glue.Engine.prototype, "classify", async function (texts, ...args) {
    if (texts.some((text) => text.includes("trap"))) throw new WebAssembly.RuntimeError("unreachable");
    return classify.call(this, texts, ...args);
  });
  let started = 0;
  const platform = { ...nodejs, startWorker: () => (started++, inPlace(nodeHost)) };
  const session = await openSession(
    platform,
    source,
    "classify",
    checkLoadOptions({ device: "cpu", threads: 1 }, null),
  );
  t.after(() => session.dispose());
  const ask = (texts, signal = null) =>
    session.ask({ type: "classify", texts, top: 0, details: false, progress: false }, signal, null);
  return { session, ask, started: () => started };
}

test("a trap in the engine is a crash: the worker is replaced, and its call rejects", async (t) => {
  const { ask, started } = await trapping(t);
  const [{ scores }] = await ask(["a text"]);
  const [, answer] = await Promise.all([
    rejects(
      "worker_crashed",
      ask(["a trap"]),
      /RuntimeError: unreachable\)\. The next call starts a new one/,
    ),
    ask(["a text"]),
  ]);
  assert.deepEqual(rounded(answer[0].scores), rounded(scores));
  assert.equal(started(), 2);
});

test("a trap under a call that was aborted is a crash, too, and the next call is answered", async (t) => {
  const { ask, started } = await trapping(t);
  const controller = new AbortController();
  const call = rejectsAborted(ask(["a trap"], controller.signal));
  controller.abort();
  await call;
  assert.equal((await ask(["a text"])).length, 1);
  assert.ok(started() <= 2);
});

test("a text that traps each time ends the classifier, and says so", async (t) => {
  const { session, ask, started } = await trapping(t);
  for (let i = 1; i < MAX_CRASHES; i++) await rejects("worker_crashed", ask(["a trap"]), /next call/);
  await rejects("worker_crashed", ask(["a trap"]), /3 times in a row/);
  assert.equal(session.ended().kind, "worker_crashed");
  await rejects("worker_crashed", ask(["a text"]), /3 times in a row/);
  assert.equal(started(), MAX_CRASHES);
});

test("says that a model from a stream can't be loaded again", async (t) => {
  assert.equal(
    repeatable(loadRequest({ ...filesOf(), "model.safetensors": { stream: new ReadableStream() } })),
    null,
  );
  const { weights, ...files } = repeatable(loadRequest(filesOf())).files;
  assert.ok(
    [...Object.values(weights.given), ...Object.values(files)].every(({ blob }) => blob instanceof Blob),
  );

  const queue = startQueue(nodejs.startWorker, true);
  t.after(() => queue.dispose());
  const workers = workersOf(t);
  await queue.submit(loadRequest(filesOf()), null, null);
  queue.setReloadRequest(null);
  const call = rejects(
    "worker_crashed",
    queue.submit({ type: "classify", texts: LONG, top: 1, details: false, progress: false }, null, null),
    /stream, which can't be read again\. Load it again/,
  );
  await crashed(workers.at(-1));
  await call;
  assert.equal(queue.ended().kind, "worker_crashed");
});
