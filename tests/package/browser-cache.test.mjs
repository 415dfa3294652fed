// The browser's cache of model files, in a real Chromium: the server can change, damage and withhold them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sharded } from "../js/sharded.mjs";
import { ROOT, startBrowser, startSite } from "./support.mjs";

const FILES = ["config.json", "tokenizer.json", "model.safetensors"];

/** A file that the model doesn't have. */
const OPTIONAL = "tokenizer_config.json";

let site, browser;

before(async () => {
  site = await startSite();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/**
 * Serves a model from another origin than the page's. `state.down`: the server doesn't answer; `state.etag`:
 * the model's version.
 */
async function serveModel(t) {
  const files = Object.fromEntries(
    FILES.map((name) => [name, readFileSync(join(ROOT, "test_data/models/tiny-f32", name))]),
  );
  const state = { files, etag: "one", down: false, requests: [], handler: null };
  const server = createServer((request, response) => {
    const name = request.url.slice(1);
    state.requests.push(`${request.method} ${name}${request.headers.range ? " range" : ""}`);
    if (state.down) return response.destroy();
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-expose-headers", "etag, content-range");
    response.setHeader("cache-control", "no-store");
    response.setHeader("etag", `"${state.etag}"`);
    if (request.method === "OPTIONS") return response.writeHead(405).end();
    if (state.handler?.(request, response, name)) return;
    const bytes = state.files[name];
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return Object.assign(state, {
    url: `http://localhost:${server.address().port}/`,
    gets: () => state.requests.filter((request) => request.startsWith("GET")).length,
  });
}

async function open(t, { context } = {}) {
  const own = context ?? (await browser.newContext());
  const page = await own.newPage();
  if (!context) t.after(() => own.close());
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  return page;
}

/** Loads in the page, classifies once and disposes; resolves to the best label's score, or the error. */
function load(page, url, options = {}) {
  return page.evaluate(
    async ([url, options]) => {
      try {
        const classifier = await tabsense.Classifier.load(url, options);
        const [{ score }] = await classifier.classify("once stored, always there");
        await classifier.dispose();
        return score;
      } catch ({ kind, message }) {
        return { kind, message };
      }
    },
    [url, options],
  );
}

/** The cached files, once there are `count`: the last bytes reach the disk after the model is ready. */
function kept(page, count) {
  return page.evaluate(async (count) => {
    for (let tries = 0; tries < 200; tries++) {
      const files = await tabsense.listCachedFiles();
      if (files.length === count)
        return files
          .map(({ url, bytes, stored }) => ({ name: url.split("/").at(-1), bytes, age: Date.now() - stored }))
          .sort((a, b) => a.name.localeCompare(b.name));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return tabsense.listCachedFiles();
  }, count);
}

test("a second start only revalidates, a third needs no network", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  const first = await load(page, model.url);
  assert.equal(typeof first, "number", JSON.stringify(first));
  assert.equal(
    (await page.evaluate(() => tabsense.listCachedFiles())).length,
    3,
    "a classifier that was disposed of has stored all",
  );
  const files = await kept(page, 3);
  assert.deepEqual(
    files.map(({ name, bytes }) => [name, bytes]),
    [...FILES].sort().map((name) => [name, model.files[name].length]),
  );
  assert.ok(files.every(({ age }) => age >= 0 && age < 60_000));

  model.requests.length = 0;
  assert.equal(await load(page, model.url), first);
  assert.deepEqual(
    [...model.requests].sort(),
    [...FILES, OPTIONAL].sort().map((name) => `GET ${name}`),
    "each file is asked for once, and no more of it is read than its head",
  );

  model.down = true;
  assert.equal(await load(page, model.url), first, "the server is gone");
});

test("a model whose weights are in several files needs no network either", async (t) => {
  const model = await serveModel(t);
  model.handler = (request, response, name) => !model.files[name] && response.writeHead(404).end();
  model.files = sharded(2);
  const page = await open(t);
  const first = await load(page, model.url);
  assert.equal(typeof first, "number", JSON.stringify(first));
  await kept(page, 5);
  model.requests.length = 0;
  assert.equal(await load(page, model.url), first);
  assert.deepEqual(
    [...model.requests].sort(),
    [...Object.keys(model.files), OPTIONAL].sort().map((name) => `GET ${name}`),
  );
  model.down = true;
  assert.equal(await load(page, model.url), first, "the server is gone");
});

test("a newer file takes the place of the copy", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  const first = await load(page, model.url);
  await kept(page, 3);
  model.etag = "two";
  model.files["model.safetensors"] = Buffer.from(model.files["model.safetensors"]).fill(
    0,
    model.files["model.safetensors"].length - 40_000,
  );
  const second = await load(page, model.url);
  assert.notEqual(second, first);
  await kept(page, 3);
  model.down = true;
  assert.equal(await load(page, model.url), second);
});

for (const [name, damage] of [
  ["cut short", (bytes) => bytes.slice(0, -100)],
  ["empty", () => new Uint8Array(0)],
  ["changed by a byte", (bytes) => ((bytes[bytes.length - 10] ^= 1), bytes)],
  ["changed in its first byte", (bytes) => ((bytes[0] ^= 255), bytes)],
]) {
  for (const file of FILES) {
    test(`a copy of ${file} that is ${name} is fetched again`, async (t) => {
      const model = await serveModel(t);
      const page = await open(t);
      const first = await load(page, model.url);
      await kept(page, 3);
      await page.evaluate(
        async ([url, damage]) => {
          const cache = await caches.open("tabsense-models");
          const notes = (await cache.keys()).filter(({ url }) => url.includes("/notes/"));
          const { files } = await (await cache.match(notes[0])).json();
          const body = `https://tabsense.invalid/bodies/${files.find((file) => file.url === url).body}`;
          const bytes = new Uint8Array(await (await cache.match(body)).arrayBuffer());
          await cache.put(body, new Response(new Function(`return ${damage}`)()(bytes)));
        },
        [model.url + file, damage.toString()],
      );
      model.requests.length = 0;
      assert.equal(await load(page, model.url), first);
      assert.ok(model.requests.includes(`GET ${file}`), `${model.requests}`);
      await kept(page, 3);
      model.down = true;
      assert.equal(await load(page, model.url), first, "the copy is whole again");
    });
  }
}

test("cache: false keeps nothing and uses nothing", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  await load(page, model.url, { cache: false });
  assert.deepEqual(await kept(page, 0), []);
  await load(page, model.url);
  await kept(page, 3);
  const before = model.gets();
  await load(page, model.url, { cache: false });
  assert.equal(model.gets() - before, 4);
});

test("copies can be cleared, some or all", async (t) => {
  const [one, two] = [await serveModel(t), await serveModel(t)];
  const page = await open(t);
  await load(page, one.url);
  await load(page, two.url);
  assert.equal((await kept(page, 6)).length, 6);
  await page.evaluate((url) => tabsense.clearCachedFiles(url), one.url);
  assert.equal((await kept(page, 3)).length, 3);
  await page.evaluate(() => tabsense.clearCachedFiles());
  assert.deepEqual(await kept(page, 0), []);
  assert.deepEqual(await page.evaluate(() => caches.keys()), []);
});

test("a full storage: the model loads, nothing partial is kept", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(site.url).origin,
    quotaSize: 100_000,
  });
  assert.equal(typeof (await load(page, model.url)), "number");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(await page.evaluate(() => tabsense.listCachedFiles()), []);
  assert.equal(typeof (await load(page, model.url)), "number");
});

test("evicts the oldest model if there is too little room", async (t) => {
  const [one, two] = [await serveModel(t), await serveModel(t)];
  const page = await open(t);
  const size = FILES.reduce((sum, name) => sum + one.files[name].length, 0);
  await load(page, one.url);
  await kept(page, 3);
  const session = await page.context().newCDPSession(page);
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  // There is room for another model only once the first one is gone.
  const quotaSize = Math.floor(usage + size / 2);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(site.url).origin, quotaSize });
  const score = await load(page, two.url);
  assert.equal(typeof score, "number");
  assert.equal((await kept(page, 3)).length, 3);
  const files = await page.evaluate(() => tabsense.listCachedFiles());
  assert.ok(
    files.every(({ url }) => url.startsWith(two.url)),
    JSON.stringify([usage, size, quotaSize, files]),
  );
  two.down = true;
  assert.equal(await load(page, two.url), score, "the newer model is the one that is kept");
});

/** A second version of a model: other labels and other weights, of the same lengths. */
function secondVersion(files) {
  const weights = Buffer.from(files["model.safetensors"]);
  const config = files["config.json"].toString().replaceAll("POSITIVE", "positive");
  return {
    ...files,
    "config.json": Buffer.from(config),
    "model.safetensors": weights.fill(0, weights.length - 40_000),
  };
}

const MIXTURES = {
  "the weights' server answers 403": (name) => name === "model.safetensors" && { askStatus: 403 },
  "the weights' server tells no version": (name) => name === "model.safetensors" && { etag: null },
  "nothing tells a version": () => ({ etag: null }),
};
for (const [way, behaviour] of Object.entries(MIXTURES)) {
  test(`copies are of one version: ${way}`, async (t) => {
    const model = await serveModel(t);
    let starts = 0;
    const asked = new Set();
    model.handler = (_, response, name) => {
      const { askStatus, etag } = behaviour(name) || {};
      if (etag === null) response.removeHeader("etag");
      // The first request of each start revalidates the copy.
      if (askStatus === undefined || starts === 0 || asked.has(starts)) return false;
      asked.add(starts);
      response.writeHead(askStatus).end();
      return true;
    };
    const page = await open(t);
    await load(page, model.url);
    await kept(page, 3);
    const second = secondVersion(model.files);
    const fresh = await serveModel(t);
    fresh.files = second;
    const expected = await load(page, fresh.url);
    await kept(page, 6);
    model.files = second;
    model.etag = "two";
    starts++;
    assert.equal(await load(page, model.url), expected);
  });
}

test("an error page in a file's place is not kept", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  for (const bad of ['{"error": "try later"}', "<!doctype html><title>login</title>", "{}"]) {
    model.handler = (_, response, name) => {
      response.removeHeader("etag");
      if (name !== "config.json") return false;
      response.writeHead(200).end(bad);
      return true;
    };
    assert.equal(typeof (await load(page, model.url)).kind, "string");
    assert.deepEqual(await kept(page, 0), []);
  }
  model.handler = null;
  assert.equal(typeof (await load(page, model.url)), "number");
});

test("doesn't use copies of a model that was deleted on its server", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  await load(page, model.url);
  await kept(page, 3);
  model.handler = (_, response) => (response.writeHead(404).end(), true);
  assert.match((await load(page, model.url)).message, /404/);
});

test("of a hub's model, the copies of one revision are kept", async (t) => {
  const model = await serveModel(t);
  model.handler = (_, response, name) => {
    const bytes = model.files[name.split("/").at(-1)];
    response.writeHead(bytes ? 200 : 404, bytes ? { "content-length": bytes.length } : {}).end(bytes);
    return true;
  };
  const page = await open(t);
  const hub = new URL(model.url).origin;
  assert.equal(typeof (await load(page, "org/name@v1", { hub })), "number");
  await kept(page, 3);
  await load(page, "org/other@v1", { hub });
  await kept(page, 6);
  await load(page, "org/name@v2", { hub });
  await page.waitForTimeout(500);
  const files = await page.evaluate(() => tabsense.listCachedFiles());
  assert.deepEqual([...new Set(files.map(({ url }) => url.slice(hub.length).split("/resolve")[0]))].sort(), [
    "/org/name",
    "/org/other",
  ]);
  assert.ok(files.every(({ url }) => !url.includes("/org/name/resolve/v1/")));
  const bodies = await page.evaluate(
    async () =>
      (await (await caches.open("tabsense-models")).keys()).filter(({ url }) => url.includes("/bodies/"))
        .length,
  );
  assert.equal(bodies, files.length, "nothing is left of the other");
});

test("two tabs at once", async (t) => {
  const model = await serveModel(t);
  const context = await browser.newContext();
  t.after(() => context.close());
  const pages = [await open(t, { context }), await open(t, { context })];
  const scores = await Promise.all(pages.map((page) => load(page, model.url)));
  assert.equal(typeof scores[0], "number");
  assert.equal(scores[0], scores[1]);
  await kept(pages[0], 3);
  model.down = true;
  assert.deepEqual(await Promise.all(pages.map((page) => load(page, model.url))), scores);
});

test("a load that is aborted or fails keeps no weights", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  model.handler = (request, response, name) => {
    if (name !== "model.safetensors" || request.method !== "GET") return false;
    response
      .writeHead(200, { "content-length": model.files[name].length })
      .write(model.files[name].subarray(0, 9000));
    return true;
  };
  const error = await page.evaluate(async (url) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1000);
    return failed(tabsense.Classifier.load(url, { signal: controller.signal }));
  }, model.url);
  assert.equal(error.name, "AbortError");
  model.handler = null;
  const files = await page.evaluate(() => tabsense.listCachedFiles());
  assert.ok(files.every(({ url }) => !url.endsWith("model.safetensors")));
  assert.equal(typeof (await load(page, model.url)), "number");
});

test("a download of another origin is resumed without asking for permission", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  const bytes = model.files["model.safetensors"];
  let first = null;
  model.handler = (request, response, name) => {
    // The page reports when it has read the bytes sent so far.
    if (name === "break") return (first.destroy(), response.writeHead(204).end(), true);
    if (name !== "model.safetensors" || request.method !== "GET") return false;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (first === null) {
      first = response;
      response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 50_000));
      return true;
    }
    response
      .writeHead(206, {
        "content-length": bytes.length - start,
        "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      })
      .end(bytes.subarray(start));
    return true;
  };
  const score = await page.evaluate(async (url) => {
    let reported = false;
    const onProgress = ({ stage, bytes }) => {
      if (reported || stage !== "weights" || bytes === 0) return;
      reported = true;
      void fetch(`${url}break`);
    };
    const classifier = await tabsense.Classifier.load(url, { onProgress });
    const [{ score }] = await classifier.classify("once stored, always there");
    await classifier.dispose();
    return score;
  }, model.url);
  assert.equal(typeof score, "number");
  assert.ok(model.requests.includes("GET model.safetensors range"));
  assert.ok(
    model.requests.every((request) => !request.startsWith("OPTIONS")),
    `${model.requests}`,
  );
  await kept(page, 3);
  model.down = true;
  assert.equal(typeof (await load(page, model.url)), "number", "the copy of two connections is whole");
});

test("streams and responses of the page load in its worker", async (t) => {
  const model = await serveModel(t);
  const page = await open(t);
  const score = await page.evaluate(async (url) => {
    const files = {
      "config.json": await fetch(`${url}config.json`),
      "tokenizer.json": (await fetch(`${url}tokenizer.json`)).body,
      "model.safetensors": await fetch(`${url}model.safetensors`),
    };
    const classifier = await tabsense.Classifier.load(files);
    return (await classifier.classify("once stored, always there"))[0].score;
  }, model.url);
  assert.equal(score, await load(page, model.url));
});
