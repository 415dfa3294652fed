// `npm run bench:lexicon`: the lexicon beside sentiment-en: accuracy, agreement, calibration, microseconds a
// text and bytes, on the labelled sentences of test_data, and on `-- FILE` (tab-separated: sentence and 0 or
// 1, below a line of titles). Prints the fitted constants, too.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

const MODEL = join(ROOT, "models/sentiment-en");

/** The labelled sentences that the lexicon's probabilities are fitted to: `[{ text, label, category }]`. */
export function readSentences() {
  return readFileSync(join(ROOT, "test_data/sentiment_validation.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/**
 * The logistic curve of greatest likelihood through `points` ({ x, positive }): P(positive) = 1 / (1 +
 * exp(-(slope x + bias))). Newton's method; two unknowns need a few steps.
 */
export function fit(points) {
  let slope = 0;
  let bias = 0;
  for (let step = 0; step < 50; step++) {
    let [gs, gb, ss, sb, bb] = [0, 0, 0, 0, 0];
    for (const { x, positive } of points) {
      const p = 1 / (1 + Math.exp(-(slope * x + bias)));
      const w = p * (1 - p);
      gs += (Number(positive) - p) * x;
      gb += Number(positive) - p;
      ss += w * x * x;
      sb += w * x;
      bb += w;
    }
    const determinant = ss * bb - sb * sb;
    slope += (bb * gs - sb * gb) / determinant;
    bias += (ss * gb - sb * gs) / determinant;
  }
  return { slope, bias };
}

/** The share of `rows` whose label comes first in the answer. */
export function accuracyOf(rows, answers) {
  return rows.filter(({ label }, i) => answers[i][0].label === label).length / rows.length;
}

/** The mean distance of a score from how often such scores are right, in ten groups of like scores. */
function calibrationError(rows, answers) {
  const sorted = rows
    .map(({ label }, i) => ({ right: answers[i][0].label === label, score: answers[i][0].score }))
    .sort((a, b) => a.score - b.score);
  let error = 0;
  for (let group = 0; group < 10; group++) {
    const part = sorted.slice(
      Math.floor((group * sorted.length) / 10),
      Math.floor(((group + 1) * sorted.length) / 10),
    );
    const sum = (value) => part.reduce((all, one) => all + Number(one[value]), 0);
    error += Math.abs(sum("score") - sum("right")) / sorted.length;
  }
  return error;
}

function readTable(path) {
  if (!existsSync(path)) throw new Failure(`There is no file ${path}.`);
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [text, label] = line.split("\t");
      if (label !== "0" && label !== "1")
        throw new Failure(`${path} must have two columns: a sentence, and 0 or 1.`);
      return { text: text.trim(), label: label === "1" ? "POSITIVE" : "NEGATIVE" };
    });
}

/** Answers one at a time, as a page asks while someone types; the second round counts. */
async function measure(classify, rows) {
  let answers;
  let start;
  for (let round = 0; round < 2; round++) {
    start = performance.now();
    answers = [];
    for (const { text } of rows) answers.push(await classify(text));
  }
  return { answers, microseconds: ((performance.now() - start) * 1000) / rows.length };
}

await main(import.meta.url, async ([table]) => {
  await setUpBuild();
  await build();
  const { lexiconSize, transferTotal } = await import("./sizes.mjs");
  const { Classifier } = await import("../dist/node.js");
  const { score, weigh } = await import("../dist/lexicon.js");
  const model = await Classifier.load(MODEL, { device: "cpu", threads: 1 });
  const sets = [
    ["the labelled sentences", readSentences()],
    ...(table === undefined ? [] : [[table, readTable(table)]]),
  ];
  try {
    for (const [name, rows] of sets) {
      const measured = [
        ["lexicon", await measure(score, rows)],
        ["model", await measure((text) => model.classify(text), rows)],
      ];
      console.log(`\n${name}, ${rows.length} texts\n`);
      for (const [who, { answers, microseconds }] of measured) {
        console.log(
          `  ${who.padEnd(8)} right on ${percent(accuracyOf(rows, answers))}, calibration error ${percent(calibrationError(rows, answers))}, ${Math.round(microseconds)} µs a text`,
        );
      }
      const [ours, theirs] = measured.map(([, { answers }]) => answers);
      console.log(
        `  they agree on ${percent(ours.filter(([{ label }], i) => label === theirs[i][0].label).length / rows.length)}`,
      );
      for (const category of new Set(rows.flatMap(({ category = [] }) => category))) {
        const of = rows.flatMap((row, i) => (row.category === category ? [i] : []));
        const [a, b] = [ours, theirs].map((answers) =>
          percent(
            accuracyOf(
              of.map((i) => rows[i]),
              of.map((i) => answers[i]),
            ),
          ),
        );
        console.log(`    ${category.padEnd(10)} lexicon ${a}, model ${b}`);
      }
    }
  } finally {
    await model.dispose();
  }
  const { raw, gzip, brotli } = lexiconSize();
  const together = transferTotal().brotli + statSync(join(MODEL, "model.safetensors")).size;
  console.log(
    `\nlexicon.js: ${raw} bytes raw, ${gzip} gzip, ${brotli} brotli; runtime and weights: ${together}`,
  );
  const { slope, bias } = fit(
    readSentences().map(({ text, label }) => ({ x: weigh(text).intensity, positive: label === "POSITIVE" })),
  );
  console.log(`fitted to the labelled sentences: { slope: ${slope.toFixed(3)}, bias: ${bias.toFixed(3)} }`);
});

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
