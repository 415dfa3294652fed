// Columns without names, Windows-1252, an empty text: on the command line and in the demo page's File tab.
import { cli, folderOf, GOOD, join, json, readFileSync, report, rows, scratch } from "../_tools/tools.mjs";
import { readInPage } from "../_tools/page.mjs";
const here = folderOf(import.meta.url);
const { check, message, ok, skip, end } = report();
const { columns, texts, all_rows } = json(join(here, "expected.json"));
const filled = texts.filter((text) => text !== "");
const run = (file, ...more) => {
  const out = join(scratch(), "out.jsonl");
  const { status, stderr } = cli([
    "classify",
    join(here, file),
    "--column",
    "v2",
    "--model",
    GOOD,
    "--out",
    out,
    ...more,
  ]);
  let answers = [];
  try {
    answers = rows(out);
  } catch {}
  return { status, stderr: stderr.trim(), texts: answers.map((row) => row.v2), answers };
};
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const windows = run("spam.csv");
if (windows.status !== 1) check(false, "spam.csv: fails", windows.status);
else
  (/line 5\b/i.test(windows.stderr) && /UTF-8/.test(windows.stderr) ? ok : message)(
    "spam.csv: a sentence that names line 5 and UTF-8",
    windows.stderr,
  );
for (const file of ["spam-utf8.csv", "spam-utf8-named.csv"]) {
  const got = run(file, "--skip-invalid");
  check(
    got.status === 0 && same(got.texts, filled),
    `${file} --skip-invalid: ${filled.length} answers`,
    `${got.status} ${got.texts.length} ${got.stderr}`,
  );
  check(
    /1 row was left out/.test(got.stderr) && /line 13\b/i.test(got.stderr),
    `${file} --skip-invalid: reports line 13`,
    got.stderr,
  );
  const whole = run(file);
  check(
    whole.status === 0 &&
      same(whole.texts, texts) &&
      whole.answers.every(({ v2, label, score }) =>
        v2 === "" ? label === "" && score === null : label !== "" && score > 0,
      ),
    `${file}: ${texts.length} rows, the one on line 13 without a label`,
    `${whole.status} ${whole.texts.length} ${whole.stderr}`,
  );
}
// The CSV of answers has all data of the rows, in the same columns.
const out = join(scratch(), "out.csv");
cli([
  "classify",
  join(here, "spam-utf8.csv"),
  "--column",
  "v2",
  "--model",
  GOOD,
  "--out",
  out,
  "--skip-invalid",
]);
let text = "";
try {
  text = readFileSync(out, "utf8");
} catch {}
check(
  text.startsWith(columns.join(",")) &&
    all_rows.filter((row) => row[1] !== "").every((row) => text.includes(`${row.slice(0, 1)},`)) &&
    text.includes(
      `"Your tone is here. Send the word \\ABC"" to 00000. END", PO Box 000," AB1 2CD, 450p 16""",,`,
    ),
  "spam-utf8.csv: the CSV of answers keeps five columns",
  text.slice(0, 200),
);
const page = await readInPage([
  { file: join(here, "spam.csv"), recode: true },
  { file: join(here, "spam-utf8.csv") },
  { file: join(here, "spam-utf8-named.csv") },
]);
if (page === null) skip("page");
else
  for (const [file, { rows: count, named, columns: names, column }] of Object.entries(page))
    check(
      named && count === texts.length && names[0] === "v1" && column === "v2",
      `page, ${file}: a head, ${texts.length} rows, column v2`,
      { count, named, names, column },
    );
end();
