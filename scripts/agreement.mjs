// Compares Tabsense's and onnxruntime's answers with the same ONNX files to PyTorch's in fp32:
// `node scripts/agreement.mjs FOLDER`, for a folder that test_data/onnx_agreement.py made. Needs dist/
// (`npm run build`).

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";

const TEXTS = ["sentiment_validation.jsonl", "sentiment_benchmark.jsonl"];

const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Texts with the same label as PyTorch, mean and largest difference of the first label's probability. */
function agreement(truth, answers) {
  const top = (row) => row.indexOf(Math.max(...row));
  const same = truth.filter((row, i) => top(row) === top(answers[i])).length;
  const differences = truth.map((row, i) => Math.abs(row[0] - answers[i][0]));
  const mean = differences.reduce((sum, x) => sum + x, 0) / differences.length;
  return `${same}/${truth.length} ${mean.toFixed(5)} ${Math.max(...differences).toFixed(4)}`;
}

await main(import.meta.url, async () => {
  const folder = process.argv[2];
  if (!folder) throw new Failure("Name the folder that test_data/onnx_agreement.py made.");
  const { Classifier } = await import(join(ROOT, "dist/node.js"));
  const texts = TEXTS.flatMap((name) =>
    readFileSync(join(ROOT, "test_data", name), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).text),
  );
  const { pytorch } = json(join(folder, "onnx/pytorch.json"));
  const labels = Object.values(json(join(folder, "config.json")).id2label);
  console.log("file: labels that agree with PyTorch in fp32, mean |Δp|, max |Δp|");
  for (const file of readdirSync(join(folder, "onnx")).filter((name) => name.endsWith(".onnx"))) {
    const before = performance.now();
    const classifier = await Classifier.load(
      {
        "config.json": new Blob([readFileSync(join(folder, "config.json"))]),
        "tokenizer.json": new Blob([readFileSync(join(folder, "tokenizer.json"))]),
        [`onnx/${file}`]: new Blob([readFileSync(join(folder, "onnx", file))]),
      },
      { device: "cpu" },
    );
    const ms = Math.round(performance.now() - before);
    const ours = [];
    for (const result of await classifier.classify(texts, { topK: null }))
      ours.push(labels.map((label) => result.find((one) => one.label === label)?.score ?? 0));
    const { onnxruntime, dequantized } = json(join(folder, "onnx", file.replace(/\.onnx$/, ".json")));
    console.log(
      `${file}: Tabsense ${agreement(pytorch, ours)} (${classifier.info.dtype}, loaded in ${ms} ms)`,
    );
    console.log(`  onnxruntime ${agreement(pytorch, onnxruntime)}`);
    console.log(`  PyTorch with the file's numbers ${agreement(pytorch, dequantized)}`);
    await classifier.dispose();
  }
});
