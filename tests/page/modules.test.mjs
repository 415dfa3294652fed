// The page's modules that need no page: statistics, the benchmark's texts and results, the queue of length
// one, and the types of all modules.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { bundled, load } from "./modules.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("the page's TypeScript has no type errors", () => {
  for (const project of ["www", "www/offline"])
    execFileSync(process.execPath, [join(ROOT, "node_modules/.bin/tsc"), "-p", join(ROOT, project)], {
      stdio: "inherit",
    });
});

test("percentiles are by the nearest rank", async () => {
  const { percentile, Session } = await load("statistics.ts");
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.95), 95);
  assert.equal(percentile([7], 0.95), 7);
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
  assert.ok(Number.isNaN(percentile([], 0.5)));

  const session = new Session(3);
  for (const ms of [100, 1, 2, 3]) session.add(ms);
  assert.deepEqual(session.summary(), { count: 4, p50: 2, p95: 3 });
  assert.deepEqual(session.last(2), [2, 3]);
  session.clear();
  assert.equal(session.summary().count, 0);
});

test("a description has mean, deviation, extremes and percentiles", async () => {
  const { describe } = await load("statistics.ts");
  assert.deepEqual(describe([2, 4, 4, 4, 5, 5, 7, 9]), {
    count: 8,
    mean: 5,
    deviation: Math.sqrt(32 / 7),
    min: 2,
    max: 9,
    p50: 4,
    p95: 9,
    p99: 9,
  });
  assert.deepEqual(describe([3]), {
    count: 1,
    mean: 3,
    deviation: 0,
    min: 3,
    max: 3,
    p50: 3,
    p95: 3,
    p99: 3,
  });
  const none = describe([]);
  assert.equal(none.count, 0);
  assert.ok(["mean", "deviation", "min", "max", "p50", "p95", "p99"].every((key) => Number.isNaN(none[key])));
});

test("a histogram counts every value once, in round bins, and a far one in the last", async () => {
  const { histogram } = await load("statistics.ts");
  assert.deepEqual(histogram([], 10, 0.1), { start: 0, width: 0.1, counts: [], above: 0 });
  assert.deepEqual(histogram([3, 3, 3], 10, 0.5), { start: 3, width: 0.5, counts: [3], above: 0 });
  assert.deepEqual(histogram([0, 1, 2, 3, 4], 4, 0.1), {
    start: 0,
    width: 1,
    counts: [1, 1, 1, 1, 1],
    above: 0,
  });
  const steps = histogram([0.1, 0.2, 0.3, 0.3, 0.6], 10, 0.1);
  assert.deepEqual(
    steps.counts,
    [1, 1, 2, 0, 0, 1],
    "values in steps of the clock fall each into its own bin",
  );
  const far = histogram([10, 11, 11, 12, 12, 13, 500], 10, 0.1);
  assert.equal(far.above, 1);
  assert.equal(
    far.counts.reduce((a, b) => a + b),
    7,
  );
  assert.ok(far.start + far.counts.length * far.width < 30);
  for (const scale of [0.003, 1, 700]) {
    const values = Array.from({ length: 200 }, (_, i) => scale * (1 + ((i * 37) % 101) / 10));
    const { counts, width } = histogram(values, 24, scale / 100);
    assert.equal(
      counts.reduce((a, b) => a + b),
      200,
    );
    assert.ok(counts.length <= 26, `${counts.length} bins`);
    assert.match(width.toExponential(6), /^[125]\.000000e/);
  }
  const logs = histogram([-1, -0.5, 0, 1, 2], 10, 0.02);
  assert.equal(
    logs.counts.reduce((a, b) => a + b),
    5,
    "negative values, as logarithms are",
  );
});

test("lines cross where they change places, on logarithmic axes", async () => {
  const { crossings } = await load("statistics.ts");
  const line = (...ys) => ys.map((y, i) => ({ x: 8 * 2 ** i, y }));
  const near = (found, expected) => {
    assert.equal(found.length, expected.length);
    found.forEach(({ x, y }, i) =>
      assert.ok(Math.abs(x - expected[i][0]) < 1e-9 && Math.abs(y - expected[i][1]) < 1e-9, `${x}, ${y}`),
    );
  };
  near(crossings(line(1, 4), line(2, 2)), [[8 * Math.SQRT2, 2]]);
  near(crossings(line(1, 2, 4), line(2, 2, 2)), [[16, 2]]);
  near(crossings(line(1, 2, 1), line(2, 2, 2)), [], "touching is not crossing");
  near(crossings(line(1, 4, 1), line(2, 2, 2)), [
    [8 * Math.SQRT2, 2],
    [16 * Math.SQRT2, 2],
  ]);
  near(crossings(line(1, 2), line(3, 4)), []);
  near(crossings([], line(1)), []);
  near(crossings(line(0, 4), line(2, 2)), [], "a latency below the clock's step has no place on the axis");
});

test("results have a row for each device and length, and say where devices cross", async () => {
  const { Results } = await bundled("bench/results.ts");
  const results = new Results(["CPU", "WebGPU"], [8, 128]);
  assert.ok(results.empty);
  for (const [device, tokens, ms] of [
    ["CPU", 8, 1],
    ["CPU", 128, 16],
    ["WebGPU", 8, 4],
    ["WebGPU", 128, 4],
    ["WebGPU", 128, 4],
  ]) {
    results.add(device, tokens, { total: ms, tokenize: ms / 4, forward: ms / 2, rest: ms / 4 });
  }
  assert.deepEqual(
    results
      .rows()
      .map(({ device, tokens, latency, requestsPerSecond, tokensPerSecond }) => [
        device,
        tokens,
        latency.count,
        requestsPerSecond,
        tokensPerSecond,
      ]),
    [
      ["CPU", 8, 1, 1000, 8000],
      ["CPU", 128, 1, 62.5, 8000],
      ["WebGPU", 8, 1, 250, 2000],
      ["WebGPU", 128, 2, 250, 32_000],
    ],
  );
  assert.deepEqual(results.rowsOf("CPU")[1].stages, { tokenize: 4, forward: 8, rest: 4 });
  const [{ x, y, devices }] = results.crossings();
  assert.deepEqual([Math.round(x), Math.round(y), devices], [32, 4, ["CPU", "WebGPU"]]);
});

test("texts have exactly the tokens asked for, whatever the tokenizer", async () => {
  const { textsOf } = await load("bench/texts.ts");
  const LENGTHS = [8, 16, 32, 64, 128, 256, 512];
  const token = (text, special = false) => ({ text, special, id: 0, start: 0, end: 0 });
  const framed = (pieces) => [
    token("[CLS]", true),
    ...pieces.map((piece) => token(piece)),
    token("[SEP]", true),
  ];
  const tokenizers = {
    "a word a token": (text) => framed(text.split(" ")),
    letters: (text) => framed([...text.replaceAll(" ", "")]),
    "pairs of letters": (text) => framed(text.split(" ").flatMap((word) => word.match(/.{1,2}/g))),
    "unknown long words": (text) => framed(text.split(" ").map((word) => (word.length > 3 ? "[UNK]" : word))),
    "words that join": (text) => framed(text.replaceAll("we had", "we_had").split(" ")),
    "no special tokens": (text) => text.split(" ").map((word) => token(word)),
  };
  for (const [name, tokenize] of Object.entries(tokenizers)) {
    const run = async (texts) => texts.map((text) => ({ tokens: tokenize(text), truncated: false }));
    const texts = await textsOf(LENGTHS, run);
    assert.deepEqual(
      texts.map(({ tokens }) => tokens),
      LENGTHS,
      name,
    );
    for (const { text, tokens } of texts) {
      assert.equal(tokenize(text).length, tokens, `${name}, ${tokens}`);
      assert.ok(!tokenize(text).some((one) => one.text === "[UNK]"), name);
    }
  }
  const blocks = async (texts) =>
    texts.map((text) => ({
      tokens: framed(text.split(" ").flatMap(() => ["a", "b", "c", "d"])),
      truncated: false,
    }));
  await assert.rejects(textsOf([8], blocks), /exactly 8 tokens/, "six of fours: not possible");
});

test("numbers read as they should", async () => {
  const { bytes, counted, decimals, duration, milliseconds, percent, quantity } = await load("format.ts");
  assert.deepEqual([4.56, 999, 7870].map(duration), ["4.6 ms", "999 ms", "7.87 s"]);
  assert.deepEqual([0.97827, 0.000014, 0.000001, 0].map(decimals), [
    "0.97827",
    "0.00001",
    "< 0.00001",
    "0.00000",
  ]);
  assert.deepEqual(
    [counted(1, "label"), counted(2, "label"), counted(2, "dispatch", "dispatches")],
    ["1 label", "2 labels", "2 dispatches"],
  );
  assert.deepEqual([0, 0.123, 4.56, 99.94, 145.4].map(milliseconds), [
    "< 0.1 ms",
    "0.1 ms",
    "4.6 ms",
    "99.9 ms",
    "145 ms",
  ]);
  assert.deepEqual([0.9999, 0.976, 0.0001].map(percent), ["> 99.9 %", "97.6 %", "< 0.1 %"]);
  assert.deepEqual([812, 412_345, 23_032_432].map(bytes), ["1 kB", "412 kB", "23.0 MB"]);
  assert.deepEqual([812, 41_234, 22_700_000].map(quantity), ["812", "41.2 k", "22.7 M"]);
});

test("the column with the texts is found by its name, or else by its length", async () => {
  const { guessColumn, looksLikeNames } = await load("file/table.ts");
  const column = (head, ...rows) => guessColumn({ columns: head, rows });
  assert.equal(column(["id", "Review", "note"], [1, "fine", "a much longer note than the review"]), 1);
  assert.equal(column(["id", "review_text", "user"], ["1", "a fine day", "ann"]), 1);
  assert.equal(
    column(["title_id", "words"], ["a7", "a fine day for a walk"]),
    1,
    "a name that only looks like it must hold texts",
  );
  assert.equal(column(["text", "said"], ["", "a fine day"]), 1, "an empty column holds none");
  assert.equal(column(["a", "b"], ["1", "2.5"], [3, true]), -1);
  assert.equal(column([], []), -1);
  const cases = [
    [["text", "stars"], [], true],
    [["text", "text"], [["fine", "good"]], true],
    [["text", "text"], [["fine", "text"]], false], // a name that recurs is a value
    [["text", "text"], [], false],
    [["5", "Good"], [["1", "Bad"]], false],
    [["Good.", "x"], [["Bad.", "y"]], false],
    [["", "text"], [["0", "fine"]], true],
    [["", "text"], [], false],
    [["", "a name, of sorts"], [["0", "fine"]], false],
    [["", ""], [["0", "fine"]], false],
    [["w".repeat(41)], [], false],
    [[], [], false],
  ];
  for (const [first, below, names] of cases)
    assert.equal(looksLikeNames(first, below), names, JSON.stringify([first, below]));
});

test("rows pass a filter in order, and what has nothing to be sorted by comes last both ways", async () => {
  const { select, tally } = await bundled("file/rows.ts");
  const items = [
    ["B", "X", 0.9, "10"],
    ["a", null, 0, "9"],
    ["c", "Y", 0.6, ""],
    ["b", "X", 0.7, "-1"],
  ].map(([text, label, score, cell], at) => ({
    place: at + 1,
    cells: [cell],
    text,
    lower: text.toLowerCase(),
    label,
    score,
    cut: false,
    why: label ? "" : "no text",
  }));
  const places = (filter, key, down = false) =>
    select(items, { group: null, text: "", minScore: 0, ...filter }, { key, down }).map(({ place }) => place);
  assert.deepEqual(places({}, "place"), [1, 2, 3, 4]);
  assert.deepEqual(places({}, "place", true), [4, 3, 2, 1]);
  assert.deepEqual(places({}, "text"), [2, 1, 4, 3]);
  assert.deepEqual(places({}, "score", true), [1, 4, 3, 2]);
  assert.deepEqual(places({}, "score"), [3, 4, 1, 2]);
  assert.deepEqual(places({}, 0), [4, 2, 1, 3], "as numbers");
  assert.deepEqual(places({}, 0, true), [1, 2, 4, 3]);
  assert.deepEqual(places({ group: "X" }, "place"), [1, 4]);
  assert.deepEqual(places({ group: "no text" }, "place"), [2]);
  assert.deepEqual(places({ text: " B" }, "place"), [1, 4]);
  assert.deepEqual(places({ minScore: 0.7 }, "place"), [1, 4]);
  assert.deepEqual(
    [...tally(items)],
    [
      ["X", 2],
      ["no text", 1],
      ["Y", 1],
    ],
  );
  assert.deepEqual(
    items.map(({ place }) => place),
    [1, 2, 3, 4],
    "the rows themselves stay in order",
  );
});

test("code says what differs from the defaults, and nothing else", async () => {
  const { textCode, fileCode } = await bundled("code.ts");
  const request = (source, device = "auto", dtype = "auto") => ({ source, device, dtype });
  assert.match(
    textCode(request("sentiment-en"), 'Say "no"\n'),
    /^import model from "tabsense\/model\/sentiment-en";\n\n.*load\(model\);\nconst scores = await classifier\.classify\("Say \\"no\\"\\n", /m,
  );
  assert.match(
    textCode(request("org/name@v2", "webgpu", "fp16"), "x"),
    /load\("org\/name@v2", \{ device: "webgpu", dtype: "fp16" \}\);\n/,
  );
  assert.match(textCode(request([]), "x"), /load\(files\);/);
  assert.match(
    textCode(request("org/name"), { text: "a", pair: 'Say "b"' }),
    /classify\(\{ text: "a", pair: "Say \\"b\\"" \}, \{ topK: null \}\)/,
  );
  assert.match(textCode(request("sentiment-en"), "long ".repeat(1000)), /querySelector\("textarea"\)/);
  const file = {
    name: "a\nb.csv",
    format: "csv",
    encoding: "utf-8",
    named: true,
    at: 1,
    column: 'the "text"\nhere',
  };
  assert.match(
    fileCode(request("sentiment-en"), file),
    /\/\/ a b\.csv\n.*parse\(await file\.text\(\), \{\n {2}delimiter: ",",\n {2}quote: "\\"",\n {2}record_delimiter.*\n(?: {2}.*\n)*\}\);\nconst texts = rows\.slice\(1\)\.map\(\(row\) => String\(row\[1\] \?\? ""\)\).* \/\/ the "text" here\n/,
  );
  assert.match(
    fileCode(request("sentiment-en"), { ...file, named: false }),
    /const texts = rows\.map\(\(row\) => String\(row\[1\]/,
  );
  assert.match(
    fileCode(request("sentiment-en"), { ...file, dialect: { delimiter: "\t", quote: null, skipped: 1 } }),
    / {2}delimiter: "\\t",\n {2}quote: null,\n {2}from_line: 2,/,
  );
  assert.match(
    fileCode(request("sentiment-en"), { ...file, format: "json" }),
    /row\?\.\["the \\"text\\"\\nhere"\]/,
  );
  assert.match(
    fileCode(request("sentiment-en"), { ...file, format: "lines", named: false, encoding: "windows-1252" }),
    /new TextDecoder\("windows-1252"\)\.decode\(await file\.arrayBuffer\(\)\)\)\.split/,
  );
  assert.doesNotMatch(fileCode(request("sentiment-en"), { ...file, format: "jsonl" }), /csv-parse/);
});
