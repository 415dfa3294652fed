// An abort ends the aborted operation at once, and nothing else.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Classifier, pipeline } from "tabsense";
import { ROOT, filesOf, serveModel, signalled, tiny, TINY, rejectsAborted } from "./support.mjs";

for (const worker of [true, false]) {
  test(`before the loading, worker: ${worker}`, async () => {
    await rejectsAborted(Classifier.load(TINY, { worker, signal: AbortSignal.abort() }));
  });

  for (const file of ["config.json", "tokenizer.json", "model.safetensors"]) {
    test(`in the middle of ${file}, worker: ${worker}`, async (t) => {
      const files = filesOf();
      const sent = signalled();
      const closed = signalled();
      const { url } = await serveModel(t, files, {
        [file](_, response) {
          response.writeHead(200, { "content-length": files[file].length });
          response.write(files[file].subarray(0, files[file].length >> 1), sent.resolve);
          response.on("close", closed.resolve);
        },
      });
      const controller = new AbortController();
      const loading = rejectsAborted(Classifier.load(url, { worker, signal: controller.signal }));
      await sent.promise;
      controller.abort();
      await loading;
      await closed.promise; // the connection is closed: no bytes are fetched for nothing
    });
  }

  for (const when of ["at once", "while it is read"])
    test(`${when}, passed streams are cancelled, worker: ${worker}`, async () => {
      let cancelled = false;
      const controller = new AbortController();
      const files = filesOf();
      files["model.safetensors"] = new ReadableStream({
        start: (stream) => stream.enqueue(files["model.safetensors"].slice(0, 1000)),
        pull: () => new Promise(() => {}),
        cancel: () => void (cancelled = true),
      });
      const onProgress = ({ stage, bytes }) => stage === "weights" && bytes > 0 && controller.abort();
      const loading = Classifier.load(files, { worker, signal: controller.signal, onProgress });
      if (when === "at once") setTimeout(() => controller.abort());
      await rejectsAborted(loading);
      for (let i = 0; i < 250 && !cancelled; i++) await sleep(20); // the message keeps no process alive
      assert.ok(cancelled);
    });
}

test("while streams are read that this runtime can't move to a worker", async (t) => {
  t.mock.method(globalThis, "structuredClone", () => {
    throw new DOMException("no", "DataCloneError");
  });
  const controller = new AbortController();
  const cancelled = signalled();
  const endless = new ReadableStream({
    start: (stream) => stream.enqueue(new Uint8Array(8)),
    cancel: cancelled.resolve,
  });
  const source = { ...filesOf(), "model.safetensors": endless };
  const loading = rejectsAborted(Classifier.load(source, { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort();
  await loading;
  await cancelled.promise;
});

test("from within the progress of each stage", async () => {
  for (const stage of ["runtime", "config", "tokenizer", "weights"]) {
    const controller = new AbortController();
    const load = Classifier.load(TINY, {
      signal: controller.signal,
      onProgress: (event) => event.stage === stage && controller.abort(),
    });
    await rejectsAborted(load);
  }
});

for (const worker of [true, false]) {
  test(`a queued call is dropped at once, others are answered, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const controller = new AbortController();
    const first = classifier.classify(Array.from({ length: 200 }, (_, i) => `text number ${i}`));
    const second = classifier.classify("never", { signal: controller.signal });
    const third = classifier.classify("a third text");
    let firstIsDone = false;
    void first.then(() => (firstIsDone = true));
    controller.abort();
    await rejectsAborted(second);
    assert.equal(firstIsDone, false, "the abort waited for its turn");
    assert.equal((await first).length, 200);
    assert.equal((await third).length, 1);
  });

  test(`a call under way, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const controller = new AbortController();
    const long = classifier.classify(
      Array.from({ length: 5000 }, () => "many words are in this text of the batch"),
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 20);
    await rejectsAborted(long);
    assert.equal((await classifier.classify("and on it goes")).length, 1);
  });

  test(`before the call, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    await rejectsAborted(classifier.classify("never", { signal: AbortSignal.abort() }));
    assert.equal((await classifier.classify("still there")).length, 1);
  });
}

test("rejects with the signal's reason, of any type", async (t) => {
  const classifier = await tiny(t);
  const texts = Array.from({ length: 5000 }, () => "many words are in this text of the batch");
  for (const reason of [new Error("the user left"), "left", null]) {
    await rejectsAborted(Classifier.load(TINY, { signal: AbortSignal.abort(reason) }), reason);
    for (const start of [
      (signal) => Classifier.load(TINY, { signal }),
      (signal) =>
        Classifier.load(join(ROOT, "models/sentiment-en"), { signal, instant: true, worker: false }),
      (signal) => classifier.classify(texts, { signal }),
      (signal) => classifier.latest()(texts, { signal }),
      (signal) => classifier.stream(new ReadableStream(), { signal }).next(),
      (signal) => pipeline("text-classification", TINY, { signal }),
    ]) {
      const controller = new AbortController();
      const call = start(controller.signal);
      controller.abort(reason);
      await rejectsAborted(call, reason);
    }
  }
});

test("a timeout is a TimeoutError", async (t) => {
  const { url } = await serveModel(t, filesOf(), { "model.safetensors": () => {} });
  for (const load of [Classifier.load, (...args) => pipeline("sentiment-analysis", ...args)]) {
    await assert.rejects(load.call(Classifier, url, { signal: AbortSignal.timeout(50) }), {
      name: "TimeoutError",
    });
  }
});

test("a signal that fires after the answer changes nothing", async (t) => {
  const controller = new AbortController();
  const classifier = await tiny(t, { signal: controller.signal });
  const scores = await classifier.classify("text", { signal: controller.signal });
  controller.abort();
  assert.deepEqual(await classifier.classify("text"), scores);
});
