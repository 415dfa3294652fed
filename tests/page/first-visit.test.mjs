// A first visit: one text box and an immediate verdict, from the word list until the model answers; collapsed
// sections; and how to install the package.

import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { accessibilityFaults, DELIGHT, HOURS, open, overflow, quiet, site } from "./harness.mjs";
import { load } from "./modules.mjs";

const WEIGHTS = "/models/sentiment-en/model.safetensors";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** A first visit; the model doesn't arrive until `release` is called. */
async function visit(t, options = {}) {
  const server = await site(t);
  const release = server.hold(WEIGHTS);
  const opened = await open(t, server.url, { firstVisit: true, ...options });
  const state = (name) => opened.page.waitForSelector(`[data-testid="result"][data-state="${name}"]`);
  return { server, release, state, ...opened };
}

test("the word list answers until the model does, and says so", async (t) => {
  const { page, part, release, state, result, problems } = await visit(t);
  await state("guess");
  assert.equal(await part("verdict").textContent(), "POSITIVE", "on the example that the page opens with");
  await part("input").fill("This is a terrible, awful mess.");
  await state("guess");
  assert.equal(await part("verdict").textContent(), "NEGATIVE");
  assert.match(await part("result-note").textContent(), /^word list, until the model is ready, \d+ %$/);
  assert.equal(await part("result").getAttribute("data-label"), null, "it is not the model's verdict");
  await page.waitForFunction(() =>
    /^NEGATIVE, .+, from a word list$/.test(document.querySelector('[data-testid="announce"]').textContent),
  );
  const shares = await part("bars").locator(".share").allTextContents();
  assert.ok(shares.length === 3 && shares.every((share) => /%$/.test(share)), shares.join());
  release();
  assert.equal((await result()).label, "NEGATIVE");
  assert.match(await part("result-note").textContent(), /^sentiment-en, .+ ms$/);
  await page.waitForFunction(() =>
    /^NEGATIVE, [^,]+$/.test(document.querySelector('[data-testid="announce"]').textContent),
  );
  quiet(problems);
});

test("the page opens with the first example", async (t) => {
  const { EXAMPLES } = await load("examples.ts");
  const { page, part } = await visit(t, { javaScriptEnabled: false });
  assert.equal(await part("input").inputValue(), EXAMPLES[0].text);
  assert.equal(await part("mirror").textContent(), EXAMPLES[0].text);
  assert.equal(await page.locator("noscript").count(), 1);
});

test("an empty box gets no guess", async (t) => {
  const { part, state, problems } = await visit(t);
  await state("guess");
  await part("input").fill("");
  await state("idle");
  assert.equal(await part("verdict").textContent(), "Waiting for a text");
  assert.equal(await part("result-note").textContent(), "");
  quiet(problems);
});

test("without the model the word list goes on, and another model's labels are not guessed", async (t) => {
  const { server, page, part, state, status, load: loadModel, result, problems } = await visit(t);
  await state("guess");
  await part("cancel").click();
  await status("idle");
  await part("input").fill(DELIGHT.text);
  assert.equal(await part("result-note").textContent(), "word list, no model");
  assert.equal(await part("result").getAttribute("data-state"), "guess");
  const release = server.hold("/fixtures/tiny-f32/model.safetensors");
  await part("model-toggle").click();
  await loadModel("./fixtures/tiny-f32/");
  await state("idle");
  assert.equal(await part("verdict").textContent(), "The model is loading");
  release();
  await result();
  assert.equal(await page.getByTestId("model-name").textContent(), "tiny-f32");
  quiet(problems);
});

test("shows one text box and the verdict; all else is folded until it is opened, and stays open", async (t) => {
  const { page, part, release, result, problems } = await visit(t);
  release();
  await result();
  const folds = () =>
    page
      .locator("details[data-fold]")
      .evaluateAll((all) => all.map(({ dataset, open: unfolded }) => [dataset.fold, unfolded]));
  assert.deepEqual(
    await folds(),
    ["latency", "model", "tokens", "code", "compare", "privacy", "storage"].map((name) => [name, false]),
  );
  assert.equal(await page.locator("#panel-classify :is(textarea, input, select):visible").count(), 1);
  // The essential part of each section is visible without opening it.
  assert.match(await part("latency-brief").textContent(), /^(< )?\d+(\.\d)? ms$/);
  assert.match(await page.locator("details.model > summary").innerText(), /sentiment-en, int4, 9\.0 MB/);
  assert.equal(await part("token-brief").textContent(), "17 tokens");

  await page.locator('[data-fold="tokens"] > summary').click();
  await page.locator('[data-fold="code"] > summary').focus();
  await page.keyboard.press("Enter");
  await page.locator('[data-fold="model"] > summary').click();
  await page.locator('[data-fold="model"] > summary').click();
  await part("code-text").waitFor();
  await page.reload();
  await result();
  assert.deepEqual(
    (await folds()).filter(([, unfolded]) => unfolded),
    [
      ["tokens", true],
      ["code", true],
    ],
  );
  quiet(problems);
});

test("folded parts open even if their state can't be stored", async (t) => {
  const { page, part, state, problems } = await visit(t, {
    initScript: () =>
      Object.defineProperty(window, "sessionStorage", {
        get() {
          throw new DOMException("The site may store nothing.", "SecurityError");
        },
      }),
  });
  await state("guess");
  await page.locator('[data-fold="code"] > summary').click();
  await part("code-text").waitFor();
  quiet(problems);
});

test("the install line is copied as it stands", async (t) => {
  const { page, part } = await visit(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await part("install-copy").click();
  await part("install-copy").getByText("Copied").waitFor();
  assert.equal(
    await page.evaluate(() => navigator.clipboard.readText()),
    "npm install tabsense tabsense-sentiment-en",
  );
});

for (const [name, options] of Object.entries({
  "a phone, light": { ...PHONE, colorScheme: "light" },
  "a desktop, dark": { colorScheme: "dark" },
})) {
  test(`axe finds nothing in a guess, and with a verdict and everything unfolded: ${name}`, async (t) => {
    const { page, part, release, state, result, problems } = await visit(t, options);
    await state("guess");
    assert.deepEqual(await accessibilityFaults(page), [], "a guess");
    release();
    await result();
    assert.equal(await overflow(page), 0);
    for (const fold of await page.locator("details[data-fold] > summary").all()) await fold.click();
    await part("code-text").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "everything unfolded");
    assert.equal(await overflow(page), 0);
    await part("input").fill(HOURS.text.repeat(120));
    await result();
    await part("truncated").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "a text that was cut");
    quiet(problems);
  });
}

test("the links are those of package.json, and none where it has no address", async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../www/links.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  const { linksTo } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  assert.equal(linksTo({}), "");
  assert.equal(linksTo({ repository: "git@example.org:a/b.git", homepage: "not an address" }), "");
  const markup = linksTo({
    homepage: "https://example.org/docs?a=1&b=2",
    repository: { type: "git", url: "git+https://example.org/a/b.git" },
    bugs: { url: "https://example.org/a/b/issues" },
  });
  assert.deepEqual(
    [...markup.matchAll(/<a href="([^"]+)">([^<]+)<\/a>/g)].map(([, href, name]) => [name, href]),
    [
      ["Documentation", "https://example.org/docs?a=1&amp;b=2"],
      ["Source code", "https://example.org/a/b"],
      ["Issues", "https://example.org/a/b/issues"],
    ],
  );
});
