// From import to dispose: nothing happens before it is requested, and nothing is left behind.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { transform } from "esbuild";
import { Classifier } from "tabsense";
import { rejects, ROOT, rounded, tiny, TINY } from "./support.mjs";

for (const worker of [true, false]) {
  test(`after dispose, calls are refused, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    await classifier.classify("before");
    await classifier.dispose();
    await rejects("disposed", classifier.classify("after"));
    await rejects("disposed", classifier.classify([]));
    assert.equal(classifier.info.device, "cpu");
  });

  test(`disposing twice, and while calls wait, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const calls = [classifier.classify(Array(500).fill("under way")), classifier.classify("queued")].map(
      (call) => rejects("disposed", call),
    );
    await Promise.all([classifier.dispose(), classifier.dispose(), ...calls]);
    await classifier.dispose();
  });

  test(`calls are answered in order, and a failed one doesn't affect others, worker: ${worker}`, async (t) => {
    const classifier = await tiny(t, { worker });
    const order = [];
    const onProgress = () => {
      throw new Error("mine");
    };
    const call = (text, options) =>
      classifier.classify(text, options).then(
        () => order.push(text),
        ({ kind }) => order.push(kind),
      );
    await Promise.all([
      call("one"),
      call("two", { onProgress }),
      call(""),
      call("four", { onProgress }),
      call("five"),
    ]);
    assert.deepEqual(order, ["one", "invalid_argument", "", "invalid_argument", "five"]);
  });
}

test("`await using` disposes, with and without a worker, and without Symbol.asyncDispose", async (t) => {
  const classifier = await tiny(t);
  await classifier[Symbol.asyncDispose]();
  await rejects("disposed", classifier.classify("after"));
  assert.ok(!Object.keys(classifier).length, "it is no property that is listed");
  // As a bundler writes it for runtimes without the syntax.
  const { code } = await transform(
    `
    export async function use(load) {
      let kept;
      {
        await using classifier = await load();
        kept = classifier;
        await classifier.classify("a text");
      }
      return kept;
    }`,
    { target: "es2022", format: "esm" },
  );
  const { use } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  for (const worker of [true, false])
    await rejects("disposed", (await use(() => Classifier.load(TINY, { worker }))).classify("after"));
  // A runtime without the symbol: the package loads, disposes, and has no method named "undefined".
  const script = `
    let asyncDispose;
    const make = Symbol;
    const { iterator, asyncIterator, hasInstance } = Symbol;
    globalThis.Symbol = { iterator, asyncIterator, hasInstance, get asyncDispose() { return asyncDispose; } };
    const { Classifier } = await import("tabsense");
    const early = await Classifier.load(${JSON.stringify(TINY)});
    asyncDispose = make("polyfilled");
    const late = await Classifier.load(${JSON.stringify(TINY)});
    console.log(JSON.stringify(["undefined" in early, typeof late[asyncDispose]]));
    await early.dispose();
    await late[asyncDispose]();`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual([status, stdout.trim()], [0, '[false,"function"]'], stderr);
});

test("many classifiers at once", async (t) => {
  const all = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      tiny(t, { worker: i % 2 === 0, dtype: i % 3 === 0 ? "int8" : "fp32" }),
    ),
  );
  const scores = await Promise.all(
    all.map((classifier) => classifier.classify("the same text", { topK: null })),
  );
  assert.deepEqual(rounded(scores[1]), rounded(scores[2]));
  assert.deepEqual(rounded(scores[0]), rounded(scores[3]));
  await all[0].dispose();
  assert.deepEqual(await all[1].classify("the same text", { topK: null }), scores[1]);
});

test("loading and disposing in place does not let the memory grow", async () => {
  let after = 0;
  for (let i = 0; i < 40; i++) {
    const classifier = await Classifier.load(TINY, { worker: false });
    if (i === 10) after = classifier.info.bytes.memory;
    if (i > 10) assert.equal(classifier.info.bytes.memory, after);
    await classifier.dispose();
  }
});

test("importing touches nothing", () => {
  for (const module of ["node", "index"]) {
    const script = `
      const touched = [];
      for (const name of ["fetch", "Worker", "document", "navigator", "location"]) Object.defineProperty(globalThis, name, { configurable: true, get: () => { touched.push(name); } });
      const compile = WebAssembly.compile; WebAssembly.compile = (...args) => (touched.push("compile"), compile(...args));
      const { Classifier, TabsenseError } = await import(${JSON.stringify(`${ROOT}/dist/${module}.js`)});
      if (typeof Classifier.load !== "function" || typeof TabsenseError !== "function") touched.push("exports");
      console.log(JSON.stringify(touched));`;
    assert.equal(
      execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).trim(),
      "[]",
      module,
    );
  }
});

test("the process exits with and without dispose, but not before its answer", () => {
  for (const end of ["await classifier.dispose();", ""]) {
    const script = `
      const { Classifier } = await import("tabsense");
      const classifier = await Classifier.load(${JSON.stringify(TINY)});
      await classifier.classify("one");
      console.log((await classifier.classify(["one", "two"])).length);
      ${end}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.deepEqual([status, stdout.trim()], [0, "2"], stderr);
  }
});
