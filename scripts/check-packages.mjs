// `npm run check:packages`: checks whether each package could be published as it is. Packs it, which builds
// it; compares its files with the lists below; runs npm's dry run, publint and attw on the tarball. Accepts
// tarballs, too, instead of packing.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpNpm } from "./setup.mjs";

const DOCUMENTS = ["LICENSE", "NOTICE", "README.md", "package.json"];
const MODEL = [
  ...DOCUMENTS,
  "index.js",
  "index.d.ts",
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

/** The files of each package: paths, and patterns that at least one file must match. */
export const FILES = {
  tabsense: [
    ...DOCUMENTS,
    "CHANGELOG.md",
    "dist/THIRD-PARTY-LICENSES.txt",
    /^dist\/[a-z-]+\.js$/,
    /^dist\/[a-z-]+\.d\.ts$/,
    /^dist\/(?:api|client|embed|files|model|platform|redact|tag|teach|worker|zero-shot)\/[a-z0-9-]+\.(?:js|d\.ts)$/,
    ...["simd", "relaxed", "simd-threads", "relaxed-threads", "convert", "rewriter", "teacher"].flatMap(
      (name) =>
        ["tabsense.js", "tabsense.d.ts", "tabsense_bg.wasm"].map((file) => `dist/wasm/${name}/${file}`),
    ),
  ],
  "tabsense-minilm-en": [
    ...MODEL,
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
  ],
  "tabsense-pii-en": [...MODEL, "onnx/model_q4.onnx"],
  "tabsense-sentiment-en": [...MODEL, "model.safetensors"],
  "tabsense-sentiment-en-1": [...MODEL, "model.safetensors"],
};

/** Weights, which are not modules: attw would look for their types. */
const WEIGHTS = ["./model.safetensors", "./onnx/model_q4.onnx"];

/** The folders of the packages. */
function packageFolders() {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return [".", ...workspaces];
}

/** The rules (paths and patterns) that no file matches, and the files that match no rule. */
export function compare(rules, files) {
  const matches = (rule, file) => (typeof rule === "string" ? rule === file : rule.test(file));
  return {
    missing: rules.filter((rule) => !files.some((file) => matches(rule, file))),
    unexpected: files.filter((file) => !rules.some((rule) => matches(rule, file))),
  };
}

/** A sentence for each file that is missing from a package, and for each that should not be there. */
export function fileFaults(name, files) {
  if (!FILES[name]) return [`scripts/check-packages.mjs has no list of files for ${name}. Add one.`];
  const { missing, unexpected } = compare(FILES[name], files);
  return [
    ...missing.map((rule) => `${name}: ${rule} is missing from the package.`),
    ...unexpected.map((file) => `${name}: ${file} is in the package. List it or leave it out.`),
  ];
}

/** What is wrong with a package's fields for publishing, a sentence each. */
export function fieldFaults({ name, version, license, publishConfig, scripts = {} }) {
  const faults = [];
  if (!version) faults.push(`${name}: package.json has no "version".`);
  if (!license) faults.push(`${name}: package.json has no "license".`);
  if (publishConfig?.access !== "public" || publishConfig?.provenance !== true)
    faults.push(`${name}: publishConfig must have "access": "public" and "provenance": true.`);
  // They would run on the machine of everybody who installs the package.
  for (const script of ["preinstall", "install", "postinstall"])
    if (scripts[script]) faults.push(`${name}: the script "${script}" would run at each installation.`);
  return faults;
}

/** Packs the package of `folder`, which its `prepack` builds first; resolves to the tarball's path. */
async function pack(folder, out) {
  const { code, stdout, text } = await capture("npm", ["pack", "--pack-destination", out], folder);
  if (code !== 0) throw new Failure(`npm pack failed in ${folder}.\n${text}`);
  return join(out, stdout.trim().split("\n").at(-1));
}

/** What is wrong with a packed package, a sentence or a tool's report each. */
export async function checkTarball(tarball) {
  const list = await capture("tar", ["-tzf", tarball]);
  const files = list.stdout
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  const manifest = JSON.parse((await capture("tar", ["-xzOf", tarball, "package/package.json"])).stdout);
  const { name } = manifest;
  const faults = [...fieldFaults(manifest), ...fileFaults(name, files)];
  const bin = (tool) => [process.execPath, join(ROOT, "node_modules/.bin", tool)];
  const commands = [
    ["npm", "publish", "--dry-run", "--ignore-scripts", tarball],
    [...bin("publint"), "run", tarball, "--strict"],
    [...bin("attw"), tarball, "--profile", "esm-only", "--no-emoji", "--exclude-entrypoints", ...WEIGHTS],
  ];
  const ran = await Promise.all(commands.map(([program, ...args]) => capture(program, args)));
  for (const [i, { code, text }] of ran.entries())
    if (code !== 0) faults.push(`${name}: ${commands[i].join(" ")} failed.\n${text}`);
  // npm corrects a package.json while it publishes, with a warning.
  const warnings = ran[0].stderr.matchAll(
    /^npm warn publish (?!This command requires you to be logged in).*$/gm,
  );
  return [...faults, ...Array.from(warnings, ([line]) => `${name}: ${line}`)];
}

/** A program's exit code and what it prints. */
function capture(program, args, cwd = ROOT) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const all = { stdout: "", stderr: "", text: "" };
    for (const stream of ["stdout", "stderr"])
      child[stream].setEncoding("utf8").on("data", (piece) => {
        all[stream] += piece;
        all.text += piece;
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...all }));
  });
}

await main(import.meta.url, async (tarballs) => {
  await setUpNpm();
  const out = mkdtempSync(join(tmpdir(), "tabsense-packed-"));
  const faults = [];
  try {
    const sources = tarballs.length > 0 ? tarballs : packageFolders();
    for (const source of sources) {
      const found = await checkTarball(tarballs.length > 0 ? source : await pack(join(ROOT, source), out));
      console.log(`${source}: ${found.length === 0 ? "ok" : "FAILED"}`);
      faults.push(...found);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
  if (faults.length > 0) throw new Failure(faults.join("\n"));
});
