// Helpers for the migration tests: run programs for transformers.js with either package and the same hub.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../../scripts/serve.mjs";
import { startHub } from "../common/hub.mjs";
import { MODULES, ROOT } from "../packages/support.mjs";

/** The package that programs import before the migration. */
export const PEER = "@huggingface/transformers";

/** Both packages: the specifier that programs import, and its path in pages without a bundler. */
export const LIBRARIES = {
  [PEER]: "/transformers/transformers.min.js",
  tabsense: "/tabsense/index.js",
};

/** Texts made of the model's few words. */
export const TEXTS = [
  "a cat in the sun",
  "the end of all things",
  "of mice and men!",
  "it is 5 o'clock in the morning",
  "x",
  "no, and again: no",
  "in and of the rest",
];

const { files: ONNX } = JSON.parse(readFileSync(join(ROOT, "test_data/onnx/manifest.json"), "utf8"));

/** How far onnxruntime's logits of a file differ from PyTorch's with the same weights. */
const errorOf = (name) => ONNX.find(({ file }) => file === name).onnxruntime_minus_pytorch;

/**
 * How far probabilities from the same file may differ: an error in two logits causes at most half of it in
 * the probability of one of two labels. In q8, onnxruntime rounds the inputs of a product to 8 bits, and
 * Tabsense to 12 or more. Measured: 4e-7 in fp32, 0.0092 in q8.
 */
export const WITHIN = {
  fp32: errorOf("mini-distilbert-optimum.onnx") / 2 + 1e-6, // plus Tabsense's own error
  q8: errorOf("mini-distilbert-q8.onnx") / 2,
};

/** As the Python library writes it. */
const TOKENIZER_CONFIG = {
  added_tokens_decoder: Object.fromEntries(
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map((content, id) => [
      id,
      { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special: true },
    ]),
  ),
  clean_up_tokenization_spaces: true,
  cls_token: "[CLS]",
  do_lower_case: true,
  mask_token: "[MASK]",
  model_max_length: 30,
  pad_token: "[PAD]",
  sep_token: "[SEP]",
  tokenize_chinese_chars: true,
  tokenizer_class: "DistilBertTokenizer",
  unk_token: "[UNK]",
};

/** The files of a repository in the layout for transformers.js. */
export function repository() {
  const read = (path) => readFileSync(join(ROOT, "test_data", path));
  return {
    "config.json": read("models/mini-distilbert/config.json"),
    "tokenizer.json": read("models/mini-distilbert/tokenizer.json"),
    "tokenizer_config.json": Buffer.from(JSON.stringify(TOKENIZER_CONFIG, null, 2)),
    "onnx/model.onnx": read("onnx/mini-distilbert-optimum.onnx"),
    "onnx/model_quantized.onnx": read("onnx/mini-distilbert-q8.onnx"),
    "onnx/model_q4.onnx": read("onnx/mini-distilbert-q4.onnx"),
  };
}

/** A program's text with another package: only the import's specifier is replaced. */
export function withLibrary(text, specifier) {
  const parts = text.split(`from "${PEER}"`);
  assert.equal(parts.length, 2, "one import");
  return parts.join(`from ${JSON.stringify(specifier)}`);
}

/**
 * Serves the programs with each of the two packages, and a hub; resolves to `{ urls, hub, close }`, with an
 * address per package.
 */
export async function startSites() {
  const hub = await startHub({ "org/mini-distilbert": { files: repository() } });
  const folder = mkdtempSync(join(tmpdir(), "tabsense-migration-"));
  const local = join(folder, "local/models/local-mini");
  for (const [path, bytes] of Object.entries(repository())) {
    mkdirSync(join(local, path, ".."), { recursive: true });
    writeFileSync(join(local, path), bytes);
  }
  const closes = [hub.close];
  const urls = {};
  for (const [library, address] of Object.entries(LIBRARIES)) {
    const root = join(folder, library);
    cpSync(join(import.meta.dirname, "programs"), join(root, "programs"), { recursive: true });
    for (const name of readdirSync(join(root, "programs"))) {
      const path = join(root, "programs", name);
      const text = readFileSync(path, "utf8");
      if (text.includes(PEER)) writeFileSync(path, withLibrary(text, address));
      writeFileSync(join(root, name.replace(/\.js$/, ".html")), pageOf(name, hub.url));
    }
    const site = await serve({
      "/": root,
      "/local/": join(folder, "local"),
      "/transformers/": join(MODULES, "@huggingface/transformers/dist"),
      "/ort/": join(MODULES, "onnxruntime-web/dist"),
      "/tabsense/": join(MODULES, "tabsense/dist"),
    });
    closes.push(site.close);
    urls[library] = site.url;
  }
  const close = async () => {
    for (const one of closes) await one();
    rmSync(folder, { recursive: true, force: true });
  };
  return { urls, hub, close };
}

function pageOf(program, hub) {
  return `<!doctype html><meta charset="utf-8"><title>…</title><link rel="icon" href="data:,">
<body><script>
window.HUB = ${JSON.stringify(`${hub}/`)};
window.TEXTS = ${JSON.stringify(TEXTS)};
</script><script type="module" src="/programs/${program}"></script>
`;
}

/**
 * Opens a program's page; resolves to its console output until `"done"`, one list of values per line, and the
 * page at that point.
 */
export async function run(t, browser, url) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const lines = [];
  await new Promise((resolve, reject) => {
    page.on("pageerror", reject);
    page.on("console", (message) => {
      if (message.type() !== "log") return;
      lines.push(Promise.all(message.args().map((value) => value.jsonValue())));
      if (message.text() === "done") resolve();
    });
    page.goto(url).catch(reject);
    setTimeout(reject, 60_000, new Error(`${url} wasn't done after a minute`)).unref();
  });
  return { lines: (await Promise.all(lines)).slice(0, -1), page };
}

/**
 * Fails unless both values have the same shape, the same texts and flags, and numbers that differ by at most
 * `tolerance`. Returns the largest difference.
 */
export function alike(ours, theirs, tolerance, path = "value") {
  if (typeof theirs === "number") {
    assert.equal(typeof ours, "number", path);
    const difference = Math.abs(ours - theirs);
    assert.ok(difference <= tolerance, `${path}: ${ours} beside ${theirs}`);
    return difference;
  }
  if (typeof theirs !== "object" || theirs === null) {
    assert.deepEqual(ours, theirs, path);
    return 0;
  }
  assert.equal(Array.isArray(ours), Array.isArray(theirs), path);
  assert.deepEqual(Object.keys(ours), Object.keys(theirs), path);
  const differences = Object.keys(theirs).map((key) =>
    alike(ours[key], theirs[key], tolerance, `${path}.${key}`),
  );
  return Math.max(0, ...differences);
}
