// The benchmark of a visitor's page: its server keeps to the rate and the round-trip time, its harness runs,
// and its table shows what was measured. No speed is checked.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { before, test } from "node:test";
import { setUpPackages } from "../../bench/setup.mjs";
import { tokenBucket } from "../../bench/visit/bucket.mjs";
import { startLine } from "../../bench/visit/server.mjs";
import { ROOT } from "./support.mjs";

before(() => setUpPackages({ peers: false }));

function folderFor(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-visit-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("all consumers of a bucket together stay within its rate", async () => {
  const rate = 2e6;
  const start = performance.now();
  const take = tokenBucket(rate);
  let taken = 0;
  const consumer = async () => {
    for (let i = 0; i < 20; i++) {
      await take(10_000);
      taken += 10_000;
      const seconds = (performance.now() - start) / 1000;
      assert.ok(taken <= rate * seconds + 1, `${taken} bytes after ${seconds} s`);
    }
  };
  await Promise.all([consumer(), consumer()]);
  assert.equal(taken, 400_000);
});

test("code and JSON come in brotli, weights as they are, and all count", async (t) => {
  const site = folderFor(t);
  const code = "export const text = 'again and again and again';\n".repeat(100);
  const json = JSON.stringify(Array(100).fill("again"));
  const weights = new Uint8Array(5000).map((_, i) => i % 251);
  writeFileSync(join(site, "a.js"), code);
  writeFileSync(join(site, "a.json"), json);
  writeFileSync(join(site, "a.safetensors"), weights);
  const line = await startLine({ "/code/": site, "/models/0/": site });
  t.after(line.close);
  const get = (path, headers) => fetch(`${line.url}${path}`, { headers });
  const script = await get("code/a.js", { "accept-encoding": "br" });
  assert.equal(script.headers.get("content-encoding"), "br");
  assert.equal(await script.text(), code);
  const tokenizer = await get("models/0/a.json", { "accept-encoding": "br" });
  assert.equal(tokenizer.headers.get("content-encoding"), "br");
  assert.equal(await tokenizer.text(), json);
  const plain = await get("code/a.js", { "accept-encoding": "gzip" });
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(await plain.text(), code);
  const file = await get("models/0/a.safetensors", { "accept-encoding": "br" });
  assert.equal(file.headers.get("content-encoding"), null);
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), weights);
  const part = await get("models/0/a.safetensors", { range: "bytes=5-8" });
  assert.deepEqual([part.status, new Uint8Array(await part.arrayBuffer())], [206, weights.slice(5, 9)]);
  for (const path of ["code/b.js", "code/../package.json", "code/", "other/a.js"])
    assert.equal((await get(path)).status, 404, path);
  const lengthOf = (response) => Number(response.headers.get("content-length"));
  assert.deepEqual(line.sent(), {
    code: lengthOf(script) + code.length,
    model: lengthOf(tokenizer) + weights.length + 4,
  });
  line.limit({ rate: 0, round_trip: 0 });
  assert.deepEqual(line.sent(), { code: 0, model: 0 });
});

test("each answer waits a round trip, also one that says that there is no such file", async (t) => {
  const site = folderFor(t);
  writeFileSync(join(site, "a.safetensors"), "weights");
  const line = await startLine({ "/models/0/": site });
  t.after(line.close);
  line.limit({ rate: 0, round_trip: 60 });
  for (const path of ["models/0/a.safetensors", "models/0/absent"]) {
    const start = performance.now();
    await (await fetch(`${line.url}${path}`)).arrayBuffer();
    const took = performance.now() - start;
    assert.ok(took >= 59, `${path} took ${took} ms`);
  }
});

const PEER_BYTES = { code: 2_500_000, model: 18_000_000 };

/** The result of a run with visits, at `factor` of the peer's times. */
function resultOf(visitor, factor, avxVnni) {
  const [own, peer] = ["tabsense-cpu-int4@m", "transformers.js-int8@m"];
  const subjects = [own, peer].map((id) => ({ id, model: "m", host: "browser", threads: 1 }));
  const cases = [
    ["visit/first label at 50 Mbit/s", "visit", 16, 1],
    ["visit/first label from this machine", "visit", 16, 1],
    ["tokens/16x1", "tokens", 16, 1],
    ["mixed/8-128x64", "mixed", 68, 64],
    ["visit/first call", "visit", 16, 1],
    ["visit/calls 2 to 40", "visit", 16, 1],
  ].map(([id, workload, tokens, batch]) => ({ id, workload, tokens, batch, group: null, model: "m" }));
  const plan = { own, peer, starts: 10, tokens: 16, calls: 40, ...visitor };
  return {
    date: "2026-01-01T00:00:00Z",
    system: { processor: "P", cores: 2, memory: 2 ** 30, os: "O", browser: "B", node: "20", avxVnni },
    config: { visitor: plan },
    models: [{ name: "m" }],
    subjects,
    cases,
    visits: [
      { rate: 50, subject: own, bytes: { code: 460_000, model: 10_000_000 }, transfer: 1673.6 },
      { rate: 0, subject: own, bytes: { code: 460_000, model: 10_000_000 }, transfer: null },
    ],
    latencies: cases.flatMap(({ id }, i) =>
      subjects.map(({ id: subject }, j) => {
        const time = 1000 * (i + 1) * (j === 0 ? factor : 1);
        return { subject, case: id, p50: time, min: time, max: time };
      }),
    ),
  };
}

const VISITOR = {
  lines: [
    { rate: 50, round_trip: 30, aim: 0.3 },
    { rate: 0, round_trip: 0, aim: 0.15 },
  ],
  aims: { tokens: [0.45, 0.55], mixed: [0.2, 0.25], first_call: 0.1, later_calls: 0.3 },
};

test("the table has each time's share of the peer's beside its aim, that for this processor", async () => {
  const { visitorTable, visitsTable } = await import("../../bench/report/visitor.mjs");
  const result = resultOf(VISITOR, 0.25, true);
  const { head, rows, note } = visitorTable(result);
  assert.deepEqual(head, ["", "tabsense-cpu-int4", "transformers.js-int8", "share", "target (max)"]);
  assert.deepEqual(rows, [
    ["page to first label at 50 Mbit/s, 30 ms round trip", "0.25 s", "1.00 s", "0.25", "0.30"],
    ["page to first label, from this machine", "0.50 s", "2.00 s", "0.25", "0.15"],
    ["16 tokens, p50", "750 ms", "3000 ms", "0.25", "0.45"],
    ["64 texts of 8 to 128 tokens, p50", "1000 ms", "4000 ms", "0.25", "0.20"],
    ["first call after loading, 16 tokens", "1250 ms", "5000 ms", "0.25", "0.10"],
    ["calls 2 to 40, 16 tokens", "1500 ms", "6000 ms", "0.25", "0.30"],
  ]);
  assert.match(note, /round trip of 30 ms.*medians of 10 starts.*has AVX-VNNI/);
  const without = visitorTable(resultOf(VISITOR, 0.25, false));
  assert.deepEqual(
    without.rows.map((row) => row.at(-1)),
    ["0.30", "0.15", "0.55", "0.25", "0.10", "0.30"],
  );
  assert.match(without.note, /has no AVX-VNNI/);
  assert.deepEqual(
    visitsTable(result).rows.map((row) => row.slice(0, 3)),
    [
      ["50 Mbit/s", "tabsense-cpu-int4", "0.25 s"],
      ["this machine", "tabsense-cpu-int4", "0.50 s"],
    ],
  );
});

test("the README's table has bytes, the start, the latency and what runs", async () => {
  const { END, readmePart, START, withTable } = await import("../../bench/documents.mjs");
  const result = resultOf(VISITOR, 0.25, true);
  result.visits.push({ ...result.visits[0], subject: "transformers.js-int8@m", bytes: PEER_BYTES });
  const part = readmePart(result);
  assert.match(part, /\| +\| +Tabsense \| +transformers\.js \|/);
  assert.match(part, /\| download: library \+ model +\| +460 kB \+ 10\.0 MB \| +2\.5 MB \+ 18\.0 MB \|/);
  assert.match(part, /\| first label at 50 Mbit\/s +\| +0\.25 s \| +1\.00 s \|/);
  assert.match(part, /\| 16 tokens, one thread, p50 +\| +750 ms \| +3000 ms \|/);
  assert.match(part, /docs\/benchmarks\.md/);
  assert.equal(withTable(`a\n${START}\nold\n${END}\nb`, result), `a\n${START}\n${part}\n${END}\nb`);
});

test("a visitor's subjects must be there, of one model, and read texts", async (t) => {
  const { readConfig } = await import("../../bench/config.mjs");
  const file = join(folderFor(t), "config.toml");
  const text = readFileSync(join(ROOT, "bench/config.toml"), "utf8");
  const own = 'own = "tabsense-cpu-int4@sentiment-en"';
  const peer = 'peer = "transformers.js-int8@sentiment-en"';
  for (const [from, to, message] of [
    [own, 'own = "tabsense-cpu-int3@sentiment-en"', /visitor names tabsense-cpu-int3@sentiment-en, which is/],
    [peer, 'peer = "onnxruntime-web-int8@sentiment-en"', /which is not a browser subject that reads texts/],
    [peer, 'peer = "transformers.js-int8@base-random"', /subjects of two models/],
    ["{ rate = 0, round_trip = 0,", "{ rate = 0,", /needs rate and round_trip/],
    ["first_call = 0.10", "first = 0.10", /an aim for first\. It can have: first_call, later_calls, tokens/],
    ["starts = 10 ", "begins = 10 ", /visitor has no key begins/],
  ]) {
    assert.ok(text.includes(from), from);
    writeFileSync(file, text.replace(from, to));
    assert.throws(() => readConfig(file), message);
  }
  const kept = (only) => readConfig(join(ROOT, "bench/config.toml"), { only }).visitor;
  assert.equal(kept([]).peer, "transformers.js-int8@sentiment-en");
  assert.equal(kept(["tabsense-cpu-int4@sentiment-en"]).peer, null);
  assert.equal(kept(["transformers.js"]), null);
});

test("ONNX files of other weights than the model's are not measured", async (t) => {
  const { isOutdated, weightsOf } = await import("../../bench/models.mjs");
  const [source, copy] = [folderFor(t), folderFor(t)];
  const model = join(ROOT, "test_data/models/mini-distilbert");
  for (const folder of [source, copy])
    for (const name of ["config.json", "tokenizer.json", "model.safetensors"])
      copyFileSync(join(model, name), join(folder, name));
  mkdirSync(join(copy, "onnx"));
  writeFileSync(join(copy, "onnx/model_quantized.onnx"), "");
  const table = { fp32: relative(ROOT, source), onnx: relative(ROOT, copy) };
  assert.equal(isOutdated(table), false);
  assert.deepEqual(weightsOf({ name: "m", table }, "onnx-int8"), {
    path: table.onnx,
    file: "onnx/model_quantized.onnx",
  });
  const bytes = readFileSync(join(source, "model.safetensors"));
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(join(source, "model.safetensors"), bytes);
  assert.equal(isOutdated(table), true);
  assert.match(
    weightsOf({ name: "m", table }, "onnx-int8").missing,
    /was exported from other weights than those in/,
  );
  assert.deepEqual(weightsOf({ name: "m", table }, "int4"), { path: table.fp32, file: "model.safetensors" });
});
