// The promises of docs/security.md: each test that it names exists, each bound matches the code, and the
// promises that no other test checks.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Classifier } from "../../dist/node.js";
import { ROOT, startBrowser, startSite } from "../package/support.mjs";

const TINY = join(ROOT, "test_data/models/tiny-f32");
const text = (path) => readFileSync(join(ROOT, path), "utf8");
const document = text("docs/security.md");

/** The package's files that a browser loads. */
const BROWSER_FILES = readdirSync(join(ROOT, "dist"))
  .filter((name) => /^(index|simd|worker|worker-simd|thread|edge|lexicon)\.js$/.test(name))
  .map((name) => `dist/${name}`);
const GLUE = ["simd", "relaxed", "simd-threads", "relaxed-threads"].map(
  (build) => `dist/wasm/${build}/tabsense.js`,
);

/** The modules that fetch a model's files and the package's own; the last belongs to the command line. */
const LOADERS = [
  "files/bytes.ts",
  "files/request.ts",
  "files/withheld.ts",
  "platform/answers.ts",
  "cli/header.ts",
];

/** Patterns that must not occur in the code. */
const FORBIDDEN = {
  "code from strings":
    /createObjectURL|\beval\s*\(|\bnew\s+Function\b|(?<![`"'])\bFunction\s*\(|\bimportScripts\b|javascript:|document\.write|innerHTML/g,
  "another way to the network":
    /XMLHttpRequest|WebSocket|EventSource|sendBeacon|RTCPeerConnection|WebTransport/g,
  "a place to keep texts": /document\.cookie|localStorage|sessionStorage|indexedDB/g,
};

let site, browser;
before(async () => {
  site = await startSite();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

test("the tests that it names exist", () => {
  const named = [...document.matchAll(/`((?:tests|examples)\/[^`]+|src\/[^`]+\.rs)`: "([^"]+)"/g)];
  assert.ok(named.length >= 15, `only ${named.length} are named`);
  for (const [, path, name] of named) {
    const source = text(path);
    const forms = path.endsWith(".rs") ? [`fn ${name}(`, `gpu_test!(${name},`] : [`test("${name}"`];
    assert.ok(
      forms.some((form) => source.includes(form)),
      `${path} has no test ${name}`,
    );
  }
});

test("its bounds are those of the code", () => {
  const rows = [...document.matchAll(/^\| [^|]+ \| ([\d,]+) \| `(\w+)` in `([^`]+)` \| (.+) \|$/gm)];
  assert.ok(rows.length >= 30, `only ${rows.length} are read`);
  for (const [, documented, name, path, tested] of rows) {
    // The named tests exist; the fuzz targets check their own bound for each input.
    assert.match(tested, /^`tests\/[^`]+`: "[^"]+"$|\(#fuzzing\)$/, `${name} has no test at the bound`);
    const value = new RegExp(`const ${name}(?:: \\w+)? = ([\\d_<\\s]+);`).exec(text(path))?.[1];
    assert.ok(value, `${path} has no constant ${name}`);
    const [base, shift = "0"] = value.replaceAll("_", "").split("<<");
    assert.equal(Number(documented.replaceAll(",", "")), Number(base) * 2 ** Number(shift), name);
  }
});

test("the package's code creates no code, and only requests files", () => {
  assert.ok(BROWSER_FILES.length >= 3);
  for (const path of [...BROWSER_FILES, ...GLUE]) {
    // The one line that starts the worker if the package comes from another origin.
    const shim =
      /new Blob\(\[`import \$\{JSON\.stringify\(\w+\.href\)\};`\],\{type:"text\/javascript"\}\),\w+=URL\.createObjectURL\(\w+\)/;
    const code = withoutComments(text(path)).replace(shim, "");
    for (const [what, pattern] of Object.entries(FORBIDDEN))
      assert.deepEqual(
        [...code.matchAll(pattern)].map(([found]) => found),
        [],
        `${what} in ${path}`,
      );
  }
  // The builds with threads don't contain wasm-bindgen's polyfill for Atomics.waitAsync, a blob: worker. They
  // are used only if waitAsync exists.
  assert.match(text("js/builds.ts"), /function supportsThreads\(\)[^}]*Atomics[^}]*waitAsync/);
  const modules = readdirSync(join(ROOT, "js"), { recursive: true }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".d.ts"),
  );
  const calls = modules.flatMap((name) =>
    [...withoutComments(text(`js/${name}`)).matchAll(/(?<![.\w])fetch\((.*)$/gm)].map(([, args]) => ({
      name,
      args,
    })),
  );
  assert.ok(calls.length > 0);
  for (const { name, args } of calls) {
    assert.ok(LOADERS.includes(name), `js/${name} asks the network for something`);
    assert.doesNotMatch(args, /\bbody\b|method: (?!"HEAD")/, `js/${name}: fetch(${args}`);
  }
  // The glue could fetch a module by its URL, but it receives a compiled one.
  for (const path of GLUE)
    assert.deepEqual(
      [...text(path).matchAll(/(?<![.\w])fetch\(([^)]*)\)/g)].map(([, args]) => args),
      ["module_or_path"],
      path,
    );
});

test("a model is loaded with plain requests for its files, and a text causes none", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const requests = [];
  context.on("request", (request) => requests.push(request));
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  requests.length = 0;
  await page.evaluate(async () => (globalThis.classifier = await tabsense.Classifier.load("/tiny/")));
  for (const request of requests) {
    assert.ok(["GET", "HEAD"].includes(request.method()), request.url());
    assert.equal(request.postData(), null, request.url());
    assert.match(
      request.url().slice(site.url.length),
      /^(?:tiny\/(?:config\.json|tokenizer\.json|tokenizer_config\.json|model\.safetensors)|node_modules\/tabsense\/dist\/[\w/.-]+\.(?:js|wasm))$/,
    );
  }
  assert.ok(requests.length >= 4);
  requests.length = 0;
  await page.evaluate(async () => {
    await classifier.classify(["a secret", "and another"], { topK: null, details: true });
    await classifier.classify("").catch(() => {});
    await classifier.dispose();
  });
  await page.waitForTimeout(200);
  assert.deepEqual(
    requests.map((request) => request.url()),
    [],
  );
});

test("no code listens for messages of other windows", async (t) => {
  // On another port, so of another origin.
  const other = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><script type="module">
      for (const message of JSON.parse(decodeURIComponent(location.hash.slice(1)))) parent.postMessage(message, "*");
    </script>`);
  });
  await once(other.listen(0, "localhost"), "listening");
  t.after(() => other.close());
  const origin = `http://localhost:${other.address().port}`;
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  await page.evaluate(async () => (globalThis.classifier = await tabsense.Classifier.load("/tiny/")));
  const session = await context.newCDPSession(page);
  const { result } = await session.send("Runtime.evaluate", { expression: "window" });
  const { listeners } = await session.send("DOMDebugger.getEventListeners", { objectId: result.objectId });
  assert.deepEqual(
    listeners.filter(({ type }) => /^message/.test(type)),
    [],
  );
  // Messages of another origin's frame arrive, and have no effect even if they look like a worker's answers.
  const answers = await page.evaluate(async (origin) => {
    const origins = new Set();
    const messages = [{ type: "loaded" }, { type: "answered", results: [] }, { type: "disposed" }, null];
    const arrived = new Promise((resolve) => {
      let count = 0;
      addEventListener("message", ({ origin }) => {
        origins.add(origin);
        if (++count === messages.length) resolve();
      });
    });
    const frame = document.createElement("iframe");
    frame.src = `${origin}/#${encodeURIComponent(JSON.stringify(messages))}`;
    document.body.append(frame);
    const answers = classifier.classify(["a text", "another"]);
    await arrived;
    const after = await classifier.classify("a third");
    await classifier.dispose();
    return { origins: [...origins], labels: [...(await answers), after].map(({ length }) => length) };
  }, origin);
  assert.deepEqual(answers, { origins: [origin], labels: [1, 1, 1] });
});

test("neither console nor errors repeat a text", async (t) => {
  const secret = "correct horse battery staple";
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const logged = [];
  page.on("console", (message) => logged.push(message.text()));
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.tabsense);
  const errors = await page.evaluate(async (secret) => {
    const classifier = await tabsense.Classifier.load("/tiny/");
    await classifier.classify([secret, secret], { details: true });
    const textOfError = async (...args) =>
      classifier.classify(...args).then(
        () => "answered",
        (error) => `${error.message} ${error.stack} ${JSON.stringify(error)}`,
      );
    for (const texts of [[secret, " "], `${secret} `.repeat(20_000)]) await classifier.classify(texts);
    const errors = [
      await textOfError({ text: secret }),
      await textOfError([[secret]]),
      await textOfError(secret, { topK: 0 }),
      await textOfError([secret, 7]),
      await textOfError(secret, { signal: AbortSignal.abort() }),
    ];
    await classifier.dispose();
    return [...errors, await textOfError(secret)];
  }, secret);
  assert.equal(errors.length, 6);
  for (const error of errors) assert.ok(error !== "answered" && !error.includes("horse"), error);
  assert.deepEqual(logged, []);
  const classifier = await Classifier.load(TINY);
  t.after(() => classifier.dispose());
  await assert.rejects(classifier.classify([secret, 7]), ({ message }) => !message.includes("horse"));
});

test("unsafe Rust is in the CPU's kernels and their memory alone", () => {
  const files = (folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? files(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    );
  const unsafe = files("src").filter(
    (path) =>
      path.endsWith(".rs") && /\bunsafe\b\s*(?:\{|fn|impl|trait|extern)/.test(withoutComments(text(path))),
  );
  assert.ok(unsafe.length > 0);
  assert.deepEqual(
    unsafe.filter((path) => !path.startsWith("src/backend/cpu/")),
    [],
  );
});

function withoutComments(code) {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(?<![:"'`\\])\/\/[^\n]*/g, "");
}
