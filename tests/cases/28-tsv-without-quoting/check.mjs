// TSV has no quotes: two rows must not silently become one.
import { cli, folderOf, GOOD, join, json, report, rows, scratch } from "../_tools/tools.mjs";
import { readInPage } from "../_tools/page.mjs";
const here = folderOf(import.meta.url);
const { check, fault, ok, skip, end } = report();
const expected = json(join(here, "expected.json"));
for (const [file, { texts_as_tsv: texts }] of Object.entries(expected)) {
  // Possible options: the call without options must be right or fail, and at least one call must be right.
  const tries = [[], ["--quote", "none"], ["--no-quotes"], ["--format", "tsv"]].map((more) => {
    const out = join(scratch(), "out.jsonl");
    const { status, stderr } = cli([
      "classify",
      join(here, file),
      "--column",
      "text",
      "--prefix",
      "p_",
      "--model",
      GOOD,
      "--out",
      out,
      ...more,
    ]);
    return {
      status,
      stderr: stderr.trim().split("\n")[0],
      texts: status === 0 ? rows(out).map(({ text }) => text) : [],
    };
  });
  const right = (got) => got.status === 0 && JSON.stringify(got.texts) === JSON.stringify(texts);
  check(
    tries[0].status !== 0 || right(tries[0]),
    `${file}: ${texts.length} rows, or an error`,
    tries[0].texts,
  );
  if (!tries.some(right)) fault(`${file}: can be read, by an option at least`, tries[0].stderr);
  else ok(file);
}
const page = await readInPage(Object.keys(expected).map((file) => ({ file: join(here, file) })));
if (page === null) skip("page");
else
  for (const [file, { texts_as_tsv: texts }] of Object.entries(expected))
    check(
      page[file].rows === texts.length || page[file].remarks.length > 0 || page[file].error,
      `page, ${file}: ${texts.length} rows, or a remark`,
      page[file],
    );
end();
