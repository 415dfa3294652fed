// The File tab's parser without a browser: files longer than the pieces that they are read in, and invalid
// files. Rows go through a structured clone, as between the worker and the page.

import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { stringify as toCsv } from "csv-stringify/sync";
import { bundledForNode } from "./modules.mjs";

const { parseFile } = await bundledForNode("file/parse.ts");
const { assembly } = await bundledForNode("file/assembly.ts");

const PIECE_BYTES = 1 << 18; // as in source.ts

/** Reads a file as read.ts does; calls `seen` with each message. */
async function read(name, content, reading = {}, seen = () => {}) {
  const { take, table } = assembly();
  for await (const sent of parseFile(new File([content], name), reading)) {
    seen(sent);
    take(structuredClone(sent));
  }
  return table();
}

const kindOf = (name, content, reading) =>
  read(name, content, reading).then(
    () => null,
    ({ kind, message }) => [kind, message],
  );

test("a long file comes in parts, with the bytes that are read", async () => {
  for (const name of ["long.csv", "long.jsonl", "long.txt"]) {
    const lines = Array.from({ length: 20_000 }, (_, at) => {
      const text = `Number ${at}, ${"naïve ".repeat(at % 20)}😀`;
      if (name.endsWith("csv")) return `"${text}"`;
      return name.endsWith("jsonl") ? JSON.stringify({ text }) : text;
    });
    const content = `${name.endsWith("csv") ? "text\n" : ""}${lines.join("\n")}`;
    const size = Buffer.byteLength(content);
    assert.ok(size > 3 * PIECE_BYTES);
    const steps = [];
    const { rows } = await read(name, content, {}, (sent) => {
      if (sent.type === "rows") steps.push(sent.read);
    });
    assert.equal(rows.length, lines.length, name);
    assert.equal(rows[12_345][0], `Number 12345, ${"naïve ".repeat(5)}😀`, name);
    assert.ok(steps.length > 3, name);
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    );
    assert.equal(steps.at(-1), size, name);
  }
});

test("characters, line breaks and fields that two pieces share are not torn apart", async () => {
  for (const shift of [-3, -2, -1, 0, 1]) {
    const pad = "x".repeat(PIECE_BYTES + shift - Buffer.byteLength('text\n""\r\n"'));
    const csv = await read("edge.csv", `text\n"${pad}"\r\n"😀 and\r\nmore"\r\n"end"\r\n`);
    assert.deepEqual(
      csv.rows.map(([text]) => text.length),
      [pad.length, 12, 3],
      `${shift}`,
    );
    assert.equal(csv.rows[1][0], "😀 and\r\nmore");
    const lines = await read("edge.txt", `${"x".repeat(PIECE_BYTES + shift)}\r\n😀\r\nend`);
    assert.deepEqual(lines.rows.slice(1), [["😀"], ["end"]], `${shift}`);
    const wide = Buffer.from(`\ufeff${"x".repeat(PIECE_BYTES / 2 + shift)}😀\r\nend`, "utf16le");
    const utf16 = await read("edge.txt", wide);
    assert.equal(utf16.encoding, "utf-16le");
    assert.ok(utf16.rows[0][0].endsWith("x😀"), `${shift}`);
    assert.deepEqual(utf16.rows[1], ["end"]);
  }
});

test("any table that is written as CSV is read as it was", async () => {
  const cell = fc.string({ unit: "binary", maxLength: 12 }).filter((text) => !text.includes("\0"));
  const table = fc
    .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 8 }))
    .chain(([width, height]) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), {
        minLength: height,
        maxLength: height,
      }),
    );
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const written = toCsv([["a", "b", "c", "d"].slice(0, rows[0].length), ...rows], { quoted: true });
      const found = await read("table.csv", written, { named: true });
      assert.deepEqual(found.rows, rows);
    }),
    { numRuns: 100 },
  );
});

test("a misplaced quote late in a file makes it start over, and no row is there twice", async () => {
  const rows = Array.from({ length: 30_000 }, (_, at) => `row ${at},"a text, in quotes"`);
  rows[29_000] = 'row 29000,"a text" with more';
  let restarts = 0;
  const table = await read("late.csv", `id,text\n${rows.join("\n")}\n`, {}, ({ type }) => {
    restarts += type === "restart" ? 1 : 0;
  });
  assert.equal(restarts, 1);
  assert.equal(table.rows.length, 30_000);
  assert.deepEqual(table.rows[0], ["row 0", "a text, in quotes"]);
  assert.equal(table.rows[29_000][0], "row 29000");
  assert.match(
    table.remarks[0],
    /^Line 29002 has a field that continues after its closing quote: rows after it/,
  );
});

test("rows of other lengths than the header are counted, wherever they are", async () => {
  const counted = async (content, reading) => (await read("table.csv", content, reading)).remarks;
  assert.deepEqual(await counted("id,text\n1,a\n2\n3,b,c\n4,d\n"), [
    "2 rows have more or fewer cells than the header.",
  ]);
  assert.deepEqual(await counted("id,text\n1,a\n2\n", { named: false }), [
    "1 row has fewer cells than the longest row.",
  ]);
  assert.deepEqual(await counted("id,text\n1,a\n"), []);
});

test("JSON keeps numbers that JavaScript would change, across threads, too", async () => {
  const row = '{"id":12345678901234567890,"text":"Lovely.","small":1.5}';
  for (const [name, content] of [
    ["ids.jsonl", `${row}\n`],
    ["ids.json", `[${row}]`],
  ]) {
    const { columns, rows } = await read(name, content);
    assert.deepEqual(columns, ["id", "text", "small"]);
    assert.deepEqual(rows[0].map(String), ["12345678901234567890", "Lovely.", "1.5"]);
  }
});

test("objects get a column for each key, other values one of their own", async () => {
  const mixed = await read("mixed.jsonl", '"a"\n{"text":"b","more":{"n":1}}\nnull\n{"more":true}\n');
  assert.deepEqual(mixed.columns, ["value", "text", "more"]);
  assert.deepEqual(mixed.rows, [["a"], [null, "b", '{"n":1}'], [null], [null, null, true]]);
  const plain = await read("plain.json", '["a", 1, null]');
  assert.deepEqual([plain.named, plain.columns, plain.rows], [false, ["value"], [["a"], [1], [null]]]);
});

test("what is wrong with a file has a kind and a sentence", async () => {
  const latin = Buffer.from(`text\n${"plain\n".repeat(PIECE_BYTES / 6)}Très\n`, "latin1");
  for (const [name, content, kind, says] of [
    ["empty.csv", "", "empty", /^empty\.csv is empty\.$/],
    ["white.txt", " \n\t\r\n", "empty", /contains nothing but white space/],
    ["white.jsonl", " \n\n", "empty", /contains nothing but white space/],
    ["head.csv", "text,stars\n", "empty", /has no rows below its header/],
    ["book.xlsx", Buffer.from("504b030414000600", "hex"), "not text", /Export the sheet as CSV/],
    ["late.txt", `${"x".repeat(PIECE_BYTES)}\0`, "not text", /is not a text file/],
    [
      "old.csv",
      latin,
      "not UTF-8",
      /^old\.csv is not in UTF-8\. Save it as UTF-8, or read it as Windows-1252/,
    ],
    ["torn.txt", Buffer.from("fffe6100d8", "hex"), "not text", /is not valid UTF-16LE/],
    ["list.json", "[1, 2", "syntax", /^The file is not valid JSON/],
    ["number.jsonl", "no\nJSON\n", "syntax", /^Line 1 is not valid JSON, and neither is any other/],
    ["quote.csv", '"a\nb', "syntax", /quote that is never closed/],
    ["object.json", '{"a":1}\n{', null, null],
    [
      "many.txt",
      "x\n".repeat(300_001),
      "too large",
      /more than 300\u2009000 rows, .* npx tabsense classify\.$/,
    ],
  ]) {
    const found = await kindOf(name, content);
    if (kind === null) assert.equal(found, null, name);
    else {
      assert.equal(found?.[0], kind, `${name}: ${found}`);
      assert.match(found[1], says);
    }
  }
  assert.equal(await kindOf("old.csv", latin, { encoding: "windows-1252" }), null);
});
