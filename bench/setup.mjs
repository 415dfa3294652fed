// Installs what the benchmark needs besides the project's own set-up: npm packages and, on request, Python's.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CACHE, must, output, ROOT, run } from "../scripts/run.mjs";
import { hashOf, unlessStamped } from "../scripts/stamp.mjs";
import { isOutdated } from "./models.mjs";

const STAMPS = { all: "bench/node_modules/.tabsense-all", reports: "bench/node_modules/.tabsense-reports" };
const REQUIREMENTS = ["bench/python/requirements.txt", "bench/export/requirements.txt"];

/**
 * Installs the packages for the reports and, with `peers`, the peers. The packages' install scripts don't
 * run: none is needed in a browser.
 */
export async function setUpPackages({ peers }) {
  const hash = hashOf(["bench/package.json", "bench/package-lock.json"]);
  // If the peers are installed, so is everything else; an installation without them would remove them.
  if (!peers && isCurrent(STAMPS.all, hash)) return;
  await unlessStamped(
    peers ? STAMPS.all : STAMPS.reports,
    hash,
    [`bench/node_modules/${peers ? "onnxruntime-web" : "chart.js"}/package.json`],
    async () => {
      console.log(`set-up: npm packages of the benchmark${peers ? ", with the peers (180 MB)" : ""}`);
      await must(
        "npm",
        [
          "ci",
          "--ignore-scripts",
          "--no-fund",
          "--no-audit",
          "--loglevel=error",
          ...(peers ? [] : ["--omit=dev"]),
        ],
        { cwd: join(ROOT, "bench") },
      );
    },
  );
}

/**
 * A Python with the packages of the references: BENCH_PYTHON, or this project's own environment, which is
 * created if it is missing and `make` is set. Resolves to `{ python }`, or `{ missing }`, a sentence.
 */
export async function setUpPython({ make }) {
  const chosen = process.env.BENCH_PYTHON;
  if (chosen)
    return isReady(chosen)
      ? { python: chosen }
      : { missing: `BENCH_PYTHON (${chosen}) lacks packages of ${REQUIREMENTS.join(" or ")}` };
  const folder = join(CACHE, "bench-python");
  const python = join(folder, "bin/python");
  if (isReady(python)) return { python };
  if (!make) return { missing: "no Python environment is set up (run without --quick, or set BENCH_PYTHON)" };
  const base = ["python3.11", "python3"].find((name) => output(name, ["--version"]));
  if (!base) return { missing: "python3 was not found (install it, or set BENCH_PYTHON)" };
  console.log(`set-up: Python packages of the references, into ${folder} (5 GB; skip them with --no-python)`);
  if ((await run(base, ["-m", "venv", folder])) !== 0) return { missing: `\`${base} -m venv\` failed` };
  const code = await run(python, [
    "-m",
    "pip",
    "install",
    "--quiet",
    ...REQUIREMENTS.flatMap((path) => ["-r", path]),
  ]);
  return code === 0 ? { python } : { missing: "the Python packages could not be installed" };
}

/**
 * Makes the models' missing files that can be made here: random weights, floats from integers, and ONNX with
 * Python; int8 with Tabsense itself.
 */
export async function prepareModels(models, python) {
  for (const [name, table] of Object.entries(models)) {
    const { fp32, int4, int8, onnx } = table;
    if (python && int4 && fp32) await makeFloats(name, table, python);
    if (python && onnx && (!has(onnx, "onnx/model_quantized.onnx") || isOutdated(table)))
      await exportModel(name, table, python);
    if (int8 && !has(int8, "model.safetensors") && has(fp32, "model.safetensors")) {
      console.log(`set-up: ${name} in int8 in ${int8}`);
      mkdirSync(join(ROOT, int8), { recursive: true });
      for (const file of ["config.json", "tokenizer.json"])
        copyFileSync(join(ROOT, fp32, file), join(ROOT, int8, file));
      await must(process.execPath, [
        "dist/cli.js",
        "convert",
        join(fp32, "model.safetensors"),
        join(int8, "model.safetensors"),
        "--dtype",
        "int8",
      ]);
    }
  }
}

/** Makes the floats of an int4 file, again if it changes: PyTorch and the export need them. */
async function makeFloats(name, { fp32, int4 }, python) {
  const stamp = join(fp32, ".made-from");
  await unlessStamped(
    stamp,
    hashOf(["config.json", "tokenizer.json", "model.safetensors"].map((file) => join(int4, file))),
    [join(fp32, "model.safetensors")],
    async () => {
      console.log(`set-up: ${name} as floats in ${fp32}`);
      mkdirSync(join(ROOT, fp32), { recursive: true });
      const plain = join(fp32, "plain.safetensors");
      await must(process.execPath, ["dist/cli.js", "convert", `${int4}/model.safetensors`, plain, "--force"]);
      await must(python, ["bench/export/floats.py", "--model", int4, "--weights", plain, "--out", fp32]);
      rmSync(join(ROOT, plain));
    },
  );
}

/**
 * The export writes a copy of the fp32 files next to the ONNX ones, so random weights needn't stay elsewhere.
 */
async function exportModel(name, { fp32, onnx, random, tokenizer }, python) {
  let source = fp32;
  if (random && !has(fp32, "model.safetensors")) {
    source = `bench/.cache/random/${name}`;
    const tokenizerPath = tokenizer?.replace(/^~/, homedir());
    if (tokenizerPath && !existsSync(tokenizerPath))
      return console.log(`left out: ${name}: ${tokenizer} is missing`);
    const script =
      random === "distilbert" ? ["test_data/random_base.py"] : ["test_data/encoders.py", "--base", random];
    const args = [...script, source, ...(tokenizerPath ? ["--tokenizer", tokenizerPath] : [])];
    console.log(`set-up: ${random} of base size with random weights in ${source}`);
    if (!has(source, "model.safetensors") && (await run(python, args)) !== 0) return;
  }
  if (!has(source, "model.safetensors")) return;
  console.log(`set-up: ${name} as ONNX in ${onnx}`);
  await run(python, ["bench/export/export_onnx.py", "--model", source, "--out", onnx]);
}

function isReady(python) {
  const script =
    "import importlib.util as u, sys; sys.exit(not all(u.find_spec(name) for name in ('torch', 'transformers', 'onnx', 'onnxruntime', 'tokenizers')))";
  return output(python, ["-c", script]) !== null;
}

function has(folder, file) {
  return existsSync(join(ROOT, folder, file));
}

function isCurrent(stamp, hash) {
  return existsSync(join(ROOT, stamp)) && readFileSync(join(ROOT, stamp), "utf8") === hash;
}
