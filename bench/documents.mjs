// docs/benchmarks.md and the README's table, from a committed result: no number is written by hand.

import { ms, times } from "./report/format.mjs";
import { markdownTable, section } from "./report/markdown.mjs";
import { caseName, counterpart, machineLine, plainCases, shortName, tablesOf } from "./report/tables.mjs";
import { visitorTable } from "./report/visitor.mjs";

/** The markers between which the README's table stands. */
export const [START, END] = ["<!-- benchmarks:start -->", "<!-- benchmarks:end -->"];

/** Where a result is kept and shown; the README's table is of the configuration `standard`. */
export function pageOf({ name }) {
  return name === "standard"
    ? {
        baseline: "bench/baseline.json",
        page: "docs/benchmarks.md",
        title: "Benchmarks",
        command: "npm run bench",
      }
    : {
        baseline: `bench/baseline-${name}.json`,
        page: `docs/benchmarks-${name}.md`,
        title: `Benchmarks: ${name}`,
        command: `npm run bench -- --config bench/${name}.toml`,
      };
}

/** The page of the documentation. */
export function benchmarksPage(result) {
  const { baseline, title, command } = pageOf(result);
  return `<!-- Made by \`npm run bench:docs\` from ${baseline}: change that, not this. -->

# ${title}

All numbers are from one machine and one run: ${machineLine(result)}.${result.quick ? " A quick run: fewer rounds than usual." : ""}

- Each implementation has its own page or process, and all are loaded before any is timed. They take turns, round by round, so that noise of the machine affects all alike. A ratio is the median of the rounds' ratios.
- All run the same weights: Tabsense the safetensors, its peers an ONNX export of them.
- A time is from text to scores, including tokenization. Only \`onnxruntime-web\` has no tokenizer and gets token ids.
- In the same run, all answer labelled texts, and texts whose logits PyTorch computed. A wrong answer fails the run.

To repeat it, run \`${command}\` (\`--quick\` takes a few minutes and measures less). See [bench/README.md](../bench/README.md).

${tablesOf(result).map(section).join("\n\n")}
`;
}

/**
 * The README's table: what a visitor feels or, of results that don't have it, the subjects of one thread in
 * the browser on the embedded model, at made-up texts of some lengths.
 */
export function readmePart(result) {
  const visitor = visitorTable(result);
  const [table, note] =
    visitor.rows.length > 0 ? [visitor, visitor.note] : [latencyTable(result), LATENCY_NOTE];
  return `${markdownTable(table)}

${note}
${machineLine(result)}.
More in [docs/benchmarks.md](docs/benchmarks.md), BERT and XLM-RoBERTa in [docs/benchmarks-encoders.md](docs/benchmarks-encoders.md).`;
}

const LATENCY_NOTE =
  "Median milliseconds from text to scores on one thread; in brackets, how many times as long as Tabsense with the same kind of weights.";

function latencyTable(result) {
  const { name } = result.models[0];
  const cases = plainCases(result, name).filter(
    ({ group, batch, id }) => group === null && batch === 1 && id.includes("/"),
  );
  const subjects = result.subjects.filter(
    ({ model, host, threads, id }) =>
      model === name &&
      host === "browser" &&
      threads === 1 &&
      result.latencies.some(({ subject }) => subject === id),
  );
  const rows = subjects.map((subject) => {
    const own = counterpart(result, subject);
    return [
      shortName(subject.id),
      ...cases.map((one) => {
        const found = result.latencies.find((row) => row.subject === subject.id && row.case === one.id);
        const against = subject.own
          ? null
          : result.ratios.find(
              (row) => row.own === own?.id && row.other === subject.id && row.case === one.id,
            );
        return found ? `${ms(found.p50)}${against ? ` (${times(against.median)})` : ""}` : "–";
      }),
    ];
  });
  return { head: [`${name}, ms`, ...cases.map(caseName)], rows };
}

/** The README with its table brought up to date; as it is where it has no markers. */
export function withTable(readme, result) {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) return readme;
  return `${readme.slice(0, start + START.length)}\n${readmePart(result)}\n${readme.slice(end)}`;
}
