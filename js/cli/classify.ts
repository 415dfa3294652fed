/** `tabsense classify`: texts from the command line, or the rows of a file. */

import { availableParallelism } from "node:os";
import { Classifier } from "../node.js";
import type { Text } from "../api/types.js";
import type { Score } from "../api/answer-types.js";
import { ENCODINGS } from "../csv/content.js";
import { TSV } from "../csv/dialect.js";
import { NO_LABEL, OUT_FORMATS, type OutFormat } from "./answers.js";
import {
  DEFAULT_MODEL,
  loadOptionsOf,
  oneOf,
  threadsOf,
  UsageError,
  wholeNumber,
  type Invocation,
  type Values,
} from "./arguments.js";
import { classifyFile, type FileJob } from "./classify-file.js";
import { delimiterOf, quoteOf } from "./dialect.js";
import { formatOf, isFile, isPiped, STDIN, statOf } from "./input.js";
import { print } from "./print.js";
import { FORMATS, PAIR_COLUMNS, textOf } from "./row.js";
import { stoppable } from "./stops.js";
import { openTaught, readTaught, type Answering } from "./taught.js";
import { onOneLine, visible } from "./visible.js";

/** The options that only apply to a file. */
const FILE_OPTIONS = [
  "column",
  "delimiter",
  "encoding",
  "escape-formulas",
  "force",
  "format",
  "no-header",
  "out",
  "out-format",
  "pair-column",
  "prefix",
  "quote",
  "resume",
  "skip-invalid",
] as const;

/** Classifies what the command line names: a file, the standard input, or texts. */
export async function classify({ values, operands, texts, command }: Invocation): Promise<void> {
  const files = operands.filter(isFile);
  if (files.length > 0 && operands.length + texts.length > 1) {
    throw new UsageError(
      `${files[0]} is a file, and only one file can be classified at a time. Put -- before texts that look like files.`,
    );
  }
  const noArguments = operands.length + texts.length === 0;
  if (noArguments && !isPiped()) throw new UsageError("There is no text to classify.", command);
  if (files.length === 0 && !noArguments) return classifyTexts([...operands, ...texts], values);
  const job = await fileJob(files[0] ?? STDIN, values);
  const { answered, skipped } = await stoppable(resumeHint(job), (signal) => classifyFile(job, signal));
  // A script whose input is an empty pipe: more likely a mistake than an empty file.
  if (answered + skipped === 0 && noArguments && command === null && job.out === null)
    throw new UsageError("There is no text to classify.");
}

/** How to continue a job that was stopped, if that is possible. */
function resumeHint({ out, existing }: FileJob): string {
  if (out === null || statOf(out)?.isFile() === false) return "";
  const how = { refuse: " with --resume", resume: "", overwrite: " with --resume in place of --force" }[
    existing
  ];
  return `; run the same command${how} to continue`;
}

async function classifyTexts(texts: string[], values: Values): Promise<void> {
  const wrong = FILE_OPTIONS.find((name) => values[name] !== undefined);
  if (wrong)
    throw new UsageError(`--${wrong} is for files, and ${JSON.stringify(texts[0])} is not one.`, "classify");
  const { pair = null } = values;
  if (pair !== null && texts.length > 1)
    throw new UsageError(
      `--pair needs exactly one text, not ${texts.length}. Put many pairs in a file.`,
      "classify",
    );
  const topK = topOf(values) ?? null;
  const load = { ...loadOptionsOf(values), threads: threadsOf(values, "auto" as const) };
  await stoppable("", async (signal) => {
    const { model, taught } = await modelAndTaught(values);
    const classifier: Answering = await (taught === null
      ? Classifier.load(model, { ...load, signal })
      : openTaught(taught, model, { ...load, signal }));
    try {
      const given = texts.map((text) => textOf({ text, pair }));
      const results = await classifier.classify(given, { topK, signal });
      for (const [i, scores] of results.entries())
        await print(values.json ? jsonOf(given[i]!, scores) : linesOf(texts, i, scores), signal);
    } finally {
      await classifier.dispose();
    }
  });
}

/** The model, and the classifier taught on it if `--taught` names one. */
async function modelAndTaught(values: Values): Promise<{ model: string; taught: string | null }> {
  if (values.taught === undefined) return { model: values.model ?? DEFAULT_MODEL, taught: null };
  const wrong = (["pair", "pair-column"] as const).find((name) => values[name] !== undefined);
  if (wrong)
    throw new UsageError(
      `--${wrong} is for models of pairs, and --taught classifies single texts.`,
      "classify",
    );
  const { saved, encoder } = await readTaught(values.taught);
  return { model: values.model ?? encoder, taught: saved };
}

function jsonOf(given: Text, scores: readonly Score[]): string {
  const { label, score, truncated } = scores[0] ?? NO_LABEL;
  const texts = typeof given === "string" ? { text: given } : given;
  return `${JSON.stringify({ ...texts, label, score, scores: scores.map(({ label, score }) => ({ label, score })), ...(truncated && { truncated }) })}\n`;
}

function linesOf(texts: readonly string[], i: number, scores: readonly Score[]): string {
  const lines = scores.map(({ label, score }) => `${onOneLine(label)}\t${score.toFixed(4)}`);
  if (texts.length > 1) lines.unshift(visible(texts[i]!));
  if (scores.length === 0) lines.push("(no text)");
  if (scores[0]?.truncated) lines.push("(cut to the model's maximum length)");
  return `${lines.join("\n")}\n`;
}

/** The number of labels, null for all; undefined if `--top` isn't passed. */
function topOf(values: Values): number | null | undefined {
  return values.top === "all" ? null : wholeNumber(values, "top", undefined);
}

async function fileJob(input: string, values: Values): Promise<FileJob> {
  const { column = null, out = null, prefix = "", "pair-column": pairColumn = null } = values;
  if (values.pair !== undefined)
    throw new UsageError(
      "--pair is for a text on the command line. For a file, use --pair-column.",
      "classify",
    );
  const load = loadOptionsOf(values);
  if (values.resume && values.force)
    throw new UsageError(
      "--resume continues a file that --force would overwrite. Pass one of them.",
      "classify",
    );
  if (out === null && (values.resume || values.force))
    throw new UsageError(`--${values.resume ? "resume" : "force"} needs --out FILE.`, "classify");
  const format =
    oneOf("format", values.format, FORMATS) ?? formatOf(input) ?? (input === STDIN ? "text" : null);
  if (format === null)
    throw new UsageError(
      `The name of ${input} doesn't show its format. Pass --format ${FORMATS.join(", ")}.`,
      "classify",
    );
  if (pairColumn !== null && format === "text")
    throw new UsageError(
      "--pair-column is for CSV, TSV and JSON Lines. Plain text has no columns.",
      "classify",
    );
  const dialect = format === "tsv" ? TSV : { delimiter: null, quote: '"' };
  const delimiter = delimiterOf(values.delimiter, "classify");
  const outFormat = outFormatOf(out, values);
  if (values["escape-formulas"] && outFormat !== "csv")
    throw new UsageError("--escape-formulas is for CSV. JSON Lines has no formulas.", "classify");
  return {
    input,
    rows: {
      format,
      column,
      pairColumn,
      names: PAIR_COLUMNS,
      delimiter: delimiter ?? dialect.delimiter,
      quote: values.quote === undefined ? dialect.quote : quoteOf(values.quote, "classify"),
      header: !values["no-header"],
    },
    encoding: oneOf("encoding", values.encoding, ENCODINGS),
    skips: values["skip-invalid"] ?? false,
    out,
    existing: values.resume ? "resume" : values.force ? "overwrite" : "refuse",
    answers: {
      format: outFormat,
      delimiter:
        out !== null && formatOf(out) === "tsv" ? "\t" : (delimiter ?? (format === "tsv" ? "," : null)),
      header: !(values["no-header"] && (format === "csv" || format === "tsv")),
      prefix,
      escapeFormulas: values["escape-formulas"] ?? false,
    },
    top: topOf(values),
    model: {
      ...load,
      ...(await modelAndTaught(values)),
      processors: threadsOf(values, availableParallelism()),
    },
  };
}

function outFormatOf(out: string | null, values: Values): OutFormat {
  const requested = oneOf("out-format", values["out-format"], OUT_FORMATS);
  const byName =
    out === null
      ? null
      : ({ csv: "csv", tsv: "csv", jsonl: "jsonl", text: null, none: null } as const)[
          formatOf(out) ?? "none"
        ];
  if (out !== null && byName === null && requested === null && !values.json)
    throw new UsageError(
      `--out must end in .jsonl, .csv or .tsv, not ${out}. Or pass --out-format.`,
      "classify",
    );
  const format = requested ?? (values.json ? "jsonl" : byName) ?? "jsonl";
  if (values.json && format !== "jsonl")
    throw new UsageError(
      "--json writes JSON Lines, but --out-format is csv. Remove one of them.",
      "classify",
    );
  if (values.json && byName === "csv")
    throw new UsageError(
      `--json writes JSON Lines, but ${out} is named as CSV. Rename it, or remove --json.`,
      "classify",
    );
  return format;
}
