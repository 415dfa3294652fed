// `npm run bench:teach -- FOLDER`: compares accuracy and calibration of taught classifiers with
// scikit-learn's, and measures training times in Node and in Chromium. FOLDER contains NAME.train.jsonl and
// NAME.test.jsonl, lines of { text, label }. BENCH_PYTHON names a Python with numpy and scikit-learn.
//
// --encoder KEY=SOURCE   an encoder to measure with, any number of them (default: minilm-en)
// --vectors FOLDER       where vectors are stored between runs
// --sets A,B             only these sets; --draws 5; --times: only times; --no-build: dist/ as it is

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure } from "../bench/teach/measure.js";
import { setUpBrowser } from "./browser.mjs";
import { build } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";

const PYTHON = join(ROOT, "bench/teach/baseline.py");
const TEST = 1_500;
/** TREC's labels are codes; someone who teaches a classifier would use words. */
const WORDS = {
  ABBR: "abbreviation",
  DESC: "description",
  ENTY: "entity",
  HUM: "human",
  LOC: "location",
  NUM: "number",
};

const python = (...args) =>
  execFileSync(process.env.BENCH_PYTHON ?? "python3", [PYTHON, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const spread = (numbers) => Math.sqrt(mean(numbers.map((n) => (n - mean(numbers)) ** 2)));
const signed = (number) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(1)}`;

await main(import.meta.url, async (args) => {
  const { values: options, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      encoder: { type: "string", multiple: true, default: ["minilm=minilm-en"] },
      vectors: { type: "string" },
      sets: { type: "string" },
      draws: { type: "string", default: "5" },
      times: { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
    },
  });
  const [folder] = positionals;
  if (!options.times && (folder === undefined || !existsSync(folder)))
    throw new Failure("Name the folder with the sets: npm run bench:teach -- FOLDER");
  if (!options["no-build"]) await build({ converter: false });
  const module = await import("../dist/wasm/teacher/tabsense.js");
  await module.default({ module_or_path: readFileSync(join(ROOT, "dist/wasm/teacher/tabsense_bg.wasm")) });
  if (!options.times) await qualities(module.Teacher, folder, options);
  printTimes("Node", measure(module.Teacher));
  await inChromium();
});

async function qualities(Teacher, folder, { encoder: encoders, vectors, sets, draws }) {
  const drawn = JSON.parse(python("draws", folder, draws));
  const kept = vectors ?? mkdtempSync(join(tmpdir(), "tabsense-teach-"));
  mkdirSync(kept, { recursive: true });
  try {
    for (const [key, source] of encoders.map((encoder) => encoder.split("=", 2))) {
      console.log(`\n${key}\n\n| set | k | scikit-learn | Tabsense | difference | calibration error |`);
      console.log("|---|---|---|---|---|---|");
      const embed = embedder(key, source, kept);
      const gains = {};
      for (const [set, { labels, draws: ofSet }] of Object.entries(drawn)) {
        if (sets && !sets.split(",").includes(set)) continue;
        const data = await read(folder, set, labels, ofSet, embed);
        for (const [k, seeds] of Object.entries(ofSet)) {
          const theirs = baseline(kept, data, seeds);
          const ours = seeds.map((examples) => evaluate(Teacher, data, examples));
          const gain = mean(ours.map(({ accuracy }, i) => accuracy - theirs[i]));
          (gains[k] ??= []).push(gain);
          const accuracies = ours.map(({ accuracy }) => accuracy);
          const figures = [theirs, accuracies].map(
            (all) => `${mean(all).toFixed(1)} ± ${spread(all).toFixed(1)}`,
          );
          const error = mean(ours.map(({ error }) => error)).toFixed(1);
          console.log(`| ${set} | ${k} | ${figures.join(" | ")} | ${signed(gain)} | ${error} |`);
        }
      }
      for (const [k, all] of Object.entries(gains))
        console.log(`| mean | ${k} | | | ${signed(mean(all))} | |`);
      await embed.end();
    }
  } finally {
    if (!vectors) rmSync(kept, { recursive: true });
  }
}

/** Embeds texts with the package's Embedder; vectors of earlier runs are read from the folder `kept`. */
function embedder(key, source, kept) {
  let loaded = null;
  const embed = async (texts) => {
    const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
    const file = join(kept, `${key}-${hash}.f32`);
    if (!existsSync(file)) {
      const { Embedder } = await import("tabsense");
      loaded ??= await Embedder.load(source, { device: "cpu" });
      const parts = await loaded.embed(texts, { normalize: true });
      writeFileSync(
        file,
        Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))),
      );
    }
    const bytes = readFileSync(file);
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return { file, all, width: all.length / texts.length };
  };
  embed.end = async () => loaded?.dispose();
  return embed;
}

/** The texts of all draws, the test's texts and the labels' names, as vectors. */
async function read(folder, set, labels, draws, embed) {
  const { wordsOf } = await import("../dist/teach/names.js");
  const lines = (part) =>
    readFileSync(join(folder, `${set}.${part}.jsonl`), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  const [train, test] = [lines("train"), lines("test").slice(0, TEST)];
  const used = [...new Set(Object.values(draws).flat(2))].sort((a, b) => a - b);
  const numbers = new Map(labels.map((label, i) => [label, i]));
  return {
    labels: labels.length,
    at: new Map(used.map((example, row) => [example, row])),
    labelOf: (example) => numbers.get(train[example].label),
    train: await embed(used.map((example) => train[example].text)),
    test: await embed(test.map(({ text }) => text)),
    testLabels: test.map(({ label }) => numbers.get(label)),
    names: await embed(labels.map((label) => WORDS[label] ?? wordsOf(label))),
  };
}

function baseline(kept, { train, test, testLabels, at, labelOf }, seeds) {
  const draws = seeds.map((examples) => ({
    examples: examples.map((example) => at.get(example)),
    labels: examples.map(labelOf),
  }));
  const task = join(kept, "task.json");
  writeFileSync(
    task,
    JSON.stringify({ width: train.width, train: train.file, test: test.file, testLabels, draws }),
  );
  return python("fit", task).trim().split("\n").map(Number);
}

/** Accuracy and expected calibration error (ten bins), in per cent. */
function evaluate(Teacher, { train, test, testLabels, names, labels, at, labelOf }, examples) {
  const { width } = train;
  const teacher = new Teacher(width, labels, false);
  for (const example of examples) {
    const row = at.get(example) * width;
    teacher.examples(train.all.subarray(row, row + width), Uint32Array.of(labelOf(example)));
  }
  teacher.names(
    names.all,
    Uint32Array.from({ length: labels }, (_, label) => label),
  );
  while (teacher.step() < 1);
  const { weights, bias, temperature } = teacher.finish();
  const bins = Array.from({ length: 10 }, () => ({ score: 0, right: 0 }));
  let right = 0;
  testLabels.forEach((label, i) => {
    const logits = Array.from(bias, (b, l) => {
      let sum = b;
      for (let d = 0; d < width; d++) sum += weights[l * width + d] * test.all[i * width + d];
      return sum / temperature;
    });
    const max = Math.max(...logits);
    const score = 1 / logits.reduce((sum, z) => sum + Math.exp(z - max), 0);
    const correct = Number(logits.indexOf(max) === label);
    const bin = bins[Math.min(9, Math.floor(score * 10))];
    bin.score += score;
    bin.right += correct;
    right += correct;
  });
  const error = bins.reduce((sum, { score, right }) => sum + Math.abs(score - right), 0);
  return { accuracy: (100 * right) / testLabels.length, error: (100 * error) / testLabels.length };
}

async function inChromium() {
  const { chromium } = await setUpBrowser();
  const { chromium: browsers } = await import("playwright-core");
  const { serve } = await import("./serve.mjs");
  const server = await serve({ "/": join(ROOT, "bench/teach"), "/module/": join(ROOT, "dist/wasm/teacher") });
  const browser = await browsers.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.waitForFunction(() => "measure" in window);
    printTimes(`Chromium ${browser.version()}`, await page.evaluate(() => window.measure()));
  } finally {
    await browser.close();
    await server.close();
  }
}

function printTimes(where, rows) {
  console.log(
    `\n${where}, one thread, vectors of 384 numbers\n\n| training | ms | longest slice, ms |\n|---|---|---|`,
  );
  for (const { what, ms, longest } of rows)
    console.log(`| ${what} | ${ms.toFixed(0)} | ${longest.toFixed(0)} |`);
}
