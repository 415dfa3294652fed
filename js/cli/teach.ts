/** `tabsense teach`: a classifier of your own labels, from a file of examples. */

import { writeFile } from "node:fs/promises";
import { Embedder } from "../node.js";
import { TabsenseError } from "../api/errors.js";
import type { Evaluation, MultiExample, TeachProgress } from "../api/teach-types.js";
import { ENCODINGS } from "../csv/content.js";
import { TSV } from "../csv/dialect.js";
import {
  DEFAULT_EMBEDDER,
  loadOptionsOf,
  oneOf,
  threadsOf,
  UsageError,
  type Invocation,
} from "./arguments.js";
import { startBar } from "./bar.js";
import { delimiterOf, quoteOf } from "./dialect.js";
import { formatOf, openInput } from "./input.js";
import { checkOutput } from "./output.js";
import { print } from "./print.js";
import { openRows } from "./rows.js";
import { FORMATS, type ColumnNames, type Row, type RowOptions } from "./row.js";
import { stoppable } from "./stops.js";
import { visible } from "./visible.js";

const COLUMNS: ColumnNames = {
  text: { what: "text", option: "--text" },
  pair: { what: "label", option: "--label" },
};

/** The maximum number of confusions and of doubtful examples in the report. */
const MAX_LISTED = 5;

/** Teaches a classifier, reports the results of leave-one-out, and writes it. */
export async function teach({ values, operands, texts }: Invocation): Promise<void> {
  const [input, ...others] = [...operands, ...texts];
  if (input === undefined || others.length > 0)
    throw new UsageError(
      input === undefined
        ? "Pass a file of examples."
        : `Pass one file of examples, not also ${others.join(" and ")}.`,
      "teach",
    );
  const { out } = values;
  if (out === undefined) throw new UsageError("Pass the file to write, such as --out mine.json.", "teach");
  const format = oneOf("format", values.format, FORMATS) ?? formatOf(input);
  if (format === null || format === "text")
    throw new UsageError(
      `${input} must be CSV, TSV or JSON Lines, with a text and its label per row. If its name doesn't show which, pass --format.`,
      "teach",
    );
  const rows: Omit<RowOptions, "name" | "onInvalid"> = {
    format,
    column: values.text ?? null,
    pairColumn: values.label ?? "label",
    names: COLUMNS,
    delimiter: delimiterOf(values.delimiter, "teach") ?? (format === "tsv" ? TSV.delimiter : null),
    quote: values.quote === undefined ? (format === "tsv" ? TSV.quote : '"') : quoteOf(values.quote, "teach"),
    header: !values["no-header"],
  };
  const encoding = oneOf("encoding", values.encoding, ENCODINGS);
  const load = { ...loadOptionsOf(values), threads: threadsOf(values, "auto" as const) };
  checkOutput(out, values.force ? "overwrite" : "refuse", input);
  await stoppable("", async (signal) => {
    const examples = await readExamples(input, rows, encoding, values.separator ?? null, signal);
    const bar = startBar(null);
    const embedder = await Embedder.load(values.model ?? DEFAULT_EMBEDDER, { ...load, signal });
    try {
      const onProgress = ({ stage, done, total }: TeachProgress) =>
        bar.say(
          `${stage === "embed" ? "reading examples" : "learning"}: ${Math.round((100 * done) / total)} %`,
        );
      const classifier = await embedder.teach(examples, { signal, onProgress });
      const report = await classifier.evaluate({ signal });
      bar.clear();
      await writeFile(out, `${JSON.stringify(classifier)}\n`, { signal });
      await print(values.json ? `${JSON.stringify(report)}\n` : reportText(report, out), signal);
    } finally {
      bar.clear();
      await embedder.dispose();
    }
  });
}

/**
 * The examples of a file: texts with one label each or, if `separator` is set, with labels that it separates.
 */
async function readExamples(
  input: string,
  options: Omit<RowOptions, "name" | "onInvalid">,
  encoding: (typeof ENCODINGS)[number] | null,
  separator: string | null,
  signal: AbortSignal,
): Promise<MultiExample[] | { text: string; label: string }[]> {
  const file = await openInput(input, encoding);
  signal.addEventListener("abort", file.close, { once: true });
  try {
    const { rows } = await openRows(file.bytes, { ...options, name: file.name, onInvalid: null });
    const read: Row[] = [];
    for await (const row of rows) {
      if (row.text.trim() === "") throw emptyAt(row, file.name, "text", "Remove the row.");
      read.push(row);
    }
    signal.throwIfAborted();
    if (separator !== null)
      return read.map(({ text, pair }) => ({
        text,
        labels: pair!.split(separator).flatMap((label) => (label.trim() === "" ? [] : [label.trim()])),
      }));
    return read.map((row) => {
      if (row.pair!.trim() === "") throw emptyAt(row, file.name, "label", "Name it, or remove the row.");
      return { text: row.text, label: row.pair!.trim() };
    });
  } finally {
    file.close();
  }
}

function emptyAt({ line }: Row, name: string, what: string, advice: string): TabsenseError {
  return new TabsenseError("invalid_argument", `Line ${line} of ${name} has no ${what}. ${advice}`);
}

/** The report as text. */
function reportText({ accuracy, examples, labels, confusions, doubtful }: Evaluation, out: string): string {
  const share = (x: number | null) => (x === null ? "–" : `${Math.round(100 * x)} %`);
  const longest = Math.max(5, ...labels.map(({ label }) => label.length));
  const row = (label: string, ...cells: string[]) =>
    `  ${label.padEnd(longest)}${cells.map((cell) => cell.padStart(11)).join("")}\n`;
  const report = [
    `${out}: ${labels.length} labels from ${examples} examples; ${share(accuracy)} are classified correctly from all others.\n\n`,
    row("label", "examples", "precision", "recall"),
    ...labels.map((one) => row(one.label, String(one.examples), share(one.precision), share(one.recall))),
    ...section(
      "Confused labels",
      confusions.map(({ label, predicted, count }) => `${label} for ${predicted}: ${count}`),
    ),
    ...section(
      "Doubtful examples",
      doubtful.map(
        ({ text, labels, predicted }) =>
          `${JSON.stringify(text.slice(0, 80))}: ${labels[0]}, or ${predicted}?`,
      ),
    ),
  ].join("");
  return visible(report);
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MAX_LISTED ? [`  and ${lines.length - MAX_LISTED} more\n`] : [];
  return [`\n${title}:\n`, ...lines.slice(0, MAX_LISTED).map((line) => `  ${line}\n`), ...more];
}
