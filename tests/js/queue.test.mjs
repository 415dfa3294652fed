// Calls of every kind, one after the other: none is affected by its neighbours, and errors are the same with
// and without a worker.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier, ERROR_KINDS, TabsenseError } from "tabsense";
import { filesOf, rounded, serveModel, tiny } from "./support.mjs";

const outcome = (promise) =>
  promise.then(
    () => "answered",
    ({ kind, name }) => kind ?? name,
  );

/** Unusual and failing calls, each with its expected outcome. */
const BAD = {
  "a text that is empty": [(classifier) => classifier.classify(""), "answered"],
  "an empty text among others": [(classifier) => classifier.classify(["one", "\n", "two"]), "answered"],
  "a text that is very long": [(classifier) => classifier.classify("x".repeat(5_000_000)), "answered"],
  "a text that is none": [(classifier) => classifier.classify([1]), "invalid_argument"],
  "an option that is none": [(classifier) => classifier.classify("a text", { topk: 1 }), "invalid_argument"],
  "a callback that throws": [
    (classifier) =>
      classifier.classify(["one", "two"], {
        onProgress: () => {
          throw new Error("mine");
        },
      }),
    "invalid_argument",
  ],
  "a signal that has fired": [
    (classifier) => classifier.classify("a text", { signal: AbortSignal.abort() }),
    "AbortError",
  ],
  "a signal that fires while it waits": [
    (classifier) => {
      const controller = new AbortController();
      queueMicrotask(() => controller.abort());
      return classifier.classify("a text", { signal: controller.signal });
    },
    "AbortError",
  ],
  "a signal that fires from its own progress": [
    (classifier) => {
      const controller = new AbortController();
      return classifier.classify(Array(200).fill("some words"), {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
    },
    "AbortError",
  ],
};

for (const worker of [true, false]) {
  test(`bad calls of every kind between good ones, all at once, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const expected = rounded(await classifier.classify("a good text", { topK: null }));
    const calls = [];
    for (const [bad] of Object.values(BAD))
      calls.push(outcome(bad(classifier)), classifier.classify("a good text", { topK: null }).then(rounded));
    const outcomes = await Promise.all(calls);
    Object.entries(BAD).forEach(([name, [, kind]], i) => {
      assert.equal(outcomes[2 * i], kind, name);
      assert.deepEqual(outcomes[2 * i + 1], expected, `after ${name}`);
    });
  });

  test(`a callback that disposes, and throws besides, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const call = classifier.classify(Array(200).fill("some words"), {
      onProgress: () => {
        void classifier.dispose();
        throw new Error("mine");
      },
    });
    assert.equal(await outcome(call), "disposed");
    assert.equal(await outcome(classifier.classify("after")), "disposed");
  });

  test(`a callback that calls classify gets its answer after this one, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    let inner = null;
    await classifier.classify(["one", "two"], {
      onProgress: () => (inner ??= classifier.classify("from within")),
    });
    assert.equal((await inner).length, 1);
  });
}

test("every error is the same from a worker as in place: class, kind and message", async (t) => {
  const files = filesOf();
  const spoiled = (name, bytes) => ({ ...files, [name]: bytes });
  const text = (value) => new TextEncoder().encode(value);
  const broken = files["model.safetensors"].slice();
  broken.fill(0xff, broken.length - 4);
  const { url } = await serveModel(t, files, {
    "tokenizer.json": (_, response) => response.writeHead(410).end(),
  });
  const sources = {
    network: url,
    config_invalid: spoiled("config.json", text("{")),
    config_unsupported: spoiled(
      "config.json",
      text(
        JSON.stringify({
          ...JSON.parse(new TextDecoder().decode(files["config.json"])),
          architectures: ["GPT2LMHeadModel"],
          model_type: "gpt2",
        }),
      ),
    ),
    tokenizer_invalid: spoiled("tokenizer.json", text("{}")),
    weights_header: spoiled("model.safetensors", text("!".repeat(200))),
    weights_length: spoiled("model.safetensors", files["model.safetensors"].subarray(0, 10_000)),
    weights_not_finite: spoiled("model.safetensors", broken),
    not_a_model: spoiled("config.json", text("<!doctype html><html></html>")),
  };
  for (const [kind, source] of Object.entries(sources)) {
    const [apart, here] = await Promise.all(
      [true, false].map((worker) =>
        Classifier.load(source, { worker }).then(
          () => assert.fail(kind),
          (error) => error,
        ),
      ),
    );
    assert.ok(apart instanceof TabsenseError && here instanceof TabsenseError);
    assert.deepEqual([apart.kind, apart.message], [here.kind, here.message]);
    assert.equal(apart.kind, kind);
    assert.ok(ERROR_KINDS.includes(kind));
  }
});
