/** Rows with their answers, as lines of JSON Lines or CSV. */

import { TabsenseError } from "../api/errors.js";
import type { Score } from "../api/answer-types.js";
import { withoutFormula } from "../csv/formulas.js";
import { csvLine } from "./csv.js";
import { listed, type Row, type Rows } from "./row.js";

/** The formats that are written. */
export const OUT_FORMATS = ["csv", "jsonl"] as const;

/** A format that is written. */
export type OutFormat = (typeof OUT_FORMATS)[number];

/**
 * How lines are made: `head` from the row, `tail` from its answer. An unfinished file is recognized by its
 * heads; `tailOf` matches, at its `lastIndex`, the tail of an answer with these options.
 */
export interface Encoder {
  /** The text before the first row. */
  header: string;
  head(row: Row): string;
  tail(scores: readonly Score[]): string;
  tailOf: RegExp;
}

/** How answers are written. */
export interface AnswerOptions {
  format: OutFormat;
  delimiter: string;
  /** Whether a CSV gets a line with the columns' names. */
  header: boolean;
  /** The prefix of the names of the answers' columns. */
  prefix: string;
  /** Whether to escape formulas in all cells of a CSV. Otherwise the input's cells stay as they are. */
  escapeFormulas: boolean;
  /** How many labels to write; null: only the best, and no list. */
  top: number | null;
}

/** The placeholder answer of a row without text. */
export const NO_LABEL: { label: string; score: number | null; truncated?: boolean } = {
  label: "",
  score: null,
};

/** Regular expressions for a JSON string, a JSON number, and an answer in a list. */
const STRING = '"(?:[^"\\\\\\n]|\\\\.)*"';
const NUMBER = "(?:[-+.\\de]+|null)";
const SCORE = `\\{"label":${STRING},"score":${NUMBER}\\}`;

/** The encoder for rows, the first of which has these columns; `header`: their names as in the file. */
export function encoderOf(
  options: AnswerOptions,
  { columns, header }: Pick<Rows, "columns" | "header">,
): Encoder {
  return options.format === "csv" ? csvEncoder(options, columns, header) : jsonEncoder(options);
}

/** `{"text":"…","label":"POSITIVE","score":0.97}`, with `scores` if a number of labels is requested. */
function jsonEncoder({ prefix, top }: AnswerOptions): Encoder {
  const key = (name: string) => JSON.stringify(prefix + name);
  const answerColumns = [
    ...(top === null ? ["label", "score"] : ["label", "score", "scores"]),
    "truncated",
  ].map((name) => prefix + name);
  const list = top === null ? "" : `,${escaped(key("scores"))}:\\[(?:${SCORE}(?:,${SCORE}){${top - 1}})?\\]`;
  let checked: readonly string[] | null = null;
  return {
    header: "",
    head(row) {
      if (row.columns !== checked) refuseNames(row, answerColumns);
      checked = row.columns;
      const json =
        row.json ??
        `{${row.columns.map((column, i) => `${JSON.stringify(column)}:${JSON.stringify(row.values[i])}`).join(",")}}`;
      return `${json.slice(0, -1).trimEnd()},${key("label")}:`;
    },
    tail(scores) {
      const { label, score, truncated } = scores[0] ?? NO_LABEL;
      const all =
        top === null
          ? ""
          : `,${key("scores")}:${JSON.stringify(scores.map(({ label, score }) => ({ label, score })))}`;
      return `${JSON.stringify(label)},${key("score")}:${score}${all}${truncated ? `,${key("truncated")}:true` : ""}}\n`;
    },
    tailOf: new RegExp(
      `${STRING},${escaped(key("score"))}:${NUMBER}${list}(?:,${escaped(key("truncated"))}:true)?\\}\\n`,
      "y",
    ),
  };
}

/**
 * The row's columns, `label` and `score`; then `label_2`, `score_2` and so on. Labels come from the model,
 * which may be untrusted: formulas in them are always escaped.
 */
function csvEncoder(
  { delimiter, header, prefix, escapeFormulas, top }: AnswerOptions,
  columns: readonly string[],
  names: readonly string[],
): Encoder {
  const answerColumns = Array.from({ length: top ?? 1 }, (_, i) =>
    ["label", "score"].map((name) => `${prefix}${name}${i === 0 ? "" : `_${i + 1}`}`),
  ).flat();
  const field = `(?:"(?:[^"]|"")*"|[^"\\n${escaped(delimiter)}]*)`;
  const escapeCell = escapeFormulas ? withoutFormula : (cell: string) => cell;
  const known = new Set(columns);
  let checked: readonly string[] | null = null;
  const check = (row: Row) => {
    refuseNames(row, answerColumns);
    const wrong = row.columns.filter((column) => !known.has(column));
    if (wrong.length > 0) {
      throw new TabsenseError(
        "invalid_argument",
        `Line ${row.line} of the input has ${listed(wrong)}, which the first row doesn't have: all rows of a CSV have the same columns. Write JSON Lines instead (--out FILE.jsonl).`,
      );
    }
    checked = row.columns;
  };
  return {
    header: header ? `${csvLine([...names, ...answerColumns], delimiter, escapeCell)}\n` : "",
    head(row) {
      if (row.columns !== checked) check(row);
      const values =
        row.json === null ? row.values : columns.map((column) => row.values[row.columns.indexOf(column)]);
      return `${csvLine(values, delimiter, escapeCell)}${delimiter}`;
    },
    tail: (scores) =>
      `${csvLine(
        Array.from({ length: top ?? 1 }, (_, i) => scores[i] ?? NO_LABEL).flatMap(({ label, score }) => [
          label,
          score,
        ]),
        delimiter,
        withoutFormula,
      )}\n`,
    tailOf: new RegExp(`${field}(?:${escaped(delimiter)}${field}){${answerColumns.length - 1}}\\n`, "y"),
  };
}

/** Text escaped for a regular expression. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function refuseNames({ columns, line }: Row, answerColumns: readonly string[]): void {
  const taken = columns.find((column) => answerColumns.includes(column));
  if (taken === undefined) return;
  throw new TabsenseError(
    "invalid_argument",
    `The input already has ${JSON.stringify(taken)} (line ${line}). Rename the answers with --prefix: --prefix predicted_ makes it ${JSON.stringify(`predicted_${taken}`)}.`,
  );
}
