// Measures how accurate a sentiment model with two or three labels is on labelled texts, and how well
// its scores are calibrated.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { Failure } from "../../scripts/run.mjs";
import { bytes, percent } from "../report/format.mjs";
import { markdownTable, section } from "../report/markdown.mjs";

/** Texts classified at a time. */
const GROUP = 64;
/** Bins of equal width for the expected calibration error (Guo et al. 2017), and for the curve. */
const BINS = 15;
const CURVE = 10;
const SENTIMENTS = ["negative", "neutral", "positive"];

/**
 * Reads the rows of a file, `[{ text, label, domain }]`, with labels in lower case. The file contains
 * JSON Lines (`.jsonl`) of `{ text, label, domain }`; lines of `label<TAB>source<TAB>text`, where the
 * source is the domain; or SST-2's lines of `sentence<TAB>0 or 1` below a header. A tab-separated
 * file may be gzipped (`.gz`).
 */
export function readSet(path) {
  if (!existsSync(path)) throw new Failure(`There is no file ${path}.`);
  const raw = readFileSync(path);
  const lines = (path.endsWith(".gz") ? gunzipSync(raw) : raw)
    .toString()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  const name = basename(path).replace(/(\.(jsonl|tsv|txt|gz))+$/, "");
  const hasHeader = lines[0] === "sentence\tlabel";
  const read = path.endsWith(".jsonl")
    ? JSON.parse
    : hasHeader
      ? (line) => ((cells) => ({ text: cells[0], label: cells[1] }))(line.split("\t"))
      : (line) => ((cells) => ({ label: cells[0], domain: cells[1], text: cells[2] }))(line.split("\t"));
  return lines.slice(hasHeader ? 1 : 0).map((line, i) => {
    const { text, label, domain = name } = read(line);
    const sentiment = { 0: "negative", 1: "positive" }[label] ?? String(label).toLowerCase();
    if (typeof text !== "string" || !SENTIMENTS.includes(sentiment))
      throw new Failure(
        `${path}, row ${i + 1}: the label is "${label}". Lines are label<TAB>source<TAB>text, with one of ${SENTIMENTS.join(", ")}; or sentence<TAB>label (0 or 1) below that header; or JSON ({ text, label, domain }) in a .jsonl file.`,
      );
    return { text: text.trim(), label: sentiment, domain };
  });
}

/**
 * A model's answers to rows: for each, the scores by label in lower case. `classifier` is the package's; its
 * labels must include "negative" and "positive".
 */
export async function answersTo(classifier, rows) {
  const labels = classifier.info.model.labels.map((label) => label.toLowerCase());
  for (const label of ["negative", "positive"])
    if (!labels.includes(label))
      throw new Failure(`The model's labels are ${labels.join(", ")}: ${label} is not among them.`);
  const answers = [];
  for (let i = 0; i < rows.length; i += GROUP) {
    const texts = rows.slice(i, i + GROUP).map(({ text }) => text);
    for (const scores of await classifier.classify(texts, { topK: null }))
      answers.push(Object.fromEntries(scores.map(({ label, score }) => [label.toLowerCase(), score])));
  }
  return answers;
}

/**
 * Metrics of rows and their answers, between 0 and 1: `accuracy` of the best label; `macroF1`, the mean F1
 * over the labels that occur in the rows; `calibration`, the expected calibration error of the best label's
 * score; `polar`, the accuracy of the higher of the positive and negative scores on the rows with one of
 * these labels (null if there are none); `curve`, the bins of a reliability diagram: `{ from, to, texts, score, right }`,
 * with the mean score and the accuracy of the texts whose best score is in the bin.
 */
export function figuresOf(rows, answers) {
  const predictions = rows.map(({ label }, i) => {
    const [[best, score]] = Object.entries(answers[i]).sort(([, a], [, b]) => b - a);
    return { label, best, score, right: best === label, scores: answers[i] };
  });
  const polar = predictions.filter(({ label }) => label !== "neutral");
  const present = [...new Set(rows.map(({ label }) => label))];
  return {
    texts: rows.length,
    accuracy: mean(predictions.map(({ right }) => Number(right))),
    macroF1: mean(present.map((label) => f1Of(predictions, label))),
    calibration: binsOf(predictions, BINS).reduce(
      (sum, { texts, score, right }) => sum + (texts / rows.length) * Math.abs(score - right),
      0,
    ),
    polar:
      polar.length === 0
        ? null
        : mean(
            polar.map(({ label, scores }) =>
              Number((scores.positive > scores.negative ? "positive" : "negative") === label),
            ),
          ),
    curve: binsOf(predictions, CURVE),
  };
}

function f1Of(predictions, label) {
  const hits = predictions.filter(({ best, right }) => right && best === label).length;
  const predicted = predictions.filter(({ best }) => best === label).length;
  const actual = predictions.filter((one) => one.label === label).length;
  return (2 * hits) / (predicted + actual);
}

/**
 * Answers binned by their best label's score: for each non-empty bin, the mean score and
 * the share of right answers.
 */
function binsOf(predictions, count) {
  return Array.from({ length: count }, (_, bin) => {
    // Scores of 1 belong to the last bin.
    const inBin = predictions.filter(({ score }) => Math.min(count - 1, Math.floor(score * count)) === bin);
    return {
      from: bin / count,
      to: (bin + 1) / count,
      texts: inBin.length,
      score: mean(inBin.map(({ score }) => score)),
      right: mean(inBin.map(({ right }) => Number(right))),
    };
  }).filter(({ texts }) => texts > 0);
}

/**
 * Measures `classifier` on files. Resolves to `[{ path, rows: [{ domain, …figures }] }]`; the
 * first row is about all texts.
 */
export async function measureSets(classifier, paths) {
  const sets = [];
  for (const path of paths) {
    const rows = readSet(path);
    const answers = await answersTo(classifier, rows);
    const domains = [...new Set(rows.map(({ domain }) => domain))];
    const figures = (keep) => {
      const kept = rows.flatMap((row, i) => (keep(row) ? [i] : []));
      return figuresOf(
        kept.map((i) => rows[i]),
        kept.map((i) => answers[i]),
      );
    };
    sets.push({
      path,
      rows: [
        { domain: null, ...figures(() => true) },
        ...(domains.length > 1
          ? domains.map((domain) => ({ domain, ...figures((row) => row.domain === domain) }))
          : []),
      ],
    });
  }
  return sets;
}

/**
 * The measurements as Markdown: a table of all sets and their domains and, with `curve`, each
 * set's calibration curve.
 */
export function setsText(sets, { labels, dtype, bytes: { weights } }, curve = false) {
  const table = {
    head: ["set", "domain", "texts", "accuracy", "macro-F1", "calibration error", "positive or negative"],
    rows: sets.flatMap(({ path, rows }) =>
      rows.map(({ domain, texts, accuracy, macroF1, calibration, polar }) => [
        basename(path),
        domain ?? "all",
        String(texts),
        percent(accuracy),
        macroF1.toFixed(3),
        calibration.toFixed(3),
        percent(polar),
      ]),
    ),
  };
  const curves = curve
    ? sets.map(({ path, rows: [all] }) => ({
        title: `Calibration, ${basename(path)}`,
        note: "Texts by the score of the best label: its mean, and the share that is right.",
        head: ["score", "texts", "mean score", "right"],
        rows: all.curve.map(({ from, to, texts, score, right }) => [
          `${from.toFixed(1)} to ${to.toFixed(1)}`,
          String(texts),
          score.toFixed(3),
          right.toFixed(3),
        ]),
      }))
    : [];
  return [
    `Labels ${labels.join(", ")}; ${dtype}, weights of ${bytes(weights)}.`,
    markdownTable(table),
    `Macro-F1 is over the labels that the texts have; the calibration error is expected over ${BINS} bins of the best label's score; "positive or negative" is the accuracy of the higher of these two scores, on texts that have one of them.`,
    ...curves.map(section),
  ].join("\n\n");
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
