// Runs in the File tab: incremental verdicts, other models and columns, a hundred thousand rows, shown code.

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { build } from "esbuild";
import { drop, filed, openFile, REVIEWS } from "./file-tab.mjs";
import { blank, DELIGHT, HOURS, open, openReady, quiet, ROOT, site } from "./harness.mjs";

const ROUGH = [
  JSON.stringify({ text: HOURS.text }),
  "no JSON",
  JSON.stringify({ text: null }),
  "",
  JSON.stringify({ other: 1 }),
  JSON.stringify({ text: DELIGHT.text }),
].join("\n");

test("verdicts appear while it runs; a cancelled run resumes where it stopped", async (t) => {
  const { page, part, choose, state, counts, verdict, problems } = await openFile(t);
  const texts = Array.from(
    { length: 3_000 },
    (_, at) => `${at % 2 ? DELIGHT.text : HOURS.text} Number ${at}, and some more words to read on the way.`,
  );
  await choose("many.txt", texts.join("\r\n"));
  await state("chosen");
  await part("file-run").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() =>
    /^\d[\d\u2009]* of 3\u2009000 texts, \d+ per second, .+ left$/.test(
      document.querySelector('[data-testid="file-status"]').textContent,
    ),
  );
  await page.waitForFunction(() => document.querySelector('[data-testid="file-labels"] .count'));
  assert.equal(await part("panel-file").getAttribute("data-state"), "running");
  assert.equal(await part("file-stop").evaluate((button) => button === document.activeElement), true);
  assert.ok(await part("tab-file").evaluate((tab) => tab.classList.contains("running")));
  // The other tab still answers.
  await part("tab-classify").click();
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  await part("tab-file").click();
  await part("file-stop").click();
  await state("stopped");
  assert.match(
    await part("file-status").textContent(),
    /^Cancelled: [\d\u2009]+ of 3\u2009000 texts classified$/,
  );
  const sum = Object.values(await counts()).reduce((a, b) => a + b, 0);
  assert.ok(sum > 0 && sum < 3_000, `${sum}`);
  assert.match(await part("file-run").textContent(), /^Classify the other [\d\u2009]+$/);
  await part("file-run").click();
  await page.waitForFunction(
    (before) =>
      Object.values(document.querySelectorAll('[data-testid="file-labels"] .count')).reduce(
        (all, cell) => all + Number(cell.textContent.replaceAll("\u2009", "")),
        0,
      ) > before,
    sum,
  );
  await part("file-close").click();
  await state("empty");
  assert.equal(await part("file-zone").isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "file-input");
  quiet(problems);
});

test("another model starts over, and takes its own labels", async (t) => {
  const { page, part, load, choose, state, counts, problems } = await openFile(t);
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  await part("file-labels").locator('[data-group="NEGATIVE"]').click();
  await part("tab-classify").click();
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  await part("tab-file").click();
  assert.equal(await part("file-run").textContent(), "Classify 5 texts");
  await part("file-run").click();
  await state("done");
  const labels = Object.keys(await counts()).filter((group) => group !== "no text");
  assert.ok(
    labels.length > 0 && labels.every((label) => ["calm", "cross", "glad"].includes(label)),
    labels.join(),
  );
  assert.equal(
    await part("file-shown").textContent(),
    "6 rows",
    "a label that the model may not have filters nothing",
  );
  quiet(problems);
});

test("a file may be dropped before the model is there, and another column chosen", async (t) => {
  const server = await site(t);
  const release = server.hold("/models/sentiment-en/model.safetensors");
  const { page, part, choose, state, rows, drawn, problems } = filed(await open(t, `${server.url}#file`));
  await part("file-zone").waitFor();
  await choose("two.csv", `text,other\nLovely.,Dreadful.\n${HOURS.text},${DELIGHT.text}\n`);
  await state("chosen");
  assert.equal(await part("file-run").textContent(), "Waiting for the model");
  assert.equal(await part("file-run").isDisabled(), true);
  release();
  await page.waitForSelector('[data-testid="file-run"]:enabled');
  await part("file-run").click();
  await state("done");
  await drawn();
  assert.deepEqual(
    (await rows()).map(({ label }) => label),
    ["POSITIVE", "NEGATIVE"],
  );
  await part("file-column").selectOption({ label: "other" });
  await state("chosen");
  assert.equal(await part("file-results").isVisible(), false, "verdicts on another column are gone");
  await part("file-run").click();
  await state("done");
  await drawn();
  assert.deepEqual(
    (await rows()).map(({ label, other, text }) => [label, other, text]),
    [
      ["NEGATIVE", "Dreadful.", "Lovely."],
      ["POSITIVE", DELIGHT.text, HOURS.text],
    ],
  );
  quiet(problems);
});

test("a hundred thousand rows: few are in the document, and all can be scrolled to", async (t) => {
  const { page, part, load, state, rows, drawn, problems } = filed(await openReady(t));
  await load("./fixtures/tiny-f32/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  const COUNT = 100_000;
  await drop(
    { page },
    "main",
    (count) => [
      new File(
        [
          `text,size\n${Array.from({ length: count }, (_, at) => `"A text, with number ${at + 1}",${(at * 7919) % count}`).join("\n")}`,
        ],
        "long.csv",
      ),
    ],
    COUNT,
  );
  await state("chosen");
  await part("file-run").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="file-labels"] .count'));
  await part("file-stop").click();
  await state("stopped");
  assert.equal(await part("file-grid").getAttribute("aria-rowcount"), String(COUNT + 1));
  const times = {};
  const timed = async (name, work) => {
    const start = performance.now();
    await work();
    await drawn();
    times[name] = `${Math.round(performance.now() - start)} ms`;
  };
  await part("file-grid").focus();
  await timed("end", () => page.keyboard.press("End"));
  assert.equal((await rows()).at(-1).text, `A text, with number ${COUNT}`);
  assert.ok((await rows()).length < 60);
  assert.match(await part("file-row").textContent(), new RegExp(`number ${COUNT}$`));
  await timed("sort", () =>
    part("file-grid").getByRole("columnheader", { name: "size" }).getByRole("button").click(),
  );
  assert.deepEqual(
    (await rows()).slice(0, 3).map(({ size }) => size),
    ["0", "1", "2"],
  );
  await timed("search", () => part("file-search").fill("99999"));
  assert.deepEqual(
    (await rows()).map(({ text }) => text),
    ["A text, with number 99999"],
  );
  const frames = await page.evaluate(async () => {
    document.querySelector('[data-testid="file-reset"]').click();
    const grid = document.querySelector('[data-testid="file-grid"]');
    const start = performance.now();
    for (let frame = 0; frame < 60; frame += 1) {
      grid.scrollTop += 5_000;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return (60_000 / (performance.now() - start)).toFixed(0);
  });
  t.diagnostic(
    `${COUNT} rows: ${Object.entries(times)
      .map((pair) => pair.join(" "))
      .join(", ")}; ${frames} frames a second while scrolling`,
  );
  quiet(problems);
});

test("the code shown does what the page did", async (t) => {
  const opened = await openFile(t, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page, part, server, context, choose, state, result, rows } = opened;
  await part("tab-classify").click();
  const given = await result();
  const codes = [await part("code-text").textContent()];
  await part("code-copy").click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), codes[0]);
  await part("tab-file").click();
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  // The code skips the empty text, as the page does; the model reports that the invisible one is empty, too.
  const withText = async () => (await rows()).filter(({ review, text }) => (review ?? text).trim());
  const labels = [(await withText()).map(({ label }) => label)];
  codes.push(await part("file-code-text").textContent());
  await part("file-close").click();
  await choose("rough.jsonl", ROUGH);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  await page.waitForFunction(
    () => document.querySelectorAll('[data-testid="file-grid"] [aria-rowindex]').length === 4,
  );
  labels.push((await withText()).map(({ label }) => label));
  codes.push(await part("file-code-text").textContent());

  const bare = await context.newPage();
  const other = await site(t, { "/run/": blank(t), "/package/": join(ROOT, "dist") });
  await bare.goto(`${other.url}run/`);
  await bare.evaluate(() => {
    document.body.innerHTML = '<input type="file">';
    window.said = [];
    console.log = (...values) => window.said.push(values);
  });
  const run = async (code) => {
    const { outputFiles } = await build({
      stdin: {
        contents: code.replace(
          'import model from "tabsense/model/sentiment-en"',
          `const model = "${other.url}models/sentiment-en/"`,
        ),
        resolveDir: ROOT,
      },
      bundle: true,
      format: "esm",
      write: false,
      plugins: [
        {
          name: "package",
          setup: (plugin) =>
            plugin.onResolve({ filter: /^tabsense$/ }, () => ({
              path: `${other.url}package/index.js`,
              external: true,
            })),
        },
      ],
    });
    return bare.evaluate(async (source) => {
      window.said.length = 0;
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      await import(url);
      return window.said;
    }, outputFiles[0].text);
  };
  assert.deepEqual(await run(codes[0]), [[given.label, given.score]]);
  for (const [at, content] of [REVIEWS, ROUGH].entries()) {
    await bare
      .locator("input")
      .setInputFiles({ name: "texts", mimeType: "text/plain", buffer: Buffer.from(content) });
    assert.deepEqual(
      (await run(codes[at + 1])).map(([label]) => label),
      labels[at],
    );
  }
  assert.ok(server.url !== other.url);
});

test("without a clipboard, as on a page without https, the code is marked instead", async (t) => {
  const { page, part, result, problems } = await openReady(t, {
    initScript: () => delete Navigator.prototype.clipboard,
  });
  await result();
  await part("code-copy").click();
  await part("code-copy").getByText("Selected below").waitFor();
  assert.equal(
    await page.evaluate(() => getSelection().toString().trim()),
    (await part("code-text").textContent()).trim(),
  );
  quiet(problems);
});
