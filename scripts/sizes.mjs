// Measures what a visitor's browser transfers for the package without a model: the modules that index.js and
// worker.js reach, and the .wasm and its JavaScript of one build variant; the largest counts. The lexicon,
// the reader of PyTorch checkpoints, and the teacher are fetched only if they are needed, and counted
// separately.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { ROOT } from "./run.mjs";

const IMPORTS = /(?:from\s+|import\s*\(\s*|import\s+|new URL\(\s*)["'](\.[^"']+)["']/g;

/** What a page fetches only if it requests `instant`, or imports `tabsense/lexicon`. */
const LEXICON = join(ROOT, "dist/lexicon.js");

/** What a page fetches only for other tasks than classification. */
const TASKS = join(ROOT, "dist/tasks.js");

/** What a page fetches only if a model's weights are a PyTorch checkpoint. */
const REWRITER = filesOf("rewriter");

/** What a page fetches only if a classifier is taught. */
const TEACHER = filesOf("teacher");

function filesOf(module) {
  return ["tabsense.js", "tabsense_bg.wasm"].map((name) => join(ROOT, "dist/wasm", module, name));
}

/** The build variant that a file belongs to, or null. */
function variantOf(path) {
  return /\/wasm\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** The files, each with its uncompressed length, and its length when a server sends it compressed. */
export function transferred() {
  const dist = join(ROOT, "dist");
  const seen = new Set();
  const visit = (path) => {
    const apart = [LEXICON, TASKS, ...REWRITER, ...TEACHER];
    if (seen.has(path) || apart.includes(path)) return;
    seen.add(path);
    if (!path.endsWith(".js")) return;
    for (const [, target] of code(readFileSync(path, "utf8")).matchAll(IMPORTS))
      visit(join(dirname(path), target));
  };
  visit(join(dist, "index.js"));
  const size = (variant) => statSync(join(dist, "wasm", variant, "tabsense_bg.wasm")).size;
  const [largest] = [...new Set([...seen].map(variantOf))]
    .filter((variant) => variant !== null)
    .sort((a, b) => size(b) - size(a));
  return [...seen]
    .filter((path) => [null, largest].includes(variantOf(path)))
    .sort()
    .map((path) => ({ file: relative(dist, path), ...sizesOf(path) }));
}

/** The size of the lexicon's file. */
export function lexiconSize() {
  return sizesOf(LEXICON);
}

/** The size of the file of the other tasks. */
export function tasksSize() {
  return sizesOf(TASKS);
}

/** The sizes of the two files that read PyTorch checkpoints, together. */
export function rewriterSize() {
  return transferTotal(REWRITER.map(sizesOf));
}

/** The sizes of the two files that teach, together. */
export function teacherSize() {
  return transferTotal(TEACHER.map(sizesOf));
}

function sizesOf(path) {
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli.length };
}

/** The sums of `transferred()`. */
export function transferTotal(files = transferred()) {
  return files.reduce(
    (sum, file) => ({
      raw: sum.raw + file.raw,
      gzip: sum.gzip + file.gzip,
      brotli: sum.brotli + file.brotli,
    }),
    { raw: 0, gzip: 0, brotli: 0 },
  );
}

/** Prints wasm, JavaScript and their sum. */
export function printSizes() {
  const files = transferred();
  const wasm = files.filter(({ file }) => file.endsWith(".wasm"));
  const rows = [
    ["wasm", wasm],
    ["JavaScript", files.filter((file) => !wasm.includes(file))],
    ["together", files],
    ["lexicon", [lexiconSize()]],
    ["tasks", [tasksSize()]],
    ["rewriter", [rewriterSize()]],
    ["teacher", [teacherSize()]],
  ];
  console.log("what a visitor transfers, in bytes:");
  for (const [name, part] of rows) {
    const { raw, gzip, brotli } = transferTotal(part);
    console.log(
      `  ${name.padEnd(10)} ${String(raw).padStart(9)} raw ${String(gzip).padStart(8)} gzip ${String(brotli).padStart(8)} brotli`,
    );
  }
}

function code(source) {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
