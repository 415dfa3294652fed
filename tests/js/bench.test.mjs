// The benchmark's harness: it runs, its outputs agree, and its computations are right. No timing is checked.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { setUpPackages } from "../../bench/setup.mjs";
import { ROOT } from "./support.mjs";

before(() => setUpPackages({ peers: false }));

const TINY = join(ROOT, "bench/tiny.toml");

function folderFor(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-bench-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function bench(...args) {
  return spawnSync(process.execPath, [join(ROOT, "scripts/bench.mjs"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
}

test("a tiny run writes a result, a table, a page and a CSV file that agree", async (t) => {
  const out = folderFor(t);
  const { status, stdout, stderr } = bench("--config", TINY, "--out", out);
  assert.equal(status, 0, stdout + stderr);
  const read = (name) => readFileSync(join(out, name), "utf8");
  const result = JSON.parse(read("result.json"));

  assert.deepEqual(
    result.subjects.map(({ id }) => id),
    [
      "tabsense-cpu-fp32@tiny-f32",
      "tabsense-cpu-int8@tiny-f32",
      "tabsense-webgpu-fp32@tiny-f32",
      "tabsense-node-fp32@tiny-f32",
    ],
  );
  assert.deepEqual(
    result.cases.map(({ id }) => id),
    [
      "tokens/8x1",
      "tokens/8x2",
      "tokens/16x1",
      "tokens/16x2",
      "lines",
      "sweep tokens/8x1",
      "sweep tokens/16x1",
      "sweep tokens/32x1",
      "visit/first label at 50 Mbit/s",
      "visit/first label from this machine",
      "visit/first call",
      "visit/calls 2 to 5",
    ],
  );
  const isVisit = ({ case: id }) => id.startsWith("visit/");
  const visits = result.latencies.filter(isVisit);
  assert.deepEqual(
    visits.map(({ subject, count }) => [subject, count]),
    [1, 1, 2, 8].map((count) => ["tabsense-cpu-int8@tiny-f32", count]),
  );
  const [{ p50: onLine }] = visits;
  assert.deepEqual(
    result.visits.map(({ rate }) => rate),
    [50, 0],
  );
  for (const { bytes, transfer } of result.visits)
    assert.ok(bytes.code > 100_000 && bytes.model > 100_000 && onLine > transfer);
  // The page, the module, the library and its worker are requested one after the other.
  assert.ok(onLine > 4 * 30);
  const others = result.latencies.filter((row) => !isVisit(row));
  assert.equal(others.length, 4 * 8);
  for (const {
    count,
    p50,
    p95,
    p99,
    mean,
    sd,
    min,
    max,
    rounds,
    requestsPerSecond,
    tokensPerSecond,
  } of others) {
    assert.ok(count >= 2 && rounds.length === 2);
    for (const value of [p50, p95, p99, mean, min, max, requestsPerSecond, tokensPerSecond])
      assert.ok(value > 0);
    assert.ok(min <= p50 && p50 <= p95 && p95 <= p99 && p99 <= max && sd >= 0);
  }
  for (const { subject, stages, memory } of result.cold) {
    const { download, compile, weights, first, total } = stages;
    if (!subject.includes("node"))
      assert.ok(
        download > 0 &&
          compile > 0 &&
          Math.abs(download + compile + weights + first - total) < 1e-6 * total + 1e-3,
      );
    assert.ok(weights > 0 && first > 0 && memory.wasm > 0);
  }
  for (const { runtime, model, files } of result.bytes) {
    for (const { raw, gzip, brotli } of [runtime, model]) assert.ok(raw > gzip && gzip > 0 && brotli > 0);
    for (const name of [
      "index.js",
      "worker.js",
      "tabsense_bg.wasm",
      "config.json",
      "tokenizer.json",
      "model.safetensors",
    ])
      assert.ok(
        files.some(({ file }) => file === name),
        name,
      );
  }
  assert.ok(result.checks.length === 4 && result.checks.every(({ passed, texts }) => passed && texts >= 10));
  assert.deepEqual(
    result.sweeps.map(({ points }) => points.map(({ x }) => x)),
    Array(4).fill([8, 16, 32]),
  );
  for (const key of ["processor", "cores", "memory", "os", "browser", "node", "commit"])
    assert.ok(result.system[key], key);
  assert.ok(result.system.variants.includes("relaxed"), "Chromium takes the fastest build");
  const [{ subject, name, software }] = result.adapters;
  assert.deepEqual(
    [result.adapters.length, subject, typeof software],
    [1, "tabsense-webgpu-fp32@tiny-f32", "boolean"],
  );
  assert.ok(name.length > 0 && result.system.webgpu.length > 0);
  assert.deepEqual(result.failures, []);

  const csv = read("result.csv").trim().split("\n");
  assert.equal(csv.length, 1 + result.latencies.length);
  const column = csv[0].split(",").indexOf("p50");
  assert.equal(Number(csv[1].split(",")[column]), result.latencies[0].p50);

  const adapters = csv[0].split(",").indexOf("adapter");
  assert.equal(
    csv.slice(1).filter((row) => row.split(",")[adapters] !== "").length,
    8,
    "each case of the one subject on WebGPU",
  );

  const { markdownOf } = await import("../../bench/report/markdown.mjs");
  assert.equal(read("result.md"), markdownOf(result));
  assert.ok(stdout.includes(read("result.md")));

  const page = read("index.html");
  assert.deepEqual(
    JSON.parse(/<script id="result" type="application\/json">(.*?)<\/script>/s.exec(page)[1]),
    result,
  );
  assert.ok(
    JSON.parse(/<script id="charts" type="application\/json">(.*?)<\/script>/s.exec(page)[1]).length >= 5,
  );
  assert.doesNotMatch(
    page.replace(/<script>.*?<\/script>/gs, ""),
    /(src|href)="https?:/,
    "the page needs nothing else",
  );

  const compared = spawnSync(
    process.execPath,
    [join(ROOT, "scripts/bench-compare.mjs"), join(out, "result.json"), join(out, "result.json")],
    { encoding: "utf8" },
  );
  assert.equal(compared.status, 0, compared.stderr);
  assert.match(compared.stdout, /36 compared: 0 faster, 0 slower/);
});

test("a wrong answer fails the run, but its result is written", (t) => {
  const out = folderFor(t);
  const config = join(out, "strict.toml");
  writeFileSync(
    config,
    readFileSync(TINY, "utf8").replace("fp32 = { difference = 1e-4", "fp32 = { difference = 1e-12"),
  );
  const { status, stderr } = bench("--config", config, "--only", "tabsense-node", "--out", out);
  assert.equal(status, 1);
  assert.match(stderr, /FAILED: tabsense-node-fp32@tiny-f32: answers on goldens: a probability is off by/);
  const { failures } = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  assert.equal(failures.length, 1);
  assert.match(readFileSync(join(out, "index.html"), "utf8"), /This run failed/);
});

test("compares the fp32 subjects of a model without goldens with each other", (t) => {
  const out = folderFor(t);
  const config = join(out, "random.toml");
  writeFileSync(
    config,
    readFileSync(TINY, "utf8")
      .replace(/^goldens = .*$/m, "")
      .replace("limit = 30", "limit = 30\nmade_up = 3"),
  );
  const { status, stdout, stderr } = bench(
    "--config",
    config,
    "--only",
    "tabsense-cpu-fp32,tabsense-cpu-int8,tabsense-node",
    "--out",
    out,
  );
  assert.equal(status, 0, stdout + stderr);
  const { checks } = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
  assert.deepEqual(
    checks.map(({ subject, against, texts, passed }) => [subject, against, texts, passed]),
    [
      ["tabsense-cpu-fp32@tiny-f32", null, 3, true],
      ["tabsense-node-fp32@tiny-f32", "tabsense-cpu-fp32@tiny-f32", 3, true],
    ],
  );
  assert.equal(typeof checks[1].largest, "number");
  assert.match(stdout, /made-up texts, against tabsense-cpu-fp32 /);
});

test("skips a subject that hangs, and times the others", async (t) => {
  const { limited } = await import("../../bench/hosts/limit.mjs");
  const { openProcess } = await import("../../bench/hosts/process.mjs");
  const { timeCases } = await import("../../bench/measure/latency.mjs");

  const answers = limited(async ({ op }) => op, 60);
  assert.equal(await answers({ op: "memory" }), "memory");
  const fails = limited(() => Promise.reject(new Error("its own mistake")), 60);
  await assert.rejects(fails({ op: "load" }), /its own mistake/);

  // A process that reads its requests, answers one kind and hangs on another.
  const script = `process.stdin.on("data", (line) => { if (line.includes('"turn"')) for (;;); process.stdout.write('{"result":null}\\n'); })`;
  const hanging = await openProcess(process.execPath, ["-e", script]);
  t.after(() => hanging.close());
  const ask = limited(hanging.ask, 0.25);
  const members = [
    { subject: { id: "hangs", implementation: "a" }, opened: { ask, close: hanging.close } },
    {
      subject: { id: "works", implementation: "b" },
      opened: { ask: async ({ op }) => (op === "turn" ? [1, 2] : null) },
    },
  ];
  const failures = [];
  const one = { id: "case", requests: [], rounds: 3, iterations: 2, implementations: null };
  const samples = await timeCases(
    members,
    [one],
    { order: "fixed", settle: 0, warm_up: 0, turn_ms: 500 },
    1,
    () => {},
    ({ id }, what, { message }) => failures.push([id, what, message]),
  );
  assert.deepEqual(failures, [["hangs", "case", 'no answer to "turn" within 1 s']]);
  assert.deepEqual(
    samples.map(({ subject, rounds }) => [subject, rounds.length]),
    [["works", 3]],
  );
  await assert.rejects(ask({ op: "memory" }), /no answer/);
  assert.throws(() => process.kill(hanging.pid, 0), /ESRCH/);
});

test("what falls back to the CPU is not measured as WebGPU", async () => {
  const { load } = await import("../../bench/implementations/tabsense.js");
  // A classifier that moves on to the next device in the list with each call.
  const classifierOn = (devices) => {
    const source = `
      export const disposed = [];
      const devices = ${JSON.stringify(devices)};
      export class Classifier {
        static load = async (source, { device, dtype }) => Object.assign(new Classifier(), { asked: device + " " + dtype });
        get info() {
          const device = devices[0];
          return { device, build: this.asked, bytes: { memory: 1 }, webgpu: device === "webgpu" ? { adapter: "a card", software: false } : { reason: "The card is gone." } };
        }
        classify = async (text) => { devices.shift(); return [{ label: "b", score: 0.75 }, { label: "a", score: 0.25 }]; };
        dispose = async () => void disposed.push(true);
      }`;
    return `data:text/javascript,${encodeURIComponent(source)}`;
  };
  const options = (address) => ({
    package: address,
    device: "webgpu",
    dtype: "fp16",
    model: { source: "x", labels: ["a", "b"] },
  });

  const fallen = classifierOn(["cpu"]);
  await assert.rejects(
    load(options(fallen)),
    /requested webgpu, but the classifier uses cpu: The card is gone\./,
  );
  assert.deepEqual((await import(fallen)).disposed, [true]);

  const loaded = await load(options(classifierOn(["webgpu", "webgpu", "cpu"])));
  assert.equal(loaded.variant, "webgpu fp16");
  assert.deepEqual(loaded.adapter, { name: "a card", software: false });
  assert.deepEqual(await loaded.classify(["text"]), [[0.25, 0.75]]);
  await assert.rejects(loaded.classify(["text"]), /uses cpu: The card is gone\./);

  const onCpu = await load({ ...options(classifierOn(["cpu", "cpu"])), device: "cpu" });
  assert.equal(onCpu.adapter, null);
});

test("compares another implementation with Tabsense on the same device and threads", async () => {
  const { counterpart, machineLine } = await import("../../bench/report/tables.mjs");
  const own = ["cpu", "webgpu"].flatMap((device) =>
    ["int8", "fp32"].map((dtype) => ({
      id: `${device} ${dtype}`,
      own: true,
      host: "browser",
      model: "m",
      device,
      dtype,
    })),
  );
  const other = (device, dtype) => ({ own: false, host: "browser", model: "m", device, dtype });
  assert.equal(counterpart({ subjects: own }, other("webgpu", "fp32")).id, "webgpu fp32");
  assert.equal(counterpart({ subjects: own }, other("cpu", "default")).id, "cpu int8");
  assert.equal(counterpart({ subjects: own.slice(0, 2) }, other("webgpu", "fp32")).id, "cpu fp32");
  const onThreads = [1, 2].map((threads) => ({ ...own[0], id: `${threads}t`, threads }));
  assert.equal(counterpart({ subjects: onThreads }, { ...other("cpu", "int8"), threads: 2 }).id, "2t");
  assert.equal(counterpart({ subjects: onThreads }, { ...other("cpu", "int8"), threads: 4 }).id, "1t");
  const adapters = [
    { subject: "a", name: "swift", software: true },
    { subject: "b", name: "swift", software: true },
  ];
  assert.match(
    machineLine({ system: { browser: "B", memory: 1 }, date: "", adapters }),
    /; B; WebGPU on swift \(software\), Node/,
  );
});

test("names mistakes in the configuration", async (t) => {
  const { readConfig } = await import("../../bench/config.mjs");
  const file = join(folderFor(t), "config.toml");
  const text = readFileSync(TINY, "utf8");
  for (const [from, to, message] of [
    ['order = "rotated"', 'order = "sorted"', /order must be one of/],
    ["settle = 1", "setle = 1", /no key setle/],
    ["request_s = 60", "request_s = 0", /request_s, the seconds that a request may take/],
    [
      "fp32 = { difference = 1e-4, agreement = 1.0 }",
      "",
      /no bounds for fp32, which tabsense-cpu-fp32@tiny-f32 needs/,
    ],
    [
      'implementation = "tabsense-node"',
      'implementation = "tabsense-nose"',
      /no implementation tabsense-nose/,
    ],
    ['dtypes = ["fp32", "int8"]', 'dtypes = ["fp8"]', /has no dtype fp8/],
    ['over = "tokens"', 'over = "words"', /a sweep goes over/],
  ]) {
    assert.ok(text.includes(from));
    writeFileSync(file, text.replace(from, to));
    assert.throws(() => readConfig(file), message);
  }
  assert.throws(() => readConfig(TINY, { only: ["nobody"] }), /No subject is left/);
  assert.ok(readConfig(join(ROOT, "bench/config.toml")).subjects.length > 10);
  const onWebGpu = readConfig(join(ROOT, "bench/webgpu.toml"))
    .subjects.filter(({ device }) => device === "webgpu")
    .map(({ id }) => id);
  for (const id of [
    "tabsense-webgpu-fp32@base-random",
    "tabsense-webgpu-fp16@base-random",
    "tabsense-webgpu-int8@base-random",
    "onnxruntime-web-webgpu-fp32@base-random",
  ])
    assert.ok(onWebGpu.includes(id), id);
  assert.ok(
    readConfig(join(ROOT, "bench/config.toml"), { quick: true }).subjects.every(
      ({ threads, host }) => threads === 1 && host !== "python",
    ),
  );
});

test("summaries, ratios, lines and changes are right", async () => {
  const { change, fitLine, ratio, summarize } = await import("../../bench/statistics.mjs");
  const { p50, mean, sd, min, max, count } = summarize([4, 1, 3, 2, 5]);
  assert.deepEqual({ p50, mean, min, max, count }, { p50: 3, mean: 3, min: 1, max: 5, count: 5 });
  assert.ok(Math.abs(sd - Math.sqrt(2.5)) < 1e-12);
  const hundred = summarize(Array.from({ length: 1000 }, (_, i) => i + 1));
  // Interpolated like numpy.percentile.
  assert.ok(Math.abs(hundred.p95 - 950.05) < 1e-9 && Math.abs(hundred.p99 - 990.01) < 1e-9);
  assert.deepEqual(ratio([2, 4, 6], [1, 2, 2]), { median: 2, low: 2, high: 2.8 });
  const line = fitLine([
    [1, 5],
    [2, 7],
    [4, 11],
  ]);
  assert.ok(
    Math.abs(line.slope - 2) < 1e-12 && Math.abs(line.intercept - 3) < 1e-12 && Math.abs(line.r2 - 1) < 1e-12,
  );
  const rounds = [10, 10.2, 9.9, 10.1, 10, 9.8];
  assert.equal(
    change(
      rounds,
      rounds.map((time) => 1.3 * time),
    ).significant,
    true,
  );
  assert.equal(
    change(
      rounds,
      rounds.map((time) => 1.01 * time),
    ).significant,
    false,
  );
  assert.equal(change(rounds, [9, 12, 10, 11, 8, 10.5]).significant, false);
  assert.equal(change([1, 1, 1], [2, 2, 2]).p, null);
});

test("the arithmetic of a request is that of the paper", async () => {
  const { milliseconds, operations } = await import("../../bench/predict.mjs");
  const base = { layers: 6, width: 768, hidden: 3072, labels: 2 };
  const full = operations(base, 1, 1, false);
  // 6 layers of 4·D² + 2·D·F, and the head, each weight once.
  assert.equal(full.linear, 2 * (6 * (4 * 768 ** 2 + 2 * 768 * 3072) + 768 ** 2 + 768 * 2));
  const [allRows, neededRows] = [operations(base, 128, 1, false), operations(base, 128, 1, true)];
  const saved = 1 - (neededRows.linear + neededRows.attention) / (allRows.linear + allRows.attention);
  assert.ok(saved > 0.13 && saved < 0.15, `the last layer's rows are ${saved} of it all`);
  assert.equal(milliseconds({ linear: 37e6, attention: 20e6 }, { linear: 37, attention: 20 }), 2);
  assert.equal(milliseconds(full, null), null);
});

test("a cold start's stages do not count a moment twice", async () => {
  const { stagesOf } = await import("../../bench/measure/cold.mjs");
  const seen = {
    downloads: [
      { url: "http://x/a.js", start: 10, end: 30 },
      { url: "http://x/b.wasm", start: 20, end: 50 },
      { url: "http://x/model.onnx", start: 20, end: 90 },
    ],
    compiles: [{ start: 40, end: 60 }],
  };
  assert.deepEqual(stagesOf({ start: 10, ready: 100, answered: 120 }, seen), {
    download: 40,
    compile: 10,
    weights: 40,
    first: 20,
    total: 110,
  });
  assert.deepEqual(stagesOf({ start: 10, ready: 100, answered: 120 }, null), {
    download: null,
    compile: null,
    weights: 90,
    first: 20,
    total: 110,
  });
});

test("distinguishes wrong answers, ties and labels", async () => {
  const { compareAnswers, softmax, spaced, truthOf } = await import("../../bench/measure/check.mjs");
  const bounds = { difference: 0.1, agreement: 1 };
  const expected = [
    [0.9, 0.1],
    [0.2, 0.8],
  ];
  assert.equal(compareAnswers(expected, expected, [0, 1], bounds, 0.05).accuracy, 1);
  assert.match(
    compareAnswers(
      [
        [0.9, 0.1],
        [0.7, 0.3],
      ],
      expected,
      [null, null],
      bounds,
      0.05,
    ).reasons.join(),
    /off by 0.5.*50\.0 % of the labels/,
  );
  assert.equal(compareAnswers([[0.495, 0.505]], [[0.505, 0.495]], [null], bounds, 0.05).agreement, 1);
  assert.equal(compareAnswers([[NaN, 1]], null, [null], bounds, 0.05).passed, false);
  assert.ok(Math.abs(softmax([0, Math.log(3)])[1] - 0.75) < 1e-12);
  assert.deepEqual(spaced([0, 1, 2, 3, 4, 5], 3), [0, 2, 4]);
  const truths = (labels, names) =>
    [{ label: 1 }, { label: "positive" }, { label: "neutral" }, {}].map((row) => truthOf(row, labels, names));
  assert.deepEqual(truths(["NEGATIVE", "POSITIVE"]), [1, 1, null, null]);
  assert.deepEqual(truths(["NEGATIVE", "NEUTRAL", "POSITIVE"], ["NEGATIVE", "POSITIVE"]), [2, 2, 1, null]);
});

test("a comparison distinguishes a change from noise", async () => {
  const { comparisonText } = await import("../../bench/compare.mjs");
  const result = (factor, browser = "B") => ({
    date: "2026-01-01T00:00:00Z",
    system: { processor: "P", cores: 2, memory: 2 ** 30, os: "O", browser, node: "20", commit: "c" },
    latencies: [
      { subject: "s@m", case: "c", rounds: [10, 10.1, 9.9, 10, 10.2].map((time) => time * factor) },
    ],
  });
  assert.match(comparisonText(result(1), result(0.5)), /-50\.0 %.*faster/);
  assert.match(comparisonText(result(1), result(1.5)), /\+50\.0 %.*slower/);
  assert.match(comparisonText(result(1), result(1)), /noise/);
  assert.match(comparisonText(result(1), result(1, "C")), /The browser differs/);
});

test("the peers are pinned", () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, "bench/package.json"), "utf8"),
  );
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+(-\S+)?$/, name);
  assert.doesNotMatch(readFileSync(join(ROOT, "bench/package-lock.json"), "utf8"), /"resolved"/);
});

test("the documentation's numbers are those of the committed results", async () => {
  const { benchmarksPage, pageOf, START, withTable } = await import("../../bench/documents.mjs");
  const read = (name) => JSON.parse(readFileSync(join(ROOT, "bench", name), "utf8"));
  for (const name of ["baseline.json", "baseline-encoders.json"]) {
    const { baseline, page } = pageOf(read(name));
    assert.equal(baseline, `bench/${name}`);
    assert.equal(
      readFileSync(join(ROOT, page), "utf8"),
      benchmarksPage(read(name)),
      "run npm run bench:docs",
    );
  }
  const result = read("baseline.json");
  const readme = existsSync(join(ROOT, "README.md")) ? readFileSync(join(ROOT, "README.md"), "utf8") : "";
  if (readme.includes(START)) assert.equal(readme, withTable(readme, result), "run npm run bench:docs");
});
