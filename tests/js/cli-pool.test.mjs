// The classifiers behind `tabsense classify FILE`: how a model is fetched for them, and how many are started.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { objects, scratch, start, tabsense } from "./command.mjs";
import { sharded } from "./sharded.mjs";
import { filesOf, serveModel, TINY } from "./support.mjs";

const WEIGHTS = "model.safetensors";
/** A file that the model doesn't have. */
const OPTIONAL = "tokenizer_config.json";
const ETAG = '"one"';
const DROPPED_AT = 100_000;

/** The answers to the two rows, from the model on disk. */
const wanted = objects(
  tabsense(["one", "two", "--model", TINY, "--json", "--top", "1", "--threads", "1"]).stdout,
).map(({ text, label }) => ({ text, label }));

/** Classifies two rows of a file with a model. */
function classified(t, model, { args = [], ...options } = {}) {
  const { write } = scratch(t);
  const { child, ended } = start(
    ["classify", write("in.txt", "one\ntwo\n"), "--model", model, ...args],
    options,
  );
  t.after(() => child.kill("SIGKILL"));
  return ended;
}

function answered({ how, stdout, stderr }) {
  assert.equal(how, 0, stderr);
  assert.deepEqual(
    objects(stdout).map(({ text, label }) => ({ text, label })),
    wanted,
  );
}

/** A handler whose first response ends after `bytes` bytes; `ranges` collects the requested ranges. */
function dropsOnce(bytes, { ranged }) {
  const ranges = [];
  const handler = (request, response) => {
    ranges.push(request.headers.range ?? null);
    const from = ranged ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    const headers = { "content-length": bytes.length - from, ...(ranged && { etag: ETAG }) };
    response.writeHead(
      from > 0 ? 206 : 200,
      from > 0
        ? { ...headers, "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
        : headers,
    );
    if (ranges.length > 1) return response.end(bytes.subarray(from));
    response.write(bytes.subarray(0, DROPPED_AT), () => setTimeout(() => response.destroy(), 50));
  };
  return { handler, ranges };
}

test("resumes a broken connection where it ended", async (t) => {
  const files = filesOf();
  const { handler, ranges } = dropsOnce(files[WEIGHTS], { ranged: true });
  const { url } = await serveModel(t, files, { [WEIGHTS]: handler });
  answered(await classified(t, url));
  assert.equal(ranges.length, 2);
  assert.match(ranges[1], /^bytes=[1-9]\d*-$/);
});

test("fetches a file again if it can't be resumed", async (t) => {
  const files = filesOf();
  const { handler, ranges } = dropsOnce(files[WEIGHTS], { ranged: false });
  const { url } = await serveModel(t, files, { [WEIGHTS]: handler });
  answered(await classified(t, url));
  assert.equal(ranges.at(-1), null);
});

test("weights in several files are each fetched once", async (t) => {
  const files = sharded(5);
  const { url, requests } = await serveModel(t, files);
  answered(await classified(t, url, { args: ["--threads", "9"] }));
  assert.deepEqual(
    requests.sort(),
    [...Object.keys(files), WEIGHTS, OPTIONAL].map((name) => `/model/${name}`).sort(),
  );
});

test("reports a missing file at once, during other downloads", {
  timeout: 20_000,
}, async (t) => {
  const { "config.json": _, ...files } = filesOf();
  const { url } = await serveModel(t, files, {
    [WEIGHTS]: (_, response) => void response.writeHead(200, { "content-length": 1e9 }).write(files[WEIGHTS]),
  });
  const { how, stderr } = await classified(t, url);
  assert.equal(how, 1);
  assert.match(stderr, /^tabsense: network: \S+config\.json answered 404/);
});

test("reports missing weights if there are neither weights nor an index", async (t) => {
  const { [WEIGHTS]: _, ...files } = filesOf();
  const { url } = await serveModel(t, files);
  assert.match((await classified(t, url)).stderr, /^tabsense: network: \S+model\.safetensors answered 404/);
});

/**
 * The memory in which `maxInMemory` in js/cli/pool.ts has room for `count` classifiers: it uses half of the
 * memory, and reserves 64 MiB and twice the weights for each.
 */
const memoryFor = (count, weights) => 2 * count * ((64 << 20) + 2 * weights);

/** How many classifiers are started for 9 threads if the process sees this much memory; at most three. */
async function started(t, model, memory) {
  const { path, write } = scratch(t);
  const counter = write(
    "counter.mjs",
    `
    import os from "node:os";
    import threads from "node:worker_threads";
    import { writeFileSync } from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    let started = 0;
    const { Worker } = threads;
    threads.Worker = class extends Worker {
      constructor(url, options) {
        super(url, options);
        if (options.name === "tabsense") writeFileSync(${JSON.stringify(path("count"))}, String(++started));
      }
    };
    os.freemem = () => ${memory.free};
    syncBuiltinESMExports();
    process.availableMemory = ${memory.available === undefined ? "undefined" : `() => ${memory.available}`};
    process.constrainedMemory = ${memory.constrained === undefined ? "undefined" : `() => ${memory.constrained}`};
  `,
  );
  answered(await classified(t, model, { args: ["--threads", "9"], node: ["--import", counter] }));
  return Number(readFileSync(path("count"), "utf8"));
}

test("starts as many classifiers as fit into the process's memory", async (t) => {
  const weights = filesOf()[WEIGHTS].length;
  const plenty = 2 ** 40;
  for (const [memory, count] of [
    [{ free: plenty, available: memoryFor(3, weights) }, 3],
    [{ free: plenty, available: memoryFor(3, weights) - 1 }, 2],
    [{ free: plenty, constrained: memoryFor(1, weights) }, 1],
    [{ free: memoryFor(2, weights), constrained: 0 }, 2], // no limit
    [{ free: plenty }, 3],
    [{ free: 0 }, 1],
  ]) {
    assert.equal(await started(t, TINY, memory), count, JSON.stringify(memory));
  }
});

/** The total size of the weights, in any number of files. */
const lengthOf = (files) =>
  Object.entries(files)
    .filter(([name]) => name.endsWith(".safetensors"))
    .reduce((sum, [, { length }]) => sum + length, 0);

test("the weights in several files count as their sum", async (t) => {
  const files = sharded(3);
  const { folder } = scratch(t);
  mkdirSync(join(folder, "model"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, "model", name), bytes);
  const { url } = await serveModel(t, files);
  const weights = lengthOf(files);
  for (const model of [join(folder, "model"), url]) {
    for (const [available, count] of [
      [memoryFor(3, weights), 3],
      [memoryFor(3, weights) - 1, 2],
    ])
      assert.equal(await started(t, model, { free: 0, available }), count, model);
  }
});

test("info adds up weights in several files, from a folder and from a server", async (t) => {
  const files = sharded(3);
  const { path, write } = scratch(t);
  for (const [name, bytes] of Object.entries(files)) write(name, bytes);
  const { url, requests } = await serveModel(t, files);
  const whole = JSON.parse(tabsense(["info", TINY, "--json"]).stdout);
  const bytes = lengthOf(files);
  for (const model of [path("."), url]) {
    const { how, stdout, stderr } = await start(["info", model, "--json"]).ended;
    assert.equal(how, 0, stderr);
    const { name, ...info } = JSON.parse(stdout);
    assert.deepEqual(info, {
      ...info,
      parameters: whole.parameters,
      tensors: whole.tensors,
      labels: whole.labels,
      bytes,
    });
  }
  const ofTokenizer = requests.filter((path) => path === "/model/tokenizer.json");
  assert.equal(ofTokenizer.length, 1, "its beginning, for its kind");
  const { stderr } = tabsense(["info", path("no-such-folder")]);
  assert.match(stderr, /^tabsense: network: .*could not be read/);
});
