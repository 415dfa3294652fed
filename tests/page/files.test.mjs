// The File tab: from a file to a table of verdicts that one can sort, filter and export; bad files; the
// keyboard; a hundred thousand rows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { build } from "esbuild";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import {
  blank,
  contrasts,
  DELIGHT,
  HOURS,
  open,
  openReady,
  overflow,
  quiet,
  ROOT,
  site,
  TINY,
} from "./harness.mjs";

const CODE = /\/assets\/file-[^/]+\.(js|css)$|\/assets\/index-[^/]+\.css$/;
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const GOLDENS = readFileSync(join(ROOT, "test_data/sentiment_goldens.jsonl"), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const REVIEWS = stringify(
  [
    { id: 3, review: DELIGHT.text, stars: 5 },
    { id: 1, review: HOURS.text, stars: 1 },
    { id: 10, review: 'Say "yes", twice,\nand mean it: lovely.', stars: 4 },
    { id: 2, review: "", stars: 3 },
    { id: 5, review: "\u200b", stars: 2 },
    { id: 4, review: "Dull, dull, dull.", stars: 2 },
  ],
  { header: true },
);

const ROUGH = [
  JSON.stringify({ text: HOURS.text }),
  "no JSON",
  JSON.stringify({ text: null }),
  "",
  JSON.stringify({ other: 1 }),
  JSON.stringify({ text: DELIGHT.text }),
].join("\n");

/** What the tests do with the tab, on top of what the harness gives. */
function filed(opened) {
  const { page, part } = opened;
  return {
    ...opened,
    state: (state) => page.waitForSelector(`[data-testid="panel-file"][data-state="${state}"]`),
    async choose(name, content) {
      await part("file-input").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
    },
    /** The table's rows that are in the document, as text by column. */
    rows: () =>
      part("file-grid").evaluate((grid) => {
        const heads = [...grid.querySelectorAll('[role="columnheader"]')].map((cell) => cell.textContent);
        return [...grid.querySelectorAll('[role="row"][aria-rowindex]')].map((row) =>
          Object.fromEntries([...row.children].map((cell, at) => [heads[at], cell.textContent])),
        );
      }),
    /** The counts of the labels' chart. */
    counts: () =>
      part("file-labels")
        .locator("button")
        .evaluateAll((bars) =>
          Object.fromEntries(
            bars.map((bar) => [
              bar.dataset.group,
              Number(bar.querySelector(".count").textContent.replaceAll("\u2009", "")),
            ]),
          ),
        ),
    async export(ending) {
      const [download] = await Promise.all([page.waitForEvent("download"), part(`export-${ending}`).click()]);
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
    },
    /** Waits until the table has drawn what was asked for. */
    drawn: () =>
      page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      ),
  };
}

async function openFile(t, contextOptions) {
  const opened = filed(await openReady(t, contextOptions));
  await opened.part("tab-file").click();
  await opened.part("file-zone").waitFor();
  return opened;
}

/** Drops a file on the page as a browser does; `make` runs in the page and yields a list of files. */
async function drop({ page }, target, make, argument) {
  const files = await page.evaluateHandle(make, argument);
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const file of given) data.items.add(file);
    return data;
  }, files);
  for (const type of ["dragover", "drop"]) await page.dispatchEvent(target, type, { dataTransfer: transfer });
}

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
  assert.deepEqual(Object.keys(found).toSorted(), ["NEGATIVE", "POSITIVE"]);
  assert.equal(found.NEGATIVE + found.POSITIVE, 360);
  assert.match(await part("file-finding").textContent(), /^\d\d\.\d % are (POSITIVE|NEGATIVE)$/);
  const [first] = await rows();
  assert.deepEqual(
    [first.row, first.text, first.label, first.expected],
    ["1", "Lovely scarf.", "POSITIVE", "POSITIVE"],
  );
  assert.equal(await part("file-progress").getAttribute("aria-valuenow"), "100");
  assert.equal(
    await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length),
    0,
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
  GOLDENS.forEach(({ logits: [negative, positive], text: own }, at) => {
    const share = 1 / (1 + Math.exp(negative - positive));
    const given = records[at].label === "POSITIVE" ? records[at].score : 1 - records[at].score;
    assert.equal(records[at].line, own.replace(/\s+/g, " "));
    assert.ok(Math.abs(given - share) < 0.06, `${own}: ${given}, PyTorch ${share}`);
  });
  quiet(problems);
});

test("rows without a text get no verdict, and the rest do", async (t) => {
  const { part, choose, state, rows, counts, problems } = await openFile(t);
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  assert.match(await part("file-status").textContent(), /^5 texts; 1 row without$/);
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
  assert.deepEqual((await sorted("review", "id")).values.slice(0, 4), ["3", "4", "1", "10"]);
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
  await part("file-least").fill("100");
  await drawn();
  assert.deepEqual(await rows(), []);
  assert.equal(await part("file-least-shown").textContent(), "100 %");
  await part("file-least").fill("50");
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
    /^1 line, the first of them line 4, is no JSON and left out\.$/,
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

test("verdicts come while it runs; a cancelled run goes on where it was", async (t) => {
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
    /^\d[\d\u2009]* of 3\u2009000 texts, \d+ a second, .+ left$/.test(
      document.querySelector('[data-testid="file-status"]').textContent,
    ),
  );
  await page.waitForFunction(() => document.querySelector('[data-testid="file-labels"] .count'));
  assert.equal(await part("panel-file").getAttribute("data-state"), "running");
  assert.equal(await part("file-stop").evaluate((button) => button === document.activeElement), true);
  assert.ok(await part("tab-file").evaluate((tab) => tab.classList.contains("running")));
  // The other tab answers meanwhile.
  await part("tab-classify").click();
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  await part("tab-file").click();
  await part("file-stop").click();
  await state("stopped");
  assert.match(
    await part("file-status").textContent(),
    /^Cancelled: [\d\u2009]+ of 3\u2009000 texts are classified$/,
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

test("another model starts anew, and takes its own labels", async (t) => {
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

const BAD = [
  { name: "empty.csv", content: "", says: /^empty\.csv is empty\.$/ },
  { name: "white.txt", content: " \n\t\r\n", says: /nothing but white space/ },
  { name: "numbers.csv", content: "a,b\n1,2\n3,4\n", says: /no column with a text/ },
  { name: "head.csv", content: "text,stars\n", says: /no rows below its head/ },
  { name: "object.json", content: '{"text": \n', says: /^Line 1 is no JSON, and no other line is/ },
  { name: "list.json", content: "[1, 2", says: /^This is no JSON/ },
  { name: "book.xlsx", content: Buffer.from("504b030414000600", "hex"), says: /Export the sheet as CSV/ },
  { name: "page.csv", content: "<!doctype html><p>Sign in", says: /is a web page \(HTML\)/ },
  { name: "zipped.csv", content: Buffer.from("1f8b0800", "hex"), says: /compressed with gzip/ },
  {
    name: "secret.json",
    content: '["a",\nsecret]',
    says: /^This is no JSON(: line 2 is wrong)?\. It takes an array/,
  },
  { name: "image.txt", content: Buffer.from([1, 0, 2, 0, 3]), says: /not a text file/ },
];

test("a bad file is told in words, and the next one works", async (t) => {
  const opened = await openFile(t);
  const { part, choose, state, problems } = opened;
  for (const { name, content, says } of BAD) {
    await t.test(name, async () => {
      await choose(name, content);
      await state("error");
      assert.match(await part("file-error-message").textContent(), says);
      assert.equal(await part("file-recode").isVisible(), false);
      assert.equal(await part("file-zone").isVisible(), true);
    });
  }
  await t.test("too large", async () => {
    await drop(opened, "main", () => [new File([new Uint8Array(100_000_001)], "huge.csv")]);
    await opened.page.waitForFunction(() =>
      /huge\.csv has 100\.0 MB/.test(
        document.querySelector('[data-testid="file-error-message"]').textContent,
      ),
    );
  });
  await t.test("another encoding", async () => {
    await choose("old.csv", Buffer.from("text\nTrès déçu: a café without coffee.\nLovely.\n", "latin1"));
    await state("error");
    assert.match(await part("file-error-message").textContent(), /not in UTF-8/);
    await part("file-recode").focus();
    await opened.page.keyboard.press("Enter");
    await state("chosen");
    assert.equal(await opened.page.evaluate(() => document.activeElement.dataset.testid), "file-run");
    assert.match(await part("file-preview").textContent(), /Très déçu: a café/);
    assert.equal(await part("file-error").isVisible(), false);
  });
  await t.test("UTF-16, as spreadsheets write it", async () => {
    await part("file-close").click();
    await choose("wide.txt", Buffer.from("\ufeffLovely.\r\nDreadful, dreadful.\r\n", "utf16le"));
    await state("chosen");
    assert.match(await part("file-facts").textContent(), /^a text a line, 2 rows/);
  });
  quiet(problems);
});

test("quotes and cells that don't fit are told, a first row without names is a row", async (t) => {
  const { part, choose, state, problems } = await openFile(t);
  await choose("rough.csv", 'text;stars\n"Good";5;more\n"Bad" one;1\nFine\n');
  await state("chosen");
  assert.match(
    await part("file-remarks").textContent(),
    /^Line 3 has a field that goes on behind its closing quote: what follows may be cut wrongly\./,
  );
  assert.match(await part("file-remarks").textContent(), /rows? ha(s|ve) more or fewer cells/);
  await part("file-close").click();
  await choose("bare.csv", "5,What a wonderful evening.\n1,Never again.\n");
  await state("chosen");
  assert.equal(await part("file-named").isChecked(), false);
  assert.match(await part("file-facts").textContent(), /2 rows/);
  assert.equal(await part("file-column").evaluate((select) => select.selectedOptions[0].text), "column 2");
  await part("file-named").check();
  await part("file-facts").getByText("1 row").waitFor();
  quiet(problems);
});

for (const [name, content, wanted] of [
  ["semi.csv", "id;text\n1;Lovely, really.\n2;Bad.\n", ["Lovely, really.", "Bad."]],
  ["sep.csv", "sep=;\r\nid;text\r\n1;Lovely.\r\n2;Bad.\r\n", ["Lovely.", "Bad."]],
  ["tabs.tsv", 'id\ttext\n1\t"Lovely\n2\tbad"\n', ['"Lovely', 'bad"']],
  ["breaks.csv", "id,text\n1,Lovely.\r\n2,Bad.\r3,Fine.\n", ["Lovely.", "Bad.", "Fine."]],
  ["spam.csv", "v1,v2,,,\nham,Lovely.,,,\nspam,Bad.,,,\n", ["Lovely.", "Bad."]],
  ["index.csv", ",text\n0,Lovely.\n1,Bad.\n", ["Lovely.", "Bad."]],
]) {
  test(`${name} has its rows, its head and the column of its texts`, async (t) => {
    const { part, choose, state, problems } = await openFile(t);
    await choose(name, content);
    await state("chosen");
    assert.equal(await part("file-named").isChecked(), true);
    const shown = await part("file-preview").locator("tbody tr td:first-child").allTextContents();
    assert.deepEqual(shown, wanted);
    quiet(problems);
  });
}

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

test("a dropped file opens the tab; a dropped model is still a model", async (t) => {
  const opened = filed(await openReady(t));
  const { page, part, state, problems } = opened;
  await drop(opened, "main", (text) => [new File([text], "reviews.csv")], REVIEWS);
  await state("chosen");
  assert.equal(new URL(page.url()).hash, "#file");
  assert.equal(await part("file-name").textContent(), "reviews.csv");
  const files = ["config.json", "tokenizer.json", "model.safetensors"].map((name) => ({
    name,
    data: readFileSync(join(TINY, name)).toString("base64"),
  }));
  await drop(
    opened,
    "main",
    (given) =>
      given.map(({ name, data }) => new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name)),
    files,
  );
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "files",
  );
  assert.equal(await part("file-name").textContent(), "reviews.csv");
  quiet(problems);
});

test("of several dropped files of texts none is read, and the page says so", async (t) => {
  const opened = filed(await openReady(t));
  const { page, part, problems } = opened;
  await drop(opened, "main", () => ["a.csv", "b.csv"].map((name) => new File(["text\nLovely.\n"], name)));
  await page.waitForFunction(() =>
    /^One file at a time/.test(document.querySelector('[data-testid="file-error-message"]').textContent),
  );
  assert.equal(new URL(page.url()).hash, "#file");
  assert.equal(await part("status").textContent(), "Ready", "it is not taken for a model");
  quiet(problems);
});

test("a sample that comes late doesn't replace the file that was opened meanwhile", async (t) => {
  const { context, page, part, choose, state, drawn, problems } = await openFile(t);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await context.route("**/sample.csv", async (route) => {
    await held;
    await route.continue().catch(() => {}); // the page has given it up
  });
  const given = page.waitForRequest("**/sample.csv");
  await part("file-sample").click();
  await given;
  await choose("mine.txt", "Lovely.\n");
  await state("chosen");
  release();
  await page.waitForTimeout(300);
  await drawn();
  assert.equal(await part("file-name").textContent(), "mine.txt");
  quiet(problems);
});

test("a table of more columns than are read says so; a late text is found; exact shares are exact", async (t) => {
  const { part, choose, state, problems } = await openFile(t);
  const wide = (cells) => cells.join(",");
  await choose(
    "wide.csv",
    `${wide(Array.from({ length: 250 }, (_, at) => (at === 0 ? "text" : `c${at}`)))}\n${wide(Array.from({ length: 250 }, () => "Lovely."))}\n`,
  );
  await state("chosen");
  assert.equal(
    await part("file-remarks").textContent(),
    "Of 250 columns, the first 200 are read: the rest is neither shown nor exported.",
  );
  await part("file-close").click();
  await choose(
    "wide.jsonl",
    JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`c${at}`, "Lovely."]))),
  );
  await state("chosen");
  assert.match(await part("file-remarks").textContent(), /^Of 201 columns/);
  await part("file-close").click();
  await choose("late.csv", `text,id\n${",1\n".repeat(300)}Lovely.,1\n`);
  await state("chosen");
  assert.equal(await part("file-status").textContent(), "1 text; 300 rows without");
  await part("file-run").click();
  await state("done");
  assert.equal(await part("file-finding").textContent(), "100 % are POSITIVE");
  await part("file-column").selectOption({ label: "id" });
  await part("file-close").click();
  await choose("none.csv", "text,other\n,Lovely.\n");
  await state("chosen");
  await part("file-column").selectOption({ label: "text" });
  assert.equal(await part("file-run").textContent(), "No text to classify");
  quiet(problems);
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

test("a hundred thousand rows: few are in the document, and all are in reach", async (t) => {
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

test("works with the keyboard alone", async (t) => {
  const { page, part, state, rows, drawn, problems } = await openFile(t);
  await part("tab-file").focus();
  const held = () =>
    page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName);
  const outlined = () =>
    page.evaluate(() =>
      [document.activeElement, document.activeElement.closest(".pick")].some(
        (element) => element && getComputedStyle(element).outlineStyle !== "none",
      ),
    );
  for (const id of ["file-input", "file-sample"]) {
    await page.keyboard.press("Tab");
    assert.equal(await held(), id);
    assert.ok(await outlined(), `the focus shows on ${id}`);
  }
  await page.keyboard.press("Enter");
  await state("chosen");
  assert.equal(await held(), "file-run", "the next thing to do has the focus");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await held(), "file-named");
  await page.keyboard.press("Space");
  await part("file-facts").getByText("361 rows").waitFor();
  assert.equal(await held(), "file-named", "a file that is read anew gives the focus back");
  await page.keyboard.press("Space");
  await part("file-facts").getByText("360 rows").waitFor();
  await part("tab-file").focus();
  for (const id of ["file-close", "file-column", "file-named", "file-run", "file-preview"]) {
    await page.keyboard.press("Tab");
    assert.equal(await held(), id);
    assert.ok(await outlined(), `the focus shows on ${id}`);
  }
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await state("done");
  assert.equal(
    await page.evaluate(() => document.activeElement.closest("[data-testid]").dataset.testid),
    "file-labels",
    "after the run it is with the verdicts",
  );
  await page.keyboard.press("Enter");
  await drawn();
  assert.equal(new Set((await rows()).map(({ label }) => label)).size, 1);
  await part("file-grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await drawn();
  const second = (await rows())[1];
  assert.equal(await part("file-row").textContent(), `Row ${second.row}: ${second.text}`);
  const active = await part("file-grid").getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("Home");
  await drawn();
  assert.match(await part("file-row").textContent(), new RegExp(`^Row ${(await rows())[0].row}: `));
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
  const labels = [(await rows()).map(({ label }) => label).filter((label) => label !== "no text")];
  codes.push(await part("file-code-text").textContent());
  await part("file-close").click();
  await choose("rough.jsonl", ROUGH);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  await page.waitForFunction(
    () => document.querySelectorAll('[data-testid="file-grid"] [aria-rowindex]').length === 4,
  );
  labels.push((await rows()).map(({ label }) => label).filter((label) => label !== "no text"));
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
        contents: code.replace('load("sentiment-en")', `load("${other.url}models/sentiment-en/")`),
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
  await part("code-copy").getByText("Marked below").waitFor();
  assert.equal(
    await page.evaluate(() => getSelection().toString().trim()),
    (await part("code-text").textContent()).trim(),
  );
  quiet(problems);
});

for (const width of [320, 360, 768]) {
  test(`does not scroll sideways at a width of ${width}`, async (t) => {
    const { page, part, choose, state, problems } = await openFile(t, {
      ...PHONE,
      viewport: { width, height: 740 },
    });
    assert.equal(await overflow(page), 0, "empty");
    await choose(`${"a-very-long-name".repeat(10)}.csv`, "");
    await state("error");
    assert.equal(await overflow(page), 0, "an error");
    await part("file-sample").click();
    await state("chosen");
    assert.equal(await overflow(page), 0, "chosen");
    await part("file-run").click();
    await state("done");
    assert.equal(await overflow(page), 0, "done");
    if (width === 768) return quiet(problems); // no phone
    const small = await page
      .locator("#panel-file button:visible, #panel-file select:visible")
      .evaluateAll((elements) =>
        elements
          .filter((element) => element.getBoundingClientRect().height < 28)
          .map((element) => element.outerHTML),
      );
    assert.deepEqual(small, [], "everything can be hit with a finger");
    quiet(problems);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`text has a contrast of 4.5 at least, ${colorScheme}`, async (t) => {
    const { page, part, choose, state } = await openFile(t, { colorScheme });
    assert.deepEqual((await contrasts(page)).low, [], "empty");
    await choose("empty.csv", "");
    await state("error");
    assert.deepEqual((await contrasts(page)).low, [], "an error");
    await choose("reviews.csv", REVIEWS);
    await state("chosen");
    assert.deepEqual((await contrasts(page)).low, [], "chosen");
    await part("file-run").click();
    await state("done");
    await part("file-grid").focus();
    await page.keyboard.press("ArrowDown");
    await part("file-labels").getByRole("button").first().click();
    assert.deepEqual((await contrasts(page)).low, [], "done");
  });
}

test("everything to operate has a name", async (t) => {
  const { page, part, choose, state } = await openFile(t);
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
  await part("file-run").click();
  await state("done");
  const nameless = await page
    .locator("#panel-file button:visible, #panel-file input:visible, #panel-file select, #panel-file [role]")
    .evaluateAll((elements) =>
      elements
        .filter((element) => {
          const labelled =
            element.getAttribute("aria-label") ?? element.getAttribute("aria-labelledby") ?? "";
          return !(
            labelled ||
            element.labels?.length ||
            element.textContent.trim() ||
            ["status", "alert", "rowgroup", "row", "gridcell"].includes(element.getAttribute("role"))
          );
        })
        .map((element) => element.outerHTML),
    );
  assert.deepEqual(nameless, []);
});
