// The events of progress_callback: the order, fields and totals of transformers.js 4, with a real server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { pipeline } from "tabsense";
import { FILES, filesOf, rejects, serveModel, TINY } from "./support.mjs";

/** The fields of each event, as transformers.js has them. */
const FIELDS = {
  initiate: ["status", "name", "file"],
  download: ["status", "name", "file"],
  progress: ["status", "name", "file", "progress", "loaded", "total"],
  progress_total: ["status", "name", "progress", "loaded", "total", "files"],
  done: ["status", "name", "file"],
  ready: ["status", "task", "model"],
};

async function record(t, model, options = {}, also = () => {}) {
  const events = [];
  const pipe = await pipeline("sentiment-analysis", model, {
    device: "wasm",
    ...options,
    progress_callback: (event) => (events.push(event), also(event)),
  });
  t.after(() => pipe.dispose());
  return events;
}

/** Checks the events of a load of `files`: fields, names, and the order for each file and overall. */
function check(events, name, files) {
  for (const event of events) {
    assert.deepEqual(Object.keys(event).sort(), [...FIELDS[event.status]].sort(), event.status);
    assert.equal(event.status === "ready" ? event.model : event.name, name);
  }
  assert.deepEqual(
    events.slice(0, 2),
    ["config.json", "tokenizer.json"].map((file) => ({ status: "initiate", name, file })),
  );
  assert.deepEqual(events.at(-1), { status: "ready", task: "text-classification", model: name });
  assert.equal(events.filter(({ status }) => status === "ready").length, 1);
  for (const file of FILES) {
    const own = events.filter((event) => event.file === file);
    assert.match(own.map(({ status }) => status).join(" "), /^initiate download( progress)+ done$/, file);
    const progress = own.filter(({ status }) => status === "progress");
    assert.ok(
      progress.every(({ loaded }, i) => i === 0 || loaded >= progress[i - 1].loaded),
      `${file} went back`,
    );
    assert.deepEqual(
      [progress.at(-1).loaded, progress.at(-1).total, progress.at(-1).progress],
      [files[file].length, files[file].length, 100],
      file,
    );
  }
}

function checkTotals(events, files) {
  const length = FILES.reduce((sum, file) => sum + files[file].length, 0);
  const totals = events.filter(({ status }) => status === "progress_total");
  assert.ok(totals.length > 0);
  for (const [i, event] of events.entries())
    if (event.status === "progress_total")
      assert.equal(events[i + 1].status, "progress", "it comes before the event that it sums up");
  for (const [i, { loaded, total, progress, files: each }] of totals.entries()) {
    assert.deepEqual(Object.keys(each).sort(), [...FILES].sort());
    assert.deepEqual(
      [loaded, total],
      [Object.values(each).reduce((sum, file) => sum + file.loaded, 0), length],
    );
    assert.equal(progress, (loaded / total) * 100);
    assert.ok(i === 0 || loaded >= totals[i - 1].loaded, "the sum went back");
  }
  assert.equal(totals.at(-1).progress, 100);
  const all = events.map(({ status }) => status);
  const from = all.indexOf("progress_total");
  assert.ok(
    all.every((status, i) => i < from || status !== "progress" || all[i - 1] === "progress_total"),
    "from the first on, each progress has its sum",
  );
}

for (const worker of [true, false]) {
  test(`of a server, worker: ${worker}`, async (t) => {
    const files = filesOf();
    const { url } = await serveModel(t, files);
    const events = await record(t, url, { worker });
    check(events, url, files);
    checkTotals(events, files);
  });
}

test("of a server that sends in pieces", async (t) => {
  const files = filesOf();
  const weights = files["model.safetensors"];
  let reports = 0;
  const { url } = await serveModel(t, files, {
    async "model.safetensors"(_, response) {
      response.writeHead(200, { "content-length": weights.length });
      let sent = 0;
      const sendUpTo = (end) => {
        response.write(weights.subarray(sent, end));
        sent = Math.max(sent, end);
      };
      for (const share of [0.25, 0.5, 0.75]) {
        // Events are throttled: sends little by little until one is reported.
        const before = reports;
        while (reports === before) {
          sendUpTo(sent + 100);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        sendUpTo(Math.floor(weights.length * share));
      }
      response.end(weights.subarray(sent));
    },
  });
  const events = await record(
    t,
    url,
    {},
    ({ status, file }) => status === "progress" && file === "model.safetensors" && reports++,
  );
  check(events, url, files);
  checkTotals(events, files);
  const progress = events.filter(({ status, file }) => status === "progress" && file === "model.safetensors");
  assert.ok(progress.length >= 4, `only ${progress.length} events`);
  assert.ok(progress[0].progress > 0 && progress[0].progress < 100, `${progress[0].progress}`);
});

test("of a server that sends no lengths: the total is the bytes so far, as in transformers.js", async (t) => {
  const files = filesOf();
  const inTwo = (file) => (_, response) => (
    response.write(files[file].subarray(0, 100)), response.end(files[file].subarray(100))
  );
  const { url } = await serveModel(t, files, Object.fromEntries(FILES.map((file) => [file, inTwo(file)])));
  const events = await record(t, url);
  // Without a length, the last event of a small file may report only its first bytes.
  const progress = events.filter(({ status }) => status === "progress");
  assert.ok(progress.every(({ loaded, total, progress }) => loaded === total && progress === 100));
  for (const file of FILES)
    assert.match(
      events
        .filter((event) => event.file === file)
        .map(({ status }) => status)
        .join(" "),
      /^initiate download( progress)+ done$/,
      file,
    );
  assert.equal(events.at(-1).status, "ready");
});

test("of a folder, and of files in memory", async (t) => {
  const files = filesOf();
  check(await record(t, TINY), TINY, files);
  check(await record(t, files), "files", files);
});

test("of a model on a hub: its name as it was given", async (t) => {
  const files = filesOf();
  const { origin } = await serveModel(t, files, {}, "/org/name/resolve/v2/");
  check(await record(t, "org/name", { hub: origin, revision: "v2" }), "org/name", files);
});

test("no event arrives before the promise exists", async (t) => {
  const events = [];
  const opening = pipeline("text-classification", TINY, {
    device: "wasm",
    progress_callback: (event) => events.push(event),
  });
  assert.deepEqual(events, []);
  const pipe = await opening;
  t.after(() => pipe.dispose());
  assert.ok(events.length > 0);
});

test("a failed load has no ready event, and no later ones", async (t) => {
  const files = filesOf();
  const { url } = await serveModel(t, files, {
    "tokenizer.json": (_, response) => response.writeHead(404).end(),
  });
  const events = [];
  await rejects(
    "network",
    pipeline("text-classification", url, { progress_callback: (event) => events.push(event) }),
    /tokenizer\.json/,
  );
  assert.ok(!events.some(({ status }) => status === "ready"));
  const { length } = events;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(events.length, length);
});

for (const status of Object.keys(FIELDS)) {
  for (const worker of [true, false]) {
    test(`a callback that throws at ${status} ends the loading, worker: ${worker}`, async () => {
      const seen = [];
      const progress_callback = (event) => {
        seen.push(event.status);
        if (event.status === status) throw new Error("mine");
      };
      const error = await rejects(
        "invalid_argument",
        pipeline("text-classification", TINY, { device: "wasm", worker, progress_callback }),
        /^progress_callback threw \(Error: mine\)\.$/,
      );
      assert.equal(error.cause.message, "mine");
      assert.equal(seen.at(-1), status, "and receives no more events");
    });
  }
}

test("compressed files, and tokenizer_config.json: each is done when its own bytes are there", async (t) => {
  const config = new TextEncoder().encode(JSON.stringify({ model_max_length: 64, note: "x".repeat(500) }));
  const files = { ...filesOf(), "tokenizer_config.json": config };
  const compressed = Object.keys(files).filter((name) => name.endsWith(".json"));
  const handlers = Object.fromEntries(
    compressed.map((name) => [
      name,
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(files[name])),
    ]),
  );
  const { url } = await serveModel(t, files, handlers);
  const events = await record(t, url);
  check(events, url, files);
  for (const file of compressed) {
    const own = events.filter((event) => event.file === file);
    assert.match(own.map(({ status }) => status).join(" "), /^initiate download( progress)+ done$/, file);
    const last = events.findLastIndex((event) => event.file === file && event.status === "progress");
    assert.deepEqual(events[last + 1], { status: "done", name: url, file });
    assert.equal(events[last].total, files[file].length);
  }
});
