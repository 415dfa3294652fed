// Files of rows, as the command line reads them: any content gives rows, or an error with kind and sentence.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSync } from "esbuild";
import fc from "fast-check";
import { cut, cuts, assertProperty, KEYS, readOrRefused } from "./properties.mjs";
import { ROOT } from "./support.mjs";

/** Modules that the package bundles into its command line only. */
const { openRows, csvLine, asUtf8, PAIR_COLUMNS, uniqueNames } = await bundled(`
  export { openRows } from "./js/cli/rows.ts";
  export { csvLine } from "./js/cli/csv.ts";
  export { asUtf8 } from "./js/cli/lines.ts";
  export { PAIR_COLUMNS } from "./js/cli/row.ts";
  export { uniqueNames } from "./js/csv/names.ts";
`);

async function bundled(contents) {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "node",
    banner: {
      js: `import { createRequire } from "node:module"; const require = createRequire("${import.meta.url}");`,
    },
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

/** Mostly CSV's own syntax, in awkward places. */
const piece = fc.oneof(
  fc.constantFrom(
    '"',
    '""',
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\r",
    "text",
    "id",
    "sep=;",
    "\\",
    "'",
    " ",
    "\u2028",
  ),
  fc.constantFrom("{", "}", "[", "]", ":", "null", '"text":', '{"text":"a"}', ...KEYS),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const content = fc.oneof(
  { weight: 6, arbitrary: fc.array(piece, { maxLength: 40 }).map((all) => Buffer.from(all.join(""))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  // A byte that isn't valid UTF-8, somewhere in it.
  {
    weight: 1,
    arbitrary: fc.tuple(fc.array(piece, { maxLength: 20 }), fc.nat()).map(([all, at]) => {
      const bytes = Buffer.from(`a,text\n${all.join("")}`);
      bytes[at % bytes.length] = 0xff;
      return bytes;
    }),
  },
);
const options = fc.record({
  format: fc.constantFrom("csv", "csv", "csv", "tsv", "jsonl", "text"),
  column: fc.constantFrom(null, "text", "1", "2", "99", ...KEYS),
  pairColumn: fc.constantFrom(null, null, null, "2", "__proto__"),
  delimiter: fc.constantFrom(null, ",", ";", "\t", "|", "~"),
  quote: fc.constantFrom('"', '"', "'", null),
  header: fc.boolean(),
  lenient: fc.boolean(),
});

/** All rows of a file, or null if it is refused, and the errors of rows that are skipped. */
async function rowsOf(chunks, { lenient, ...rest }) {
  const invalid = [];
  const name = "a.csv";
  const onInvalid = lenient ? (error) => invalid.push(error.message) : null;
  async function* input() {
    yield* chunks;
  }
  const rows = await readOrRefused(async () => {
    const all = [];
    const opened = await openRows(asUtf8(input(), name, null), {
      name,
      names: PAIR_COLUMNS,
      onInvalid,
      ...rest,
    });
    for await (const row of opened.rows) all.push(row);
    return all;
  });
  // A parser may report a record before earlier ones are read.
  return { rows, invalid: invalid.sort() };
}

test("any bytes are rows, or an error with a kind and a sentence", () =>
  assertProperty(
    1500,
    fc.asyncProperty(content, options, async (bytes, given) => {
      const { rows, invalid } = await rowsOf([bytes], given);
      for (const message of invalid) assert.match(message, /^Line \d+ of a\.csv .*\.$/s);
      let [line, end] = [0, 0];
      for (const row of rows ?? []) {
        assert.equal(row.values.length, row.columns.length);
        assert.ok(typeof row.text === "string" && (row.pair === null || typeof row.pair === "string"));
        assert.ok(
          row.line > line && row.end > end && row.end <= bytes.length,
          JSON.stringify([row, line, end]),
        );
        [line, end] = [row.line, row.end];
      }
    }),
  ));

test("rows don't depend on how the file is split into chunks", () =>
  assertProperty(
    600,
    fc.asyncProperty(content, options, cuts, async (bytes, given, at) => {
      // The delimiter is detected in the first chunk, as are files that aren't text.
      const withDelimiter = { ...given, delimiter: given.delimiter ?? "," };
      const whole = await rowsOf([bytes], withDelimiter);
      fc.pre(whole.rows !== null);
      assert.deepEqual(await rowsOf([...cut(bytes, at)], withDelimiter), whole);
    }),
  ));

test("rows that were written are read as they were", () => {
  // Text has no NUL, and UTF-8 has no lone surrogates.
  const cell = fc
    .oneof(
      fc.array(piece, { maxLength: 6 }).map((all) => all.join("")),
      fc.string({ unit: "binary" }),
    )
    .map((text) => text.replaceAll("\0", ""));
  const table = fc
    .integer({ min: 2, max: 5 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
    );
  return assertProperty(
    600,
    fc.asyncProperty(table, fc.constantFrom(",", ";", "\t", "|"), cuts, async (table, delimiter, at) => {
      const header = table[0].map((_, i) => `name${i}`);
      const unchanged = (cell) => cell;
      const text = [header, ...table].map((row) => `${csvLine(row, delimiter, unchanged)}\n`).join("");
      const given = {
        format: "csv",
        column: "1",
        pairColumn: null,
        quote: '"',
        header: true,
        lenient: false,
      };
      const { rows } = await rowsOf([...cut(Buffer.from(text), at)], { ...given, delimiter });
      assert.deepEqual(
        rows?.map((row) => row.values),
        table,
      );
    }),
  );
});

test("gives any number of columns of the same name different names", () => {
  const names = uniqueNames(Array.from({ length: 1_000_000 }, () => "a"));
  assert.equal(new Set(names).size, 1_000_000);
});

test("gives columns of any names different names", () =>
  assertProperty(
    1000,
    fc.property(fc.array(fc.oneof(fc.constantFrom("a", "a (2)", ...KEYS), fc.string())), (names) => {
      const unique = uniqueNames(names);
      assert.equal(new Set(unique).size, names.length);
      names.forEach((name, i) => {
        if (names.indexOf(name) === i) assert.equal(unique[i], name);
      });
    }),
  ));
