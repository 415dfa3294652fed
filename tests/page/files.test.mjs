// The File tab: from a file to a table of verdicts that can be sorted, filtered and exported.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse } from "csv-parse/sync";
import { softmax } from "../js/support.mjs";
import { openFile, REVIEWS } from "./file-tab.mjs";
import { DELIGHT, HOURS, open, quiet, ROOT, ROUNDED, site } from "./harness.mjs";

const CODE = /\/assets\/file-[^/]+\.(js|css)$|\/assets\/index-[^/]+\.css$/;
const GOLDENS = readFileSync(join(ROOT, "test_data/sentiment_goldens.jsonl"), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line));

test("the tab's code is fetched when it is opened, and #file in the address opens it", async (t) => {
  const server = await site(t);
  const { part, page, requests, status, problems } = await open(t, server.url);
  await status("ready");
  const before = requests.length;
  await part("tab-file").click();
  await part("file-zone").waitFor();
  assert.equal(new URL(page.url()).hash, "#file");
  assert.equal(
    requests.slice(before).filter((url) => CODE.test(url)).length,
    2,
    requests.slice(before).join("\n"),
  );
  await page.reload();
  await part("file-zone").waitFor();
  assert.equal(await part("tab-file").getAttribute("aria-selected"), "true");
  quiet(problems);
});

test("the sample becomes a table of verdicts, without a word to the network", async (t) => {
  const { page, context, part, state, requests, counts, rows, problems } = await openFile(t);
  await part("file-sample").click();
  await state("chosen");
  assert.match(await part("file-facts").textContent(), /^CSV, 360 rows, \d+ kB$/);
  assert.equal(await part("file-column").evaluate((select) => select.selectedOptions[0].text), "text");
  assert.equal(await part("file-preview").locator("tbody tr").count(), 5);
  const before = requests.length;
  await context.setOffline(true);
  await part("file-run").click();
  await state("done");
  assert.deepEqual(requests.slice(before), []);
  assert.match(await part("file-status").textContent(), /^Done: 360 texts in \d/);
  const found = await counts();
  assert.deepEqual(Object.keys(found).toSorted(), ["NEGATIVE", "NEUTRAL", "POSITIVE"]);
  assert.equal(found.NEGATIVE + found.NEUTRAL + found.POSITIVE, 360);
  assert.match(await part("file-finding").textContent(), /^\d\d\.\d % are (POSITIVE|NEUTRAL|NEGATIVE)$/);
  const [first] = await rows();
  assert.deepEqual(
    [first.row, first.text, first.label, first.expected],
    ["1", "Lovely scarf.", "POSITIVE", "POSITIVE"],
  );
  assert.equal(await part("file-progress").getAttribute("aria-valuenow"), "100");
  assert.deepEqual(
    await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]),
    ["tabsense-folds"],
    "which sections are open, and nothing else",
  );
  quiet(problems);
});

test("the verdicts are PyTorch's, in the order of the file", async (t) => {
  const { part, choose, state, export: save, problems } = await openFile(t);
  await choose("goldens.txt", GOLDENS.map(({ text }) => text.replace(/\s+/g, " ")).join("\n"));
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const { text } = await save("json");
  const records = JSON.parse(text);
  assert.equal(records.length, GOLDENS.length);
  GOLDENS.forEach(({ logits, text: own }, at) => {
    const scores = softmax(logits);
    const [best, second] = scores.toSorted((a, b) => b - a);
    assert.equal(records[at].line, own.replace(/\s+/g, " "));
    assert.ok(Math.abs(records[at].score - best) < ROUNDED, `${own}: ${records[at].score}, PyTorch ${best}`);
    if (best - second > 2 * ROUNDED)
      assert.equal(records[at].label, ["NEGATIVE", "NEUTRAL", "POSITIVE"][scores.indexOf(best)], own);
  });
  quiet(problems);
});

test("rows without a text get no verdict, and the rest do", async (t) => {
  const { part, choose, state, rows, counts, problems } = await openFile(t);
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  assert.match(await part("file-status").textContent(), /^5 texts, 1 row without text$/);
  assert.equal(await part("file-run").textContent(), "Classify 5 texts");
  await part("file-run").click();
  await state("done");
  assert.deepEqual(await counts(), { POSITIVE: 2, NEGATIVE: 2, "no text": 2 });
  assert.deepEqual(
    (await rows()).map(({ label }) => label),
    ["POSITIVE", "NEGATIVE", "POSITIVE", "no text", "no text", "NEGATIVE"],
  );
  assert.equal(await part("file-run").textContent(), "All classified");
  quiet(problems);
});

test("every column sorts, both ways; what is missing stays at the end", async (t) => {
  const { part, choose, state, rows, drawn, problems } = await openFile(t);
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const head = (name) => part("file-grid").getByRole("columnheader", { name, exact: true });
  const sorted = async (name, column) => {
    await head(name).getByRole("button").click();
    await drawn();
    return {
      values: (await rows()).map((row) => row[column]),
      sort: await head(name).getAttribute("aria-sort"),
    };
  };
  assert.deepEqual(await sorted("id", "id"), { values: ["1", "2", "3", "4", "5", "10"], sort: "ascending" });
  assert.deepEqual(await sorted("id", "id"), { values: ["10", "5", "4", "3", "2", "1"], sort: "descending" });
  assert.equal(await head("row").getAttribute("aria-sort"), "none");
  const scores = await sorted("score", "score");
  assert.equal(scores.sort, "descending");
  assert.deepEqual(scores.values.slice(-2), ["", ""]);
  const numbers = scores.values.slice(0, -2).map((text) => Number(/[\d.]+/.exec(text)[0]));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => b - a),
  );
  assert.deepEqual(
    (await sorted("label", "label")).values,
    ["NEGATIVE", "NEGATIVE", "POSITIVE", "POSITIVE", "no text", "no text"].toSorted(),
  );
  assert.deepEqual((await sorted("review", "id")).values.slice(0, 4), ["3", "1", "4", "10"]);
  assert.deepEqual((await sorted("row", "id")).values, ["3", "1", "10", "2", "5", "4"]);
  quiet(problems);
});

test("rows are filtered by label, text and score, and exported as they are shown or all", async (t) => {
  const {
    page,
    part,
    choose,
    state,
    rows,
    drawn,
    export: save,
    problems,
  } = await openFile(t, { acceptDownloads: true });
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const bar = part("file-labels").locator('[data-group="NEGATIVE"]');
  await bar.click();
  await drawn();
  assert.equal(await bar.getAttribute("aria-pressed"), "true");
  assert.deepEqual(
    (await rows()).map(({ id }) => id),
    ["1", "4"],
  );
  assert.equal(await part("file-shown").textContent(), "2 of 6 rows");
  await part("file-search").fill("DULL");
  await drawn();
  assert.deepEqual(
    (await rows()).map(({ id }) => id),
    ["4"],
  );

  const csv = await save("csv");
  assert.equal(csv.name, "reviews-labels.csv");
  const data = parse(csv.text, { columns: true });
  assert.deepEqual(
    data.map(({ id, review, stars, label }) => [id, review, stars, label]),
    [["4", "Dull, dull, dull.", "2", "NEGATIVE"]],
  );
  assert.ok(Number(data[0].score) > 0.5);

  await part("export-all").check();
  const lines = await save("jsonl");
  assert.equal(lines.name, "reviews-labels.jsonl");
  const records = lines.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    records.map(({ id }) => id),
    ["3", "1", "10", "2", "5", "4"],
  );
  assert.equal(records[2].review, 'Say "yes", twice,\nand mean it: lovely.');
  assert.deepEqual([records[3].label, records[3].score], [null, null]);
  assert.equal(JSON.parse((await save("json")).text).length, 6);

  await part("file-reset").click();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "file-search");
  await part("file-min-score").fill("100");
  await drawn();
  assert.deepEqual(await rows(), []);
  assert.equal(await part("file-min-score-shown").textContent(), "100 %");
  await part("file-min-score").fill("50");
  await drawn();
  assert.equal((await rows()).length, 4, "what has no verdict has no score");
  quiet(problems);
});

test("labels and columns of the same name don't overwrite each other", async (t) => {
  const { part, choose, state, export: save } = await openFile(t);
  await choose(
    "known.jsonl",
    `${JSON.stringify({ text: DELIGHT.text, label: "mine", rank: 7, nested: { a: [1] } })}\n\n${JSON.stringify({ text: HOURS.text, more: true })}\nnot json\n`,
  );
  await state("chosen");
  assert.match(
    await part("file-remarks").textContent(),
    /^1 line left out, starting with line 4: not valid JSON\.$/,
  );
  await part("file-run").click();
  await state("done");
  const [first, second] = (await save("jsonl")).text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    [first.label, first.predicted_label, first.rank, first.nested, first.more],
    ["mine", "POSITIVE", 7, '{"a":[1]}', null],
  );
  assert.deepEqual(
    [second.label, second.predicted_label, second.rank, second.more],
    [null, "NEGATIVE", null, true],
  );
});

test("an exported CSV holds no formulas; numbers stay numbers", async (t) => {
  const { part, choose, state, export: save, problems } = await openFile(t, { acceptDownloads: true });
  const values = ["=1+1", "@sum", "+cmd", "-2+3", "-12.5", "+3e-4", "\tx", "plain"];
  await choose(
    "risky.jsonl",
    values.map((value) => JSON.stringify({ text: DELIGHT.text, value })).join("\n"),
  );
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const data = parse((await save("csv")).text, { columns: true });
  assert.deepEqual(
    data.map(({ value }) => value),
    ["'=1+1", "'@sum", "'+cmd", "'-2+3", "-12.5", "+3e-4", "'\tx", "plain"],
  );
  quiet(problems);
});

test("JSON numbers that JavaScript can't hold are exported as they stand", async (t) => {
  const { part, choose, state, export: save, problems } = await openFile(t, { acceptDownloads: true });
  const row = '{"id":12345678901234567890,"text":"Lovely.","deep":{"n":0.12345678901234567890},"small":1.5}';
  await choose("ids.jsonl", `${row}\n`);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const { text } = await save("jsonl");
  assert.ok(text.startsWith('{"id":12345678901234567890,"text":"Lovely.",'), text);
  assert.ok(text.includes('"deep":"{\\"n\\":0.12345678901234567890}","small":1.5,'), text);
  assert.match((await save("json")).text, /"id": 12345678901234567890,/);
  assert.match((await save("csv")).text, /^12345678901234567890,Lovely\./m);
  quiet(problems);
});
