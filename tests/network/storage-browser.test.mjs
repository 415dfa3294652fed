// A browser's storage, corrupted in every way: a load never fails because of it, and never uses corrupt data.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startBrowser } from "../package/support.mjs";
import { loaderIn, openPage, pages } from "./browser.mjs";
import { MODELS } from "./models.mjs";
import { nameOf, referencesOf } from "./run.mjs";
import { startRepository, startServer, untilRead } from "./server.mjs";
import { BROWSER } from "./storage.mjs";

const { files, text, target } = MODELS.single;
/** The name of the package's cache. */
const CACHE = "tabsense-models";
/** The host of an insecure origin for the page. */
const INSECURE = "insecure.test";

let server, site, browser, references;

before(async () => {
  server = await startServer();
  site = await startServer(pages);
  browser = await startBrowser({ args: [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`] });
  const context = await browser.newContext();
  references = await referencesOf(server, loaderIn([await openPage(context, site.origin)]));
  await context.close();
});

after(async () => {
  await browser?.close();
  await site?.close();
  await server?.close();
});

/** A model, a private window with a page, and functions that load in it and name the outcome. */
async function start(t) {
  const repository = startRepository(files, target);
  await server.add(t.name.replace(/\W+/g, "-"), repository, true);
  const context = {
    repository,
    async open(origin = site.origin) {
      const own = await browser.newContext();
      t.after(() => own.close());
      context.page = await openPage(own, origin);
    },
    async load() {
      const answer = await loaderIn([context.page])(repository, { text, cache: true });
      return nameOf(answer, references.single, repository.version);
    },
    /** Runs `change` in the page, with the package's cache and the keys of its notes and bodies. */
    inCache: (change) =>
      context.page.evaluate(
        async ([name, change]) => {
          const cache = await caches.open(name);
          const keys = (await cache.keys()).map(({ url }) => url);
          const part = (which) => keys.filter((key) => key.includes(`/${which}/`));
          await new Function(`return ${change}`)()(cache, part("notes"), part("bodies"));
        },
        [CACHE, change.toString()],
      ),
    async session() {
      return context.page.context().newCDPSession(context.page);
    },
  };
  await context.open();
  return context;
}

/** Sets the quota of the page's origin, in bytes. */
async function setQuota(context, quotaSize) {
  const session = await context.session();
  await session.send("Storage.overrideQuotaForOrigin", { origin: site.origin, quotaSize });
}

/** Loads, and clears the site's data as soon as the weights are being read. */
async function clearedWhileRead(context) {
  const { repository } = context;
  const session = await context.session();
  const clear = { origin: site.origin, storageTypes: "cache_storage" };
  let cleared = null;
  repository.onRead = () => {
    cleared ??= session.send("Storage.clearDataForOrigin", clear);
  };
  const outcome = await context.load();
  assert.ok(cleared, "nothing was cleared");
  await cleared;
  return outcome;
}

/** Loads in the page itself, with or without keeping copies, then again offline. */
async function loadedOffline({ page, repository: { url } }, cache) {
  const load = (cache) => page.evaluate((options) => globalThis.loadHere(options), { url, text, cache });
  const { scores, message } = await load(cache);
  assert.ok(scores, message);
  await page.context().setOffline(true);
  const answer = await load(true);
  if (answer.scores) assert.deepEqual(answer.scores, scores);
  return answer.kind ?? "answer";
}

const changeBytes = async (cache, _, bodies) => {
  for (const body of bodies) {
    const bytes = new Uint8Array(await (await cache.match(body)).arrayBuffer());
    bytes[bytes.length >> 1] ^= 1;
    await cache.put(body, new Response(bytes));
  }
};

/** Damage to the copies that a first load kept. */
const DAMAGE = {
  "a byte of each copy is changed": ({ inCache }) => inCache(changeBytes),
  "a byte of each copy is changed, and the server is gone": async ({ inCache, repository }) => {
    await inCache(changeBytes);
    await repository.down();
  },
  "a copy is gone": ({ inCache }) => inCache((cache, _, bodies) => cache.delete(bodies[1])),
  "the note isn't JSON": ({ inCache }) => inCache((cache, [note]) => cache.put(note, new Response("{"))),
  "the note is of an earlier version of the package": ({ inCache }) =>
    inCache(async (cache, [key]) => {
      const { choices, ...note } = await (await cache.match(key)).json();
      await cache.put(key, new Response(JSON.stringify(note)));
    }),
  "the note is of a later version of the package": ({ inCache }) =>
    inCache(async (cache, [key]) => {
      const note = await (await cache.match(key)).json();
      const choices = { ...note.choices, "a later option": ["https://example.test/weights"] };
      const files = note.files.map((file) => ({ ...file, packed: true }));
      await cache.put(key, new Response(JSON.stringify({ ...note, format: 2, choices, files })));
    }),
  "the site's data is cleared while copies are read": null,
  "a private window is closed, and another one opened": async (context) => {
    await context.page.context().close();
    await context.open();
  },
  "the quota is used up, and there is a new version": async (context) => {
    await setQuota(context, 100_000);
    context.repository.version = "new";
  },
};

const FAILURES = {
  ...Object.fromEntries(
    Object.entries(DAMAGE).map(([name, damage]) => [
      name,
      async (context) => {
        assert.equal(await context.load(), "answer");
        if (damage === null) return clearedWhileRead(context);
        await damage(context);
        return context.load();
      },
    ]),
  ),
  async "the quota is used up"(context) {
    await setQuota(context, 100_000);
    const outcome = await context.load();
    assert.deepEqual(await context.page.evaluate(() => globalThis.keptFiles()), [], "nothing half is kept");
    return outcome;
  },
  "the site's data is cleared while copies are written": clearedWhileRead,
  async "a page that isn't secure has no storage"(context) {
    await context.open(site.origin.replace("127.0.0.1", INSECURE));
    assert.equal(await context.page.evaluate(() => typeof globalThis.caches), "undefined");
    return context.load();
  },
  "the browser is offline": (context) => loadedOffline(context, true),
  "the browser is offline, and nothing is kept": (context) => loadedOffline(context, false),
  async "the page is reloaded while it loads"(context) {
    const { repository } = context;
    const halfway = new Promise((resolve) => {
      repository.arm(async (exchange) => {
        const { status, headers, body } = exchange.plain();
        await exchange.head(status, { ...headers, "content-length": body.length });
        await exchange.write(body.subarray(0, body.length >> 1));
        await untilRead(repository);
        resolve();
      });
    });
    const ended = context.load().catch(() => "ended with its page");
    await halfway;
    await context.page.reload();
    await context.page.waitForFunction(() => globalThis.ready);
    assert.equal(await ended, "ended with its page");
    repository.disarm();
    return context.load();
  },
};

/** Milliseconds that a case may take, far more than any does: a case that takes longer hangs. */
const CASE_MS = 180_000;

describe("storage that fails, in Chromium", { concurrency: 6 }, () => {
  for (const [name, expected] of Object.entries(BROWSER)) {
    test(name, { timeout: CASE_MS }, async (t) => {
      const context = await start(t);
      assert.equal(await FAILURES[name](context), expected);
      // In any case, the next load is right, and so are the copies that it keeps.
      context.repository.onRead = () => {};
      await context.repository.up();
      await context.page.context().setOffline(false);
      assert.equal(await context.load(), "answer", "the next load");
      context.repository.version = "new";
      assert.equal(await context.load(), "answer", "a new version");
    });
  }
});
