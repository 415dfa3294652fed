// The File tab reads files: dialects, encodings, invalid files, and files dropped on the page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { drop, filed, openFile, REVIEWS } from "./file-tab.mjs";
import { accessibilityFaults, openReady, quiet, TINY } from "./harness.mjs";

const BAD = [
  { name: "empty.csv", content: "", message: /^empty\.csv is empty\.$/ },
  { name: "white.txt", content: " \n\t\r\n", message: /contains nothing but white space/ },
  { name: "numbers.csv", content: "a,b\n1,2\n3,4\n", message: /no column with text/ },
  { name: "head.csv", content: "text,stars\n", message: /no rows below its header/ },
  {
    name: "object.json",
    content: '{"text": \n',
    message: /^Line 1 is not valid JSON, and neither is any other line/,
  },
  { name: "list.json", content: "[1, 2", message: /^The file is not valid JSON/ },
  { name: "book.xlsx", content: Buffer.from("504b030414000600", "hex"), message: /Export the sheet as CSV/ },
  { name: "page.csv", content: "<!doctype html><p>Sign in", message: /is a web page \(HTML\)/ },
  { name: "zipped.csv", content: Buffer.from("1f8b0800", "hex"), message: /compressed with gzip/ },
  {
    name: "secret.json",
    content: '["a",\nsecret]',
    message: /^The file is not valid JSON(: there is an error in line 2)?\. It must contain an array/,
  },
  { name: "image.txt", content: Buffer.from([1, 0, 2, 0, 3]), message: /not a text file/ },
];

test("an invalid file has a message, and the next one works", async (t) => {
  const opened = await openFile(t);
  const { part, choose, state, problems } = opened;
  for (const { name, content, message } of BAD) {
    await t.test(name, async () => {
      await choose(name, content);
      await state("error");
      assert.match(await part("file-error-message").textContent(), message);
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
    assert.match(await part("file-facts").textContent(), /^one text per line, 2 rows/);
  });
  quiet(problems);
});

test("reports misplaced quotes and cells; a first row without names is a row", async (t) => {
  const { part, choose, state, problems } = await openFile(t);
  await choose("rough.csv", 'text;stars\n"Good";5;more\n"Bad" one;1\nFine\nNice;4\nSad;2\n');
  await state("chosen");
  assert.match(
    await part("file-remarks").textContent(),
    /^Line 3 has a field that continues after its closing quote: rows after it may be split in the wrong place\./,
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
    /^Only one file can be open at a time/.test(
      document.querySelector('[data-testid="file-error-message"]')?.textContent,
    ),
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
    await route.continue().catch(() => {}); // the page has abandoned the request
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
    "Only the first 200 of 250 columns are read. The others are neither shown nor exported.",
  );
  await part("file-close").click();
  await choose(
    "wide.jsonl",
    JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`c${at}`, "Lovely."]))),
  );
  await state("chosen");
  assert.match(await part("file-remarks").textContent(), /^Only the first 200 of 201 columns/);
  await part("file-close").click();
  await choose("late.csv", `text,id\n${",1\n".repeat(300)}Lovely.,1\n`);
  await state("chosen");
  assert.equal(await part("file-status").textContent(), "1 text, 300 rows without text");
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

test("a reading can be cancelled; the page stays free meanwhile, and the next file is read", async (t) => {
  const { context, page, part, choose, state, problems } = await openFile(t);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  // The worker that parses files is delayed, so that a file takes long on any machine.
  await context.route("**/assets/reader-*.js", async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await choose("slow.csv", REVIEWS);
  await state("reading");
  assert.equal(await part("file-zone").locator("[role=status]").textContent(), "Reading slow.csv …");
  assert.equal(await part("file-reading").getAttribute("aria-valuenow"), "0");
  assert.deepEqual(await accessibilityFaults(page), []);
  await part("file-reading-cancel").focus();
  await page.keyboard.press("Enter");
  await state("empty");
  assert.equal(await part("file-reading-cancel").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "file-input");
  release();
  await choose("next.csv", REVIEWS);
  await state("chosen");
  assert.equal(await part("file-name").textContent(), "next.csv");
  quiet(problems);
});

test("a worker reads files, and is ended once the file is read", async (t) => {
  const { page, choose, state, part, problems } = await openFile(t);
  const ended = page.waitForEvent("worker").then(async (worker) => {
    assert.match(worker.url(), /\/assets\/reader-[\w-]+\.js$/);
    await worker.waitForEvent("close");
  });
  // Records the values of the progress bar.
  const seen = page.evaluate(
    () =>
      new Promise((resolve) => {
        const bar = document.querySelector('[data-testid="file-reading"]');
        const values = new Set();
        new MutationObserver(() => {
          values.add(Number(bar.getAttribute("aria-valuenow")));
          if (bar.hidden) resolve([...values]);
        }).observe(bar, { attributes: true });
      }),
  );
  const row = `${"A long day, and a fine one. ".repeat(40)}\n`;
  await choose("large.txt", row.repeat(4_000));
  await state("chosen");
  await ended;
  assert.match(await part("file-facts").textContent(), /4\u2009000 rows/);
  const values = await seen;
  assert.ok(values.length > 2 && values.at(-1) === 100, values.join());
  quiet(problems);
});

test("a reader that can't be fetched is an error, and the file can be opened later", async (t) => {
  const { context, part, choose, state } = await openFile(t);
  await context.route("**/assets/reader-*.js", (route) => route.abort());
  await choose("reviews.csv", REVIEWS);
  await state("error");
  assert.match(await part("file-error-message").textContent(), /^The file reader failed/);
  await context.unroute("**/assets/reader-*.js");
  await choose("reviews.csv", REVIEWS);
  await state("chosen");
});
