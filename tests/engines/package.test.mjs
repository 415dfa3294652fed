// The installed package in a plain page of three engines: loading, classifying, aborting calls, and workers
// that crash.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { softmax } from "../js/support.mjs";
import { ROOT } from "../package/support.mjs";
import { inEachEngine } from "./harness.mjs";
import { startEngineSite } from "./site.mjs";

/**
 * By how much rounding may change a score. Builds with relaxed SIMD round the activations of int4 weights to
 * 8 bits: 0.06, as in tests/page/harness.mjs. The others store int4 as int8, and their logits are at most
 * 0.048 off (numbers.test.mjs prints it), which changes a score by at most half of that.
 */
const ROUNDED = { relaxed: 0.06, simd: 0.025 };

let site, isolated;

before(async () => {
  [site, isolated] = [await startEngineSite(), await startEngineSite({ isolated: true })];
});

after(async () => {
  await site?.close();
  await isolated?.close();
});

inEachEngine(({ open, supports }) => {
  test("a model is loaded stage by stage, by one worker, with one build of the engine", async (t) => {
    const page = await open(t, site.url);
    site.requests.length = 0;
    const seen = await page.run(async () => {
      const stages = [];
      const classifier = await tabsense.Classifier.load("/tiny/", {
        onProgress: ({ stage }) => stages.push(stage),
      });
      const { build, threads } = classifier.info;
      await classifier.dispose();
      return {
        stages: [...new Set(stages)].sort(),
        last: stages.at(-1),
        build,
        threads,
        workers: workers.length,
      };
    });
    const { build, ...rest } = seen;
    assert.deepEqual(rest, {
      stages: ["config", "ready", "runtime", "tokenizer", "weights"],
      last: "ready",
      threads: 1,
      workers: 1,
    });
    assert.ok(["simd", "relaxed"].includes(build), build);
    const fetched = site.requests.filter((path) => path.endsWith(".wasm"));
    assert.deepEqual(fetched, [`/node_modules/tabsense/dist/wasm/${build}/tabsense_bg.wasm`]);
  });

  test("an isolated page computes on threads, to the same bits", async (t) => {
    const page = await open(t, isolated.url);
    if (!(await supports(t, page, "threads"))) return;
    const [alone, three] = await page.run(async () => {
      const answers = [];
      for (const threads of [1, 3]) {
        const classifier = await tabsense.Classifier.load("/tiny/", { threads });
        const scores = await classifier.classify("A delight from start to finish. ".repeat(20), {
          topK: null,
        });
        const { build, threads: used } = classifier.info;
        await classifier.dispose();
        answers.push({ build, used, scores });
      }
      return answers;
    });
    assert.deepEqual([alone.used, three.used], [1, 3]);
    assert.equal(three.build, `${alone.build}-threads`);
    assert.deepEqual(three.scores, alone.scores);
  });

  test("texts get the tokens and labels of the goldens, in a batch as one by one", async (t) => {
    const page = await open(t, site.url);
    const goldens = readFileSync(join(ROOT, "test_data/sentiment_goldens.jsonl"), "utf8");
    const rows = goldens
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { labels, build, together, alone } = await page.run(
      async (texts) => {
        const classifier = await tabsense.Classifier.load("/models/sentiment-en/");
        const options = { topK: null, details: true };
        const together = await classifier.classify(texts, options);
        const alone = [];
        for (const text of texts) alone.push(await classifier.classify(text, { topK: null }));
        const { build, model } = classifier.info;
        await classifier.dispose();
        return { labels: model.labels, build, together, alone };
      },
      rows.map(({ text }) => text),
    );
    for (const [i, { text, ids, logits }] of rows.entries()) {
      const { tokens, scores } = together[i];
      assert.deepEqual(
        tokens.map(({ id }) => id),
        ids,
        text,
      );
      assert.deepEqual(alone[i], scores, text);
      const wanted = softmax(logits);
      for (const { label, score } of scores)
        assert.ok(
          Math.abs(score - wanted[labels.indexOf(label)]) <= ROUNDED[build],
          `${text}: ${label} ${score}`,
        );
      const [best, second] = wanted.toSorted((a, b) => b - a);
      if (best - second > 2 * ROUNDED[build])
        assert.equal(scores[0].label, labels[wanted.indexOf(best)], text);
    }
  });

  for (const worker of [true, false]) {
    test(`calls end by a signal, or with their classifier, worker: ${worker}`, async (t) => {
      const page = await open(t, site.url);
      const seen = await page.run(async (worker) => {
        const classifier = await tabsense.Classifier.load("/tiny/", { worker });
        const [queued, running] = [new AbortController(), new AbortController()];
        const texts = Array(3000).fill("some words of a text");
        const long = failed(
          classifier.classify(texts, { signal: running.signal, onProgress: () => running.abort() }),
        );
        const waiting = failed(classifier.classify("queued", { signal: queued.signal }));
        queued.abort();
        const seen = { queued: (await waiting).name, running: (await long).name };
        seen.next = (await classifier.classify(texts)).length;
        seen.empty = await classifier.classify(" ");
        const never = failed(classifier.classify("never"));
        await classifier.dispose();
        seen.disposed = [(await never).kind, (await failed(classifier.classify("never"))).kind];
        seen.load = (
          await failed(tabsense.Classifier.load("/tiny/", { worker, signal: AbortSignal.abort() }))
        ).name;
        return seen;
      }, worker);
      assert.deepEqual(seen, {
        queued: "AbortError",
        running: "AbortError",
        next: 3000,
        empty: [],
        disposed: ["disposed", "disposed"],
        load: "AbortError",
      });
    });
  }

  for (const [crash, reason] of [
    ["error", /boom/],
    ["trap", /RuntimeError/],
  ]) {
    test(`a worker that crashes (${crash}) fails its call, and the next ones get a new worker`, async (t) => {
      const page = await open(t, site.url);
      const seen = await page.run(
        async (crash, dist) => {
          const classifier = await tabsense.Classifier.load("/tiny/");
          const expected = await classifier.classify("a text", { topK: null });
          const glue = `${dist}wasm/${classifier.info.build}/tabsense.js`;
          const { port1, port2 } = new MessageChannel();
          const set = new Promise((resolve) => (port1.onmessage = resolve));
          const crashWorker = () => workers[0].postMessage({ crash, glue, port: port2 }, [port2]);
          if (crash === "trap") {
            crashWorker();
            await set;
          }
          const call = failed(classifier.classify(Array(20_000).fill("many words are in this text")));
          const queued = [classifier.classify("a text", { topK: null }), classifier.classify(" ")];
          if (crash === "error") crashWorker();
          const seen = {
            expected,
            call: await call,
            queued: await Promise.all(queued),
            workers: workers.length,
          };
          await classifier.dispose();
          return seen;
        },
        crash,
        `${site.url}node_modules/tabsense/dist/`,
      );
      assert.equal(seen.call?.kind, "worker_crashed");
      assert.match(seen.call.message, reason);
      assert.match(seen.call.message, /The next call starts a new one/);
      assert.deepEqual(seen.queued, [seen.expected, []]);
      assert.equal(seen.workers, 2);
    });
  }

  test("classifies a stream, and cancels it on leaving", async (t) => {
    const page = await open(t, site.url);
    const seen = await page.run(async () => {
      const classifier = await tabsense.Classifier.load("/tiny/");
      const seen = { texts: [], cancelled: 0 };
      const lines = ["one", "two", "three"];
      const source = new ReadableStream({
        pull: (controller) => (lines.length > 0 ? controller.enqueue(lines.shift()) : controller.close()),
      });
      for await (const { index, text, scores } of classifier.stream(source))
        if (scores.length === 1) seen.texts[index] = text;
      const endless = new ReadableStream({
        pull: (controller) => controller.enqueue("again"),
        cancel: () => void seen.cancelled++,
      });
      for await (const { index } of classifier.stream(endless)) if (index === 100) break;
      await classifier.dispose();
      return seen;
    });
    assert.deepEqual(seen, { texts: ["one", "two", "three"], cancelled: 1 });
  });

  test("`await using` ends the worker", async (t) => {
    const page = await open(t, site.url);
    if (!(await supports(t, page, "using"))) return;
    // As text, because the Node that runs this test may not support the syntax.
    const kinds = await page.run(
      async (code) => new Function(`return ${code}`)()(),
      `async () => {
      let kept;
      {
        await using classifier = await tabsense.Classifier.load("/tiny/");
        kept = classifier;
      }
      return (await failed(kept.classify("after"))).kind;
    }`,
    );
    assert.equal(kinds, "disposed");
  });
});
