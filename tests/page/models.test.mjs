// Loading: progress, cancelling, other models by address, name and files, and errors.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { DELIGHT, HOURS, open, openReady, quiet, ROOT, scratch, site, TINY } from "./harness.mjs";

const FILES = ["config.json", "tokenizer.json", "model.safetensors"];
const OPTIONAL = "tokenizer_config.json"; // requested by each load; many models have none
const WEIGHTS = "/models/sentiment-en/model.safetensors";
const TINY_LABELS = ["calm", "cross", "glad"];

test("shows the download's progress; text typed meanwhile is classified", async (t) => {
  const server = await site(t);
  const release = server.hold(WEIGHTS);
  const { page, part, status, result, problems } = await open(t, server.url);
  await status("loading");
  await page.waitForFunction(() =>
    /^weights .+ of 9\.\d MB/.test(document.querySelector('[data-testid="detail"]').textContent),
  );
  assert.equal(await part("progress").getAttribute("aria-valuemax"), "100");
  assert.equal(await part("progress").getAttribute("aria-hidden"), "false");
  assert.ok(Number(await part("progress").getAttribute("aria-valuenow")) < 50);
  await part("input").fill(HOURS.text);
  release();
  await status("ready");
  assert.equal((await result()).label, HOURS.label);
  assert.equal(await part("cancel").isVisible(), false);
  assert.equal(
    await part("progress").getAttribute("aria-hidden"),
    "true",
    "what doesn't move isn't heard as busy",
  );
  quiet(problems);
});

test("the rate is shown in MB/s", async (t) => {
  const server = await site(t);
  const { page, problems } = await open(t, "about:blank");
  await page.addInitScript(() => {
    window.details = [];
    document.addEventListener("DOMContentLoaded", () => {
      const detail = document.querySelector('[data-testid="detail"]');
      new MutationObserver(() => window.details.push(detail.textContent)).observe(detail, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    });
  });
  await page.goto(server.url);
  await page.waitForSelector('[data-testid="status"][data-state="ready"]');
  const details = await page.evaluate(() => window.details);
  assert.ok(
    details.some((text) => /^weights \d+(\.\d)? (kB|MB) of 9\.\d MB, \d+\.\d MB\/s$/.test(text)),
    details.join("\n"),
  );
  quiet(problems);
});

test("a cancelled download can be started again", async (t) => {
  const server = await site(t);
  const release = server.hold(WEIGHTS);
  const { page, part, status, verdict, problems } = await open(t, server.url);
  await page.waitForFunction(() =>
    document.querySelector('[data-testid="detail"]').textContent.startsWith("weights"),
  );
  await part("cancel").focus();
  await page.keyboard.press("Enter");
  await status("idle");
  assert.equal(await part("error").isVisible(), false);
  assert.equal(
    await part("restart").evaluate((button) => button === document.activeElement),
    true,
    "the focus goes to the button that starts again",
  );
  release();
  await page.keyboard.press("Enter");
  await status("ready");
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  quiet(problems);
});

test("the model in use answers while another one loads, and after that was cancelled", async (t) => {
  const { server, part, status, load, verdict, problems } = await openReady(t);
  server.hold("/fixtures/tiny-f32/model.safetensors");
  await load("./fixtures/tiny-f32/");
  await status("loading");
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  assert.equal(await part("status").getAttribute("data-state"), "loading");
  await part("cancel").click();
  await status("ready");
  assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
  quiet(problems);
});

test("loads another model by address, and its own again as fp32", async (t) => {
  const { page, part, status, load, verdict, result, problems } = await openReady(t);
  await verdict(DELIGHT.text);
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await result();
  const labels = await part("bars").locator(".bar-label").allTextContents();
  assert.deepEqual(labels.toSorted(), TINY_LABELS);
  const shares = await part("bars")
    .locator(".bar")
    .evaluateAll((bars) => bars.map((bar) => Number(bar.style.getPropertyValue("--share"))));
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => b - a),
    "more than two bars are sorted",
  );
  assert.match(await part("fact-shape").textContent(), /3 layers × 36, 3 labels/);
  assert.equal(await part("backend").getAttribute("data-dtype"), "fp32");
  assert.equal(await part("latency-count").textContent(), "1", "a new model starts a new session");

  await part("dtype-int8").check();
  await load("./fixtures/tiny-f32/");
  await page.waitForSelector('[data-testid="backend"][data-dtype="int8"]');
  await status("ready");

  await part("dtype-fp32").check();
  await load("sentiment-en");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "sentiment-en",
  );
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  assert.equal(await part("backend").getAttribute("data-dtype"), "fp32");
  quiet(problems);
});

test("loads chosen files", async (t) => {
  const { page, part, result, verdict, problems } = await openReady(t);
  await part("files").setInputFiles(FILES.map((name) => join(TINY, name)));
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "files",
  );
  await result();
  assert.ok(TINY_LABELS.includes((await verdict("another text")).label));
  quiet(problems);
});

test("loads dropped files", async (t) => {
  const { page, part, result, problems } = await openReady(t);
  const files = FILES.map((name) => ({ name, data: readFileSync(join(TINY, name)).toString("base64") }));
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const file of given)
      data.items.add(new File([Uint8Array.from(atob(file.data), (c) => c.charCodeAt(0))], file.name));
    return data;
  }, files);
  await page.dispatchEvent("main", "dragover", { dataTransfer: transfer });
  assert.equal(await part("drop").isVisible(), true);
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  assert.equal(await part("drop").isVisible(), false);
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "files",
  );
  assert.ok(TINY_LABELS.includes((await result()).label));
  quiet(problems);
});

/** Drops a folder on the page, as a file manager does, and waits for its model. */
async function dropFolder({ context, page, part }, folder) {
  const devtools = await context.newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await devtools.send("Input.dispatchDragEvent", {
      type,
      x: 400,
      y: 400,
      data: { items: [], files: [folder], dragOperationsMask: 1 },
    });
    if (type === "dragOver") await part("drop").waitFor();
  }
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "files",
  );
}

test("loads a dropped folder", async (t) => {
  const opened = await openReady(t);
  await dropFolder(opened, TINY);
  assert.ok(TINY_LABELS.includes((await opened.result()).label));
  quiet(opened.problems);
});

test("loads a dropped folder as transformers.js has it, with ONNX files in one of its own", async (t) => {
  const folder = scratch(t);
  for (const name of ["config.json", "tokenizer.json"])
    copyFileSync(join(ROOT, "test_data/models/mini-bert", name), join(folder, name));
  mkdirSync(join(folder, "onnx"));
  for (const [kind, name] of Object.entries({ optimum: "model", q8: "model_quantized" }))
    copyFileSync(join(ROOT, `test_data/onnx/mini-bert-${kind}.onnx`), join(folder, "onnx", `${name}.onnx`));
  const opened = await openReady(t);
  await dropFolder(opened, folder);
  assert.ok(["a", "b", "c"].includes((await opened.result()).label));
  assert.equal(await opened.part("backend").getAttribute("data-dtype"), "int8");
  quiet(opened.problems);
});

test("loads from the model hub by name, and asks that one origin only", async (t) => {
  const { server, context, page, load, result, requests, problems } = await openReady(t);
  await context.route("https://huggingface.co/**", (route) => {
    const { pathname } = new URL(route.request().url());
    const name = pathname.split("/").at(-1);
    const headers = { "access-control-allow-origin": "*" };
    if (pathname.startsWith("/api/"))
      return route.fulfill({ headers, json: FILES.map((path) => ({ type: "file", path, size: 1 })) });
    return route.fulfill(name === OPTIONAL ? { status: 404, headers } : { path: join(TINY, name), headers });
  });
  const before = requests.length;
  await load("someone/tiny@v2");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "someone/tiny@v2",
  );
  assert.ok(TINY_LABELS.includes((await result()).label));
  const asked = requests.slice(before).filter((url) => !url.startsWith(server.url));
  const listing = "https://huggingface.co/api/models/someone/tiny/tree/v2?recursive=true";
  const files = [...FILES, OPTIONAL].map((file) => `https://huggingface.co/someone/tiny/resolve/v2/${file}`);
  assert.deepEqual(asked.toSorted(), [listing, ...files].toSorted());
  quiet(problems, /404 \(Not Found\)/);
});

const FAILURES = [
  { name: "an address where nothing is", source: "./missing/", kind: "network" },
  { name: "a web page in place of the model", source: "./page/", kind: "not_a_model" },
  { name: "weights whose header lies", source: "./header/", kind: "weights_header" },
  { name: "weights that end early", source: "./short/", kind: "weights_length" },
  { name: "a name that is none", source: "no model at all", kind: "invalid_argument" },
];

test("shows the kind of error of a model that fails, and the previous model keeps working", async (t) => {
  const folder = scratch(t);
  const weights = readFileSync(join(TINY, "model.safetensors"));
  const invalid = Buffer.from(weights);
  invalid.writeBigUInt64LE(1n << 40n, 0);
  for (const [name, content] of [
    ["header", invalid],
    ["short", weights.subarray(0, 10_000)],
    ["page", null],
  ]) {
    mkdirSync(join(folder, name));
    for (const file of FILES)
      copyFileSync(
        join(content ? TINY : join(ROOT, "www/dist"), content ? file : "index.html"),
        join(folder, name, file),
      );
    if (content) writeFileSync(join(folder, name, "model.safetensors"), content);
  }
  const server = await site(
    t,
    Object.fromEntries(["header", "short", "page"].map((name) => [`/${name}/`, join(folder, name)])),
  );
  const { part, status, load, verdict, problems } = await open(t, server.url);
  await status("ready");
  for (const { name, source, kind } of FAILURES) {
    await t.test(name, async () => {
      await load(source);
      await status("error");
      assert.equal(await part("error-kind").textContent(), kind);
      assert.match(await part("error-message").textContent(), /\w.*\.$/, "a sentence");
      assert.match(await part("detail").textContent(), /sentiment-en stays in use/);
      assert.equal((await verdict(HOURS.text)).label, HOURS.label);
      await status("ready");
      assert.equal((await verdict(DELIGHT.text)).label, DELIGHT.label);
      assert.equal(await part("error").isVisible(), true, "the error stays until it is dismissed");
      await part("error-dismiss").click();
      assert.equal(await part("error").isVisible(), false);
    });
  }
  await t.test("rejects incomplete files", async () => {
    await part("files").setInputFiles([join(TINY, "config.json"), join(TINY, "tokenizer.json")]);
    await status("error");
    assert.equal(await part("error-kind").textContent(), "invalid_argument");
    assert.match(await part("error-message").textContent(), /model\.safetensors/);
    assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  });
  quiet(problems, /404 \(Not Found\)/);
});

test("a first model that fails leaves a page that can try again", async (t) => {
  const folder = scratch(t);
  const server = await site(t, { "/models/": folder });
  const { part, status, load, result, problems } = await open(t, server.url);
  await status("error");
  assert.equal(await part("error-kind").textContent(), "network");
  mkdirSync(join(folder, "sentiment-en"));
  for (const file of FILES)
    copyFileSync(join(ROOT, "models/sentiment-en", file), join(folder, "sentiment-en", file));
  await part("restart").click();
  await status("ready");
  await result();
  assert.equal(await part("error").isVisible(), false);
  await load("./fixtures/tiny-f16/");
  await status("ready");
  quiet(problems, /404 \(Not Found\)/);
});
