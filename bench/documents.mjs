// Makes docs/benchmarks.md and the README's table from a committed result: no number is written by hand.

import { markdownTable, section } from "./report/markdown.mjs";
import { machineLine, tablesOf } from "./report/tables.mjs";
import { summaryTable } from "./report/visitor.mjs";

/** The markers around the README's table. */
export const [START, END] = ["<!-- benchmarks:start -->", "<!-- benchmarks:end -->"];

/** Where a result is stored and shown. The README's table comes from the configuration `standard`. */
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

/** The documentation's page about a result. */
export function benchmarksPage(result) {
  const { baseline, title, command } = pageOf(result);
  return `<!-- Made by \`npm run bench:docs\` from ${baseline}: edit that file, not this one. -->

# ${title}

All numbers are from one machine and one run: ${machineLine(result)}.${result.quick ? " A quick run: fewer rounds than usual." : ""}

- Each implementation has its own page or process, and all are loaded before any is timed. Rounds alternate between them, so that noise of the machine affects all of them equally. A ratio is the median of the rounds' ratios.
- All run the same weights: Tabsense from safetensors, its peers from an ONNX export.
- Times are from text to scores, including tokenization. Only \`onnxruntime-web\` has no tokenizer and gets token ids.
- In the same run, the answers of all are checked on labelled texts, and on texts whose logits PyTorch computed. A wrong answer fails the run.

To repeat it, run \`${command}\` (\`--quick\` takes a few minutes and measures less). See [bench/README.md](../bench/README.md).

${tablesOf(result).map(section).join("\n\n")}
`;
}

/** The README's table. */
export function readmePart(result) {
  return `${markdownTable(summaryTable(result))}

The model is sentiment-en. Its weights are int4 in Tabsense and int8 in transformers.js.
${machineLine(result)}.
[All benchmarks](docs/benchmarks.md), and [those of BERT and XLM-RoBERTa](docs/benchmarks-encoders.md).`;
}

/** The README with its table updated; unchanged if it has no markers. */
export function withTable(readme, result) {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) return readme;
  return `${readme.slice(0, start + START.length)}\n${readmePart(result)}\n${readme.slice(end)}`;
}
