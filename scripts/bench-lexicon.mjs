// `npm run bench:lexicon`: compares the lexicon with sentiment-en: accuracy (of all labels, and of positive
// against negative), agreement, calibration, microseconds per text and bytes, on the labelled sentences of
// test_data, and on `-- FILE` (tab-separated: sentence and 0 or 1, below a header line). Prints the fitted
// constants, too.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

const MODEL = join(ROOT, "models/sentiment-en");

/** The labelled sentences that the lexicon's probabilities are fitted to: `[{ text, label, category }]`. */
export function readSentences() {
  return ["validation", "neutral"].flatMap((name) =>
    readFileSync(join(ROOT, `test_data/sentiment_${name}.jsonl`), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
}

/**
 * The maximum-likelihood constants for `points` ({ x, label }): the logits are `bias - slope x` (NEGATIVE),
 * `neutral - fall |x|` (NEUTRAL) and `slope x` (POSITIVE). Fits one constant at a time, in steps that grow
 * and shrink: the likelihood is concave, and there are only four.
 */
export function fit(points) {
  const names = ["slope", "bias", "neutral", "fall"];
  const likelihood = ({ slope, bias, neutral, fall }) =>
    points.reduce((sum, { x, label }) => {
      const logits = {
        NEGATIVE: bias - slope * x,
        NEUTRAL: neutral - fall * Math.abs(x),
        POSITIVE: slope * x,
      };
      const all = Object.values(logits).reduce((total, logit) => total + Math.exp(logit), 0);
      return sum + logits[label] - Math.log(all);
    }, 0);
  let best = Object.fromEntries(names.map((name) => [name, 0]));
  const steps = Object.fromEntries(names.map((name) => [name, 0.1]));
  for (let round = 0; round < 400; round++)
    for (const name of names)
      for (const sign of [1, -1]) {
        const next = { ...best, [name]: best[name] + sign * steps[name] };
        const isBetter = likelihood(next) > likelihood(best);
        if (isBetter) best = next;
        steps[name] = Math.max(1e-6, steps[name] * (isBetter ? 1.5 : 0.7));
      }
  return best;
}

/** The share of `rows` whose label comes first in the answer. */
export function accuracyOf(rows, answers) {
  return rows.filter(({ label }, i) => answers[i][0].label === label).length / rows.length;
}

/** `accuracyOf` of the rows that are positive or negative, with NEUTRAL taken out of the answers. */
export function sidedAccuracyOf(rows, answers) {
  const sided = rows.flatMap((row, i) => (row.label === "NEUTRAL" ? [] : [i]));
  return accuracyOf(
    sided.map((i) => rows[i]),
    sided.map((i) => answers[i].filter(({ label }) => label !== "NEUTRAL")),
  );
}

/** The mean difference between scores and how often they are right, in ten groups of similar scores. */
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

/** Requests one answer at a time, as a page does while someone types; the second round counts. */
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
        ["model", await measure((text) => model.classify(text, { topK: null }), rows)],
      ];
      console.log(`\n${name}, ${rows.length} texts\n`);
      for (const [who, { answers, microseconds }] of measured) {
        console.log(
          `  ${who.padEnd(8)} right on ${percent(accuracyOf(rows, answers))}, positive against negative on ${percent(sidedAccuracyOf(rows, answers))}, calibration error ${percent(calibrationError(rows, answers))}, ${Math.round(microseconds)} µs a text`,
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
  const fitted = fit(readSentences().map(({ text, label }) => ({ x: weigh(text).intensity, label })));
  const constants = Object.entries(fitted).map(([name, value]) => `${name}: ${value.toFixed(3)}`);
  console.log(`fitted to the labelled sentences: { ${constants.join(", ")} }`);
});

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
