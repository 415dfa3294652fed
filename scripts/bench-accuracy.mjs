// `npm run bench:accuracy`: measures label agreement with PyTorch and accuracy on SST-2's development set, of
// each enabled build variant in int8, int4 and fp32. Fails if one of them misses its gate. `-- NAME`: only
// that variant. `-- --model FOLDER FILE…`: accuracy, macro-F1 and calibration of that sentiment model, in
// Node, on labelled texts; `--dtype D`, `--curve`.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { setUpBrowser } from "./browser.mjs";
import { build } from "./build.mjs";
import { Failure, main, must, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

const FP32 = "../shared/models/sentiment-en";
const MADE = "bench/.cache/accuracy";
const MODELS = [
  { dtype: "fp32", folder: FP32 },
  { dtype: "int8", folder: `${MADE}/int8` },
  { dtype: "int4", folder: `${MADE}/int4` },
];

/** The texts that int4 is calibrated with: never the texts that are measured. */
const CALIBRATION = ["test_data/sentiment_validation.jsonl", "test_data/sentiment_benchmark.jsonl"];

/**
 * The minimum label agreement with PyTorch's fp32, and the maximum difference from its accuracy; shares of 1.
 * int4's accuracy has no gate.
 */
const GATES = {
  fp32: { agreement: 0.995, accuracy: 0.003 },
  int8: { agreement: 0.995, accuracy: 0.003 },
  int4: { agreement: 0.985, accuracy: Infinity },
};

await main(import.meta.url, async (args) => {
  const { values, positionals } = parseArgs({
    args,
    options: {
      model: { type: "string" },
      dtype: { type: "string", default: "auto" },
      curve: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  await setUpBuild();
  await build();
  await (values.model === undefined ? measureBuilds(positionals[0]) : measureModel(values, positionals));
});

async function measureModel({ model, dtype, curve }, files) {
  if (files.length === 0)
    throw new Failure("Name files of labelled texts: bench:accuracy -- --model FOLDER FILE [FILE…]");
  const from = process.env.INIT_CWD ?? process.cwd();
  const { Classifier } = await import("../dist/node.js");
  const { measureSets, setsText } = await import("../bench/accuracy/sets.mjs");
  const classifier = await Classifier.load(resolve(from, model), { device: "cpu", dtype });
  try {
    const sets = await measureSets(
      classifier,
      files.map((file) => resolve(from, file)),
    );
    const { dtype: held, bytes, model: described } = classifier.info;
    console.log(setsText(sets, { labels: described.labels, dtype: held, bytes }, curve));
  } finally {
    await classifier.dispose();
  }
}

async function measureBuilds(only) {
  const { chromium } = await setUpBrowser();
  const { enabledVariants, readManifest } = await import("./manifest.mjs");
  const names = enabledVariants(readManifest()).map(([name]) => name);
  const variants = names.filter((name) => only === undefined || name === only);
  if (variants.length === 0)
    throw new Failure(`There is no variant ${only}. The variants are: ${names.join(", ")}.`);
  const goldens = join(ROOT, FP32, "golden.jsonl");
  if (!existsSync(goldens))
    throw new Failure(
      `${FP32} is not here: the measurement needs its weights and PyTorch's answers (golden.jsonl).`,
    );
  const rows = readFileSync(goldens, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  for (const dtype of ["int8", "int4"]) await makeRounded(dtype);

  const { accuracyOf, measureAccuracy } = await import("../bench/accuracy/run.mjs");
  const reference = accuracyOf(rows);
  console.log(`\n${rows.length} texts; PyTorch's fp32 is right on ${percent(reference)}\n`);
  console.log(
    line([
      "dtype",
      "variant",
      "agreement",
      "accuracy",
      "mean |Δp|",
      "max |Δp|",
      "hash of scores",
      "encoder bytes",
      "file bytes",
    ]),
  );
  const missed = [];
  await measureAccuracy({
    chromium,
    variants,
    models: MODELS,
    rows,
    onResult(result) {
      const { dtype, variant, agreement, accuracy, mean, largest, hash, encoderBytes, fileBytes } = result;
      console.log(
        line([
          dtype,
          variant,
          percent(agreement),
          percent(accuracy),
          mean.toFixed(4),
          largest.toFixed(3),
          hash,
          encoderBytes,
          fileBytes,
        ]),
      );
      const gate = GATES[dtype];
      if (agreement < gate.agreement)
        missed.push(
          `${dtype}, ${variant}: agreement ${percent(agreement)}, the minimum is ${percent(gate.agreement)}`,
        );
      if (Math.abs(accuracy - reference) > gate.accuracy)
        missed.push(
          `${dtype}, ${variant}: accuracy ${percent(accuracy)} is more than ${percent(gate.accuracy)} from ${percent(reference)}`,
        );
    },
  });
  if (missed.length > 0) throw new Failure(`\n${missed.map((what) => `FAILED: ${what}`).join("\n")}`);
}

/** Rounds the fp32 weights with this project's own converter, unless they have been rounded already. */
async function makeRounded(dtype) {
  const folder = `${MADE}/${dtype}`;
  if (existsSync(join(ROOT, folder, "model.safetensors"))) return;
  console.log(`set-up: ${FP32} in ${dtype} in ${folder}`);
  mkdirSync(join(ROOT, folder), { recursive: true });
  for (const file of ["config.json", "tokenizer.json"])
    copyFileSync(join(ROOT, FP32, file), join(ROOT, folder, file));
  const texts = join(folder, "calibration.jsonl");
  writeFileSync(
    join(ROOT, texts),
    CALIBRATION.map((path) => readFileSync(join(ROOT, path), "utf8")).join(""),
  );
  await must(process.execPath, [
    "dist/cli.js",
    "convert",
    FP32,
    join(folder, "model.safetensors"),
    "--dtype",
    dtype,
    ...(dtype === "int4" ? ["--calibration", texts] : []),
  ]);
}

function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

function line(cells) {
  const widths = [5, 15, 9, 8, 9, 8, 14, 13, 10];
  return cells
    .map((cell, i) => (i < 2 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
    .join("  ");
}
