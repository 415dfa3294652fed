// Verdicts on a stream of texts: in order, reading no further ahead than documented, and always ended.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { rejects, rounded, signalled, tiny, rejectsAborted } from "./support.mjs";

const numbered = (count) =>
  Array.from({ length: count }, (_, i) => `text number ${i} ${"and more ".repeat(i % 7)}`);

/** All verdicts of a stream, and the error that ended it, or null. */
async function drain(stream) {
  const verdicts = [];
  try {
    for await (const verdict of stream) verdicts.push(verdict);
  } catch (error) {
    return { verdicts, error };
  }
  return { verdicts, error: null };
}

/** The error that ends a stream, as a promise that rejects. */
const failing = (stream) =>
  drain(stream).then(({ error }) => {
    if (error) throw error;
  });

/**
 * An async source that records how much of it was read and whether it was ended; `pause` is awaited before
 * each text.
 */
function watched(texts, pause = async () => {}) {
  const seen = { read: 0, ended: false };
  async function* source() {
    try {
      for (const text of texts) {
        await pause(seen.read);
        seen.read++;
        yield text;
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, source: source() };
}

const SOURCES = {
  "an array": (texts) => texts,
  "a generator": function* (texts) {
    yield* texts;
  },
  "an async generator": async function* (texts) {
    yield* texts;
  },
  "an async generator that takes its time": async function* (texts) {
    for (const text of texts) {
      if (text.includes("7")) await sleep(1);
      yield text;
    }
  },
  "an iterable of promises": (texts) => texts.map((text) => Promise.resolve(text)),
  "a ReadableStream": (texts) => ReadableStream.from(texts),
  "a ReadableStream that can't be iterated over": (texts) => {
    const stream = ReadableStream.from(texts);
    return { getReader: () => stream.getReader() };
  },
  "a stream of Node": (texts) => Readable.from(texts),
  lines: (texts) => createInterface({ input: Readable.from([texts.join("\n")]) }),
};

for (const worker of [true, false]) {
  test(`each kind of source gives what classify gives, in order, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const texts = numbered(150);
    const expected = await classifier.classify(texts, { topK: null });
    for (const [kind, open] of Object.entries(SOURCES)) {
      const { verdicts, error } = await drain(classifier.stream(open(texts), { topK: null }));
      assert.equal(error, null, kind);
      assert.deepEqual(
        verdicts.map(({ index, text }) => [index, text]),
        texts.map((text, i) => [i, text]),
        kind,
      );
      assert.deepEqual(
        verdicts.map(({ scores }) => rounded(scores)),
        expected.map(rounded),
        kind,
      );
    }
  });
}

test("yields nothing without texts", async (t) => {
  const classifier = await tiny(t);
  for (const open of Object.values(SOURCES).slice(0, -1))
    assert.deepEqual(await drain(classifier.stream(open([]))), { verdicts: [], error: null });
});

test("with details, a verdict is classify's result with its index", async (t) => {
  const classifier = await tiny(t);
  const {
    verdicts: [, { index, text, scores, tokens, timings, device }],
  } = await drain(classifier.stream(["one", "two words"], { details: true }));
  assert.deepEqual([index, text, scores.length, device], [1, "two words", 1, "cpu"]);
  assert.ok(tokens.length >= 4 && timings.total > 0);
});

test("reads nothing before the first verdict is requested", async (t) => {
  const classifier = await tiny(t);
  const { seen, source } = watched(numbered(10));
  const stream = classifier.stream(source);
  await sleep(20);
  assert.equal(seen.read, 0);
  await stream.next();
  assert.ok(seen.read > 0);
});

test("reads at most one group ahead", async (t) => {
  const classifier = await tiny(t);
  const { seen, source } = watched(numbered(1000));
  let maxAhead = 0;
  let taken = 0;
  for await (const { index } of classifier.stream(source)) {
    assert.equal(index, taken);
    if (taken % 16 === 0) await sleep(5); // time enough to read on
    maxAhead = Math.max(maxAhead, seen.read - taken);
    taken++;
  }
  assert.equal(taken, 1000);
  assert.ok(maxAhead > 64, `at most ${maxAhead} were read ahead: the next group is not under way`);
  assert.ok(maxAhead <= 128, `${maxAhead} texts were read ahead`);
  assert.equal(seen.ended, true);
});

test("reads a fast source in large groups, and doesn't wait for a slow one", async (t) => {
  const classifier = await tiny(t);
  const sizes = [];
  const { classify } = classifier;
  classifier.classify = function (texts, options) {
    sizes.push(texts.length);
    return classify.call(this, texts, options);
  };
  await drain(classifier.stream(numbered(200)));
  assert.deepEqual(sizes, [8, 16, 32, 64, 64, 16]);
  sizes.length = 0;
  const waiting = [];
  const { source } = watched(["first", "second", "third"], (i) =>
    i === 0 ? null : new Promise((resolve) => waiting.push(resolve)),
  );
  const stream = classifier.stream(source);
  assert.equal((await stream.next()).value.text, "first");
  for (const text of ["second", "third"]) {
    const next = stream.next();
    while (waiting.length === 0) await sleep(1);
    waiting.pop()();
    assert.equal((await next).value.text, text);
  }
  assert.deepEqual(sizes, [1, 1, 1]);
});

for (const [how, leave] of [
  ["broken off", () => true],
  [
    "left by a throw",
    () => {
      throw new Error("mine");
    },
  ],
]) {
  test(`a loop that is ${how} ends its source`, async (t) => {
    const classifier = await tiny(t);
    for (const open of ["async", "sync", "stream"]) {
      let ended = 0;
      const made = {
        async: async function* () {
          try {
            yield* numbered(500);
          } finally {
            await sleep(5);
            ended++;
          }
        },
        sync: function* () {
          try {
            yield* numbered(500);
          } finally {
            ended++;
          }
        },
      };
      const source =
        open === "stream"
          ? new ReadableStream({
              pull: (controller) => controller.enqueue("a text"),
              cancel: () => void ended++,
            })
          : made[open]();
      try {
        for await (const { index } of classifier.stream(source)) if (index === 2 && leave()) break;
      } catch (error) {
        assert.equal(error.message, "mine");
      }
      assert.equal(ended, 1, open);
    }
    assert.equal((await classifier.classify("and on it goes")).length, 1);
  });
}

test("leaving the loop doesn't wait for a pending source", async (t) => {
  const classifier = await tiny(t);
  const { promise, resolve } = signalled();
  const { seen, source } = watched(["first", "second"], (i) => (i === 0 ? null : promise));
  for await (const { text } of classifier.stream(source)) {
    assert.equal(text, "first");
    break;
  }
  assert.equal(seen.ended, false);
  resolve(); // the source continues, finds that it was ended, and ends
  while (!seen.ended) await sleep(1);
  assert.equal(seen.read, 2);
});

test("rethrows the source's error after the verdicts before it", async (t) => {
  const classifier = await tiny(t);
  const fault = new Error("the file is gone");
  const source = async function* () {
    yield* numbered(70);
    throw fault;
  };
  const { verdicts, error } = await drain(classifier.stream(source()));
  assert.equal(error, fault);
  assert.equal(verdicts.length, 70);
  assert.equal(
    await failing(
      classifier.stream(new ReadableStream({ start: (controller) => controller.error(fault) })),
    ).catch((error) => error),
    fault,
  );
});

test("rethrows an error of closing the source to the loop", async (t) => {
  const classifier = await tiny(t);
  const fault = new Error("could not be closed");
  const source = async function* () {
    try {
      yield* numbered(500);
    } finally {
      throw fault;
    }
  };
  await assert.rejects(async () => {
    for await (const _ of classifier.stream(source())) break;
  }, fault);
});

const PHASES = {
  "while the source is waited for": async (stream) => {
    await stream.next();
    return stream.next();
  },
  "while a verdict is in hand": async (stream, stop) => {
    await stream.next();
    await stop();
    return stream.next();
  },
};

for (const [phase, run] of Object.entries(PHASES)) {
  for (const [how, { stopper, check }] of Object.entries({
    aborted: { stopper: (_, controller) => controller.abort(), check: (call) => rejectsAborted(call) },
    disposed: { stopper: (classifier) => classifier.dispose(), check: (call) => rejects("disposed", call) },
  })) {
    test(`${how} ${phase}`, async (t) => {
      const classifier = await tiny(t);
      const controller = new AbortController();
      const never = new Promise(() => {});
      const ended = signalled();
      const source = new ReadableStream({
        start: (stream) => stream.enqueue("first"),
        pull: () => never,
        cancel: ended.resolve,
      });
      const stream = classifier.stream(source, { signal: controller.signal });
      const stop = () => stopper(classifier, controller);
      if (phase.startsWith("while the source")) setTimeout(stop, 30);
      await check(run(stream, stop));
      await ended.promise;
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    });
  }
}

test("an abort during a long group rejects at once, and other calls continue", async (t) => {
  const classifier = await tiny(t);
  const controller = new AbortController();
  const texts = Array.from({ length: 64 }, (_, i) => `many words are in text ${i} `.repeat(60));
  const verdicts = classifier.stream(
    (async function* () {
      for (;;) yield* texts;
    })(),
    { signal: controller.signal },
  );
  const other = classifier.classify("another");
  await verdicts.next();
  const end = failing(verdicts);
  controller.abort();
  await rejectsAborted(end);
  assert.equal((await other).length, 1);
});

test("an aborted signal leaves the source untouched", async (t) => {
  const classifier = await tiny(t);
  const { seen, source } = watched(["a text"]);
  await rejectsAborted(failing(classifier.stream(source, { signal: AbortSignal.abort() })));
  assert.deepEqual(seen, { read: 0, ended: false });
});

test("after dispose, rejects a stream before reading anything", async (t) => {
  const classifier = await tiny(t);
  await classifier.dispose();
  const { seen, source } = watched(["a text"]);
  await rejects("disposed", failing(classifier.stream(source)));
  assert.equal(seen.read, 0);
});

test("an empty text has no labels, and the stream goes on", async (t) => {
  const classifier = await tiny(t);
  const texts = numbered(200);
  const empty = [0, 57, 58, 199];
  for (const at of empty) texts[at] = "";
  const { verdicts, error } = await drain(classifier.stream(texts));
  assert.equal(error, null);
  assert.deepEqual(
    verdicts.map(({ index }) => index),
    texts.map((_, i) => i),
  );
  assert.deepEqual(
    verdicts.filter(({ scores }) => scores.length === 0).map(({ index }) => index),
    empty,
  );
});

const WRONG = {
  "a single text": ["a text", {}, /classify/],
  nothing: [undefined, {}, /not undefined/],
  "an object": [{}, {}, /iterable/],
  numbers: [[1], {}, /^Text 0 of the stream is not a string but 1/],
  "a stream of bytes": [new Blob(["text"]).stream(), {}, /TextDecoderStream/],
  "an option that is none": [["a"], { onProgress: () => {} }, /onProgress/],
  "an option of earlier versions": [["a"], { onError: () => {} }, /onError/],
  "a topK that is none": [["a"], { topK: 0 }, /topK/],
  "a signal that is none": [["a"], { signal: {} }, /signal/],
};

test("each wrong argument, and the classifier works on", async (t) => {
  const classifier = await tiny(t);
  for (const [name, [texts, options, message]] of Object.entries(WRONG)) {
    await t.test(name, () =>
      rejects("invalid_argument", failing(classifier.stream(texts, options)), message),
    );
  }
  const locked = ReadableStream.from(["a"]);
  locked.getReader();
  await rejects("invalid_argument", failing(classifier.stream(locked)), /isn't locked/);
  await classifier.classify("text");
});

test("rejects an item that isn't text, after some that are", async (t) => {
  const classifier = await tiny(t);
  const { verdicts, error } = await drain(classifier.stream(["one", "two", null, "three"]));
  await rejects("invalid_argument", Promise.reject(error), /^Text 2 of the stream is not a string but null/);
  assert.equal(verdicts.length, 2);
});

test("two streams at once, and calls between", async (t) => {
  const classifier = await tiny(t);
  const [left, right, call] = await Promise.all([
    drain(classifier.stream(numbered(100))),
    drain(classifier.stream(numbered(50))),
    classifier.classify("between"),
  ]);
  assert.deepEqual([left.verdicts.length, right.verdicts.length, call.length], [100, 50, 1]);
});

test("what is piped in arrives while the pipe is open", async (t) => {
  const classifier = await tiny(t);
  const pipe = new PassThrough({ encoding: "utf8" });
  const stream = classifier.stream(createInterface({ input: pipe }));
  const first = stream.next(); // Node's readline drops lines that arrive before it is iterated over
  pipe.write("first\nsecond\n");
  assert.equal((await first).value.text, "first");
  assert.equal((await stream.next()).value.text, "second");
  pipe.end("third");
  assert.equal((await stream.next()).value.text, "third");
  assert.equal((await stream.next()).done, true);
});
