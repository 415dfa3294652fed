// CSV files of all kinds give the intended texts, or an error with the right line; interrupted runs resume.
import {
  cli,
  existsSync,
  folderOf,
  GOOD,
  join,
  json,
  readFileSync,
  report,
  rows,
  scratch,
  writeFileSync,
} from "../_tools/tools.mjs";
import { readInPage } from "../_tools/page.mjs";
const here = folderOf(import.meta.url);
const { check, fault, message, ok, skip, end } = report();
const expected = json(join(here, "expected.json"));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const only = process.argv.slice(2);
const files = Object.entries(expected).filter(([name]) => only.length === 0 || only.includes(name));
/** A row's text in JSON Lines: under the column's name, which may have spaces around it in the head. */
const textOf = (row, args) => {
  const key = args[args.indexOf("--column") + 1];
  const column = args.includes("--column") ? key : "text";
  return (
    row[column] ??
    row[Object.keys(row).find((name) => name.trim().toLowerCase() === column)] ??
    (column === "2" ? Object.values(row)[1] : undefined)
  );
};
/** The rows of a CSV file's text, or null if it has misplaced quotes. */
function csvRows(text, delimiter) {
  const parsed = [[]];
  const cell = new RegExp(
    `(?:"((?:[^"]|"")*)"|((?!")[^${delimiter}\\r\\n]*))(${delimiter}|\\r\\n|\\r|\\n|$)`,
    "y",
  );
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) return null;
    const [, quoted, plain, end] = match;
    parsed.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== delimiter && cell.lastIndex < text.length) parsed.push([]);
  }
  return parsed;
}
/** Whether the CSV `answers` has all cells of the file, followed by a label and a score in each row. */
function keepsCells(name, answers) {
  const input = readFileSync(join(here, name), "utf8").replace(/^\ufeff?(?:sep=.\r?\n)?/, "");
  return [",", ";", "\t"].some((delimiter) =>
    same(
      csvRows(input, delimiter),
      csvRows(answers, delimiter)?.map((row) => row.slice(0, -2)),
    ),
  );
}
function run(name, args, more = [], ending = "jsonl") {
  const out = join(scratch(), `out.${ending}`);
  const { status, stderr } = cli([
    "classify",
    join(here, name),
    ...args,
    "--model",
    GOOD,
    "--out",
    out,
    ...more,
  ]);
  const content = existsSync(out) ? readFileSync(out, "utf8") : "";
  return {
    status,
    stderr: stderr.trim().replaceAll(join(here, name), name),
    out,
    content,
    texts:
      ending === "jsonl"
        ? content
            .split("\n")
            .filter(Boolean)
            .map((line) => textOf(JSON.parse(line), args))
        : [],
  };
}
for (const [name, { args, texts, error, skip: remaining }] of files) {
  const got = run(name, args);
  const matches = error && new RegExp(error, "s").test(got.stderr);
  if (got.status === 0)
    check(
      texts !== null && same(got.texts, texts),
      `${name}: ${texts === null ? `an error that matches /${error}/` : JSON.stringify(texts)}`,
      got.content.slice(0, 300),
    );
  else if (!error) fault(`${name}: refused, want ${JSON.stringify(texts)}`, got.stderr);
  else (matches ? ok : message)(`${name}: an error that says /${error}/`, got.stderr.slice(0, 300));
  if (remaining !== undefined) {
    const { status, texts: rest, stderr } = run(name, args, ["--skip-invalid"]);
    check(
      status === 0 && same(rest, remaining),
      `${name} --skip-invalid: ${JSON.stringify(remaining)}`,
      `${JSON.stringify(rest)} ${stderr}`,
    );
  }
  if (got.status === 0 && texts !== null) {
    // A run that was interrupted anywhere resumes to the same file.
    const whole = run(name, args, [], "csv");
    check(
      keepsCells(name, whole.content),
      `${name}: the CSV answers keep all cells`,
      whole.content.slice(0, 300),
    );
    for (const cut of [Math.floor(whole.content.length / 2), whole.content.length - 1]) {
      writeFileSync(whole.out, Buffer.from(whole.content).subarray(0, cut));
      const { status, stderr } = cli([
        "classify",
        join(here, name),
        ...args,
        "--model",
        GOOD,
        "--out",
        whole.out,
        "--resume",
      ]);
      check(
        status === 0 && readFileSync(whole.out, "utf8") === whole.content,
        `${name}: --resume after ${cut} bytes`,
        stderr,
      );
    }
  }
}
// "2" is the name of a column here, not the second column.
const named = run("numbers-as-names.csv", ["--column", "2"]);
const alone = JSON.parse(cli(["10", "--model", GOOD, "--json"]).stdout);
check(
  rows(named.out)[0].score === alone.score,
  "numbers-as-names.csv: --column 2 is the column that is named so",
  named.content,
);
const page = await readInPage(
  files.filter(([, { page }]) => page).map(([name]) => ({ file: join(here, name) })),
);
if (page === null) skip("page");
else
  for (const [name, { page: want }] of files.filter(([, { page }]) => page)) {
    const got = page[name];
    if (want.error) {
      if (!got.error) fault(`page, ${name}: an error`, JSON.stringify(got));
      else
        (new RegExp(want.error, "i").test(got.error) ? ok : message)(
          `page, ${name}: an error that matches /${want.error}/`,
          got.error,
        );
    } else if (want.remark) check(got.error || got.remarks.length > 0, `page, ${name}: a remark`, got);
    else
      check(
        !got.error &&
          (want.rows ?? got.rows) === got.rows &&
          want.column === got.column &&
          (!want.texts || same(got.texts, want.texts)),
        `page, ${name}: ${JSON.stringify(want)}`,
        got,
      );
  }
end();
