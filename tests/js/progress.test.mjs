// Progress reaches the end of each file, never goes back, and stops when loading ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { withOverall } from "../../dist/worker/progress.js";
import { filesOf, rejects, serveModel, TINY } from "./support.mjs";

async function record(t, source, options = {}) {
  const events = [];
  const classifier = await Classifier.load(source, { ...options, onProgress: (event) => events.push(event) });
  t.after(() => classifier.dispose());
  return events;
}

function check(events, lengths) {
  for (const [stage, length] of Object.entries(lengths)) {
    const own = events.filter((event) => event.stage === stage);
    assert.ok(own.length > 0, `no event of ${stage}`);
    assert.ok(
      own.every((event, i) => i === 0 || event.bytes >= own[i - 1].bytes),
      `${stage} went back`,
    );
    assert.ok(
      own.every(
        ({ total, bytes, rate }) => (total === null || bytes <= total) && Number.isFinite(rate) && rate >= 0,
      ),
    );
    assert.deepEqual([own.at(-1).bytes, own.at(-1).total], [length, length], stage);
  }
  assert.ok(
    events.every(({ overall }, i) => overall >= (events[i - 1]?.overall ?? 0) && overall <= 1),
    `overall goes back: ${events.map(({ overall }) => overall)}`,
  );
  assert.deepEqual(
    events.filter(({ overall }) => overall === 1).map(({ stage }) => stage),
    ["ready"],
  );
  assert.equal(events.at(-1).stage, "ready");
  assert.equal(events.filter(({ stage }) => stage === "ready").length, 1);
}

for (const worker of [true, false]) {
  test(`of a folder, worker: ${worker}`, async (t) => {
    const files = filesOf();
    const lengths = {
      config: files["config.json"].length,
      tokenizer: files["tokenizer.json"].length,
      weights: files["model.safetensors"].length,
    };
    const events = await record(t, TINY, { worker });
    check(events, lengths);
    assert.ok(events.some(({ stage, file }) => stage === "runtime" && file.endsWith(".wasm")));
  });
}

test("of a server that sends in pieces, with a length", async (t) => {
  const files = filesOf();
  const weights = files["model.safetensors"];
  const { url } = await serveModel(t, files, {
    async "model.safetensors"(_, response) {
      response.writeHead(200, { "content-length": weights.length });
      const step = Math.ceil(weights.length / 5);
      for (let at = 0; at < weights.length; at += step) {
        response.write(weights.subarray(at, at + step));
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      response.end();
    },
  });
  const events = await record(t, url);
  check(events, { weights: weights.length });
  const own = events.filter(({ stage }) => stage === "weights");
  assert.ok(own.length >= 3, `only ${own.length} events`);
  assert.ok(own.at(-1).rate > 0);
});

test("of a server that tells no length", async (t) => {
  const files = filesOf();
  const weights = files["model.safetensors"];
  const { url } = await serveModel(t, files, {
    "model.safetensors": (_, response) => (
      response.write(weights.subarray(0, 100)), response.end(weights.subarray(100))
    ),
  });
  const events = await record(t, url);
  check(events, { weights: weights.length });
  assert.equal(events.find(({ stage }) => stage === "weights").total, null);
});

for (const worker of [true, false]) {
  test(`a callback that throws ends the loading, worker: ${worker}`, async () => {
    await rejects(
      "invalid_argument",
      Classifier.load(TINY, {
        worker,
        onProgress: () => {
          throw new Error("mine");
        },
      }),
      /mine/,
    );
  });
}

test("a callback that throws while weights load without a worker doesn't crash the process", async () => {
  for (let i = 0; i < 5; i++) {
    const onProgress = ({ stage }) => {
      if (stage === "weights") throw new Error("mine");
    };
    await rejects("invalid_argument", Classifier.load(TINY, { worker: false, onProgress }), /mine/);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test("the overall progress counts bytes, also if a file restarts or has no known length", () => {
  const seen = [];
  const emit = withOverall(({ overall }) => seen.push(overall));
  const report = (stage, bytes, total) => emit({ stage, file: "", bytes, total, rate: 0 });
  report("runtime", 1e6, 1e6);
  report("config", 1000, 1000);
  report("tokenizer", 500_000, 500_000);
  assert.ok(seen.at(-1) < 0.02, "the weights are most of it");
  report("weights", 0, 24e6);
  report("weights", 12e6, 24e6);
  assert.ok(Math.abs(seen.at(-1) - 13.501 / 25.501) < 1e-9, `${seen.at(-1)}`);
  report("weights", 100, 24e6);
  report("weights", 30e6, null);
  report("weights", 24e6, 24e6);
  report("ready", 24e6, 24e6);
  assert.ok(seen.every((overall, i) => i === 0 || overall >= seen[i - 1]));
  assert.deepEqual(seen.slice(-2), [0.99, 1]);
});
