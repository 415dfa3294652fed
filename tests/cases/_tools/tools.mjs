// Helpers for the checks: small models made on the fly, servers, the command line, a browser.
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  createReadStream,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
export const REAL = join(here, "../_real");
export const ENTRY = resolve(here, "../../../dist/node.js");
export const DIST = dirname(ENTRY);
/** The good model of case 19; its scores are in expected.json there. */
export const GOOD = resolve(here, "../19-pointers-and-pages/good");
// Each check has its own Node cache, separate from the user's.
const cache = mkdtempSync(join(tmpdir(), "case-cache-"));
process.env.TABSENSE_CACHE = cache;
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));
export const TEXT = "A delight from start to finish.";
export const tabsense = () => import(pathToFileURL(ENTRY).href);
export const json = (path) => JSON.parse(readFileSync(path, "utf8"));
export const rows = (path) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
/** The folder of a check, from its import.meta.url. */
export const folderOf = (url) => dirname(fileURLToPath(url));
export const CPU = { device: "cpu", threads: 1 };

/** Counts failures: a fault is a wrong answer, a crash or a refusal; a message is a misleading sentence. */
export function report() {
  const seen = { ok: 0, fault: 0, message: 0, skipped: 0 };
  const say = (kind, what, got) => {
    seen[kind]++;
    if (kind !== "ok")
      console.log(`${kind.toUpperCase()} ${what}${got === undefined ? "" : `\n   got  ${got}`}`);
  };
  return {
    ok: (what) => say("ok", what),
    fault: (what, got) => say("fault", what, got),
    message: (what, got) => say("message", what, got),
    skip: (what) => say("skipped", what),
    check: (fine, what, got) =>
      say(
        fine ? "ok" : "fault",
        what,
        fine ? undefined : typeof got === "string" ? got : JSON.stringify(got),
      ),
    end() {
      console.log(
        `${seen.ok} right, ${seen.fault} faults, ${seen.message} misleading messages${seen.skipped ? `, ${seen.skipped} not run` : ""}`,
      );
      process.exitCode = seen.fault + seen.message > 0 ? 1 : 0;
    },
  };
}

/** A real tokenizer.json, parsed. */
export function real(name) {
  for (const path of [`${name}/tokenizer.json`, `${name}/tokenizer.json.gz`, `${name}.json`].map((path) =>
    join(REAL, path),
  )) {
    if (existsSync(path))
      return JSON.parse(path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path));
  }
  throw new Error(`no tokenizer ${name}`);
}
export function patched({ tokenizer, normalizer = {}, model = {}, without = [], added_tokens = [] }) {
  const d = structuredClone(real(tokenizer));
  Object.assign(d.normalizer, normalizer);
  Object.assign(d.model, model);
  for (const key of without) delete d.model[key];
  d.added_tokens.push(...added_tokens);
  return d;
}

/** The values of a tensor, like `numbers` in common.py. */
function numbers(name, count, seed = 7) {
  let h0 = 0x811c9dc5;
  for (const b of new TextEncoder().encode(name)) h0 = Math.imul(h0 ^ b, 0x01000193) >>> 0;
  h0 = (h0 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  const add = /norm/i.test(name) && name.endsWith("weight") ? 1 : 0;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 2654435761) + h0) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
    h = (h ^ (h >>> 16)) >>> 0;
    out[i] = ((h >>> 8) / 2 ** 24 - 0.5) * 1.6 + add;
  }
  return out;
}
export function config(vocab, labels, more = {}) {
  return {
    activation: "gelu",
    architectures: ["DistilBertForSequenceClassification"],
    dim: 8,
    hidden_dim: 12,
    id2label: Object.fromEntries(labels.map((l, i) => [i, l])),
    label2id: Object.fromEntries(labels.map((l, i) => [l, i])),
    max_position_embeddings: 512,
    model_type: "distilbert",
    n_heads: 2,
    n_layers: 2,
    pad_token_id: 0,
    vocab_size: vocab,
    ...more,
  };
}
/** The same weights as in common.py, as a safetensors file. */
export function weights(c, labels = Object.keys(c.id2label).length) {
  const [D, F] = [c.dim, c.hidden_dim];
  const shapes = {
    "distilbert.embeddings.word_embeddings.weight": [c.vocab_size, D],
    "distilbert.embeddings.position_embeddings.weight": [c.max_position_embeddings, D],
    "distilbert.embeddings.LayerNorm.weight": [D],
    "distilbert.embeddings.LayerNorm.bias": [D],
  };
  for (let i = 0; i < c.n_layers; i++) {
    const p = `distilbert.transformer.layer.${i}.`;
    for (const n of ["q", "k", "v", "out"])
      Object.assign(shapes, {
        [`${p}attention.${n}_lin.weight`]: [D, D],
        [`${p}attention.${n}_lin.bias`]: [D],
      });
    Object.assign(shapes, {
      [`${p}sa_layer_norm.weight`]: [D],
      [`${p}sa_layer_norm.bias`]: [D],
      [`${p}ffn.lin1.weight`]: [F, D],
      [`${p}ffn.lin1.bias`]: [F],
      [`${p}ffn.lin2.weight`]: [D, F],
      [`${p}ffn.lin2.bias`]: [D],
      [`${p}output_layer_norm.weight`]: [D],
      [`${p}output_layer_norm.bias`]: [D],
    });
  }
  Object.assign(shapes, {
    "pre_classifier.weight": [D, D],
    "pre_classifier.bias": [D],
    "classifier.weight": [labels, D],
    "classifier.bias": [labels],
  });
  const header = { __metadata__: { format: "pt" } };
  let at = 0;
  const parts = Object.entries(shapes).map(([name, shape]) => {
    const bytes = new Uint8Array(
      numbers(
        name,
        shape.reduce((a, b) => a * b, 1),
      ).buffer,
    );
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += bytes.length)] };
    return bytes;
  });
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, Buffer.from(text), ...parts]);
}
/** A model's files in memory, from a tokenizer and a configuration. */
export function modelFiles(tokenizer, c, labels) {
  return {
    "config.json": Buffer.from(JSON.stringify(c)),
    "tokenizer.json": Buffer.from(JSON.stringify(tokenizer)),
    "model.safetensors": weights(c, labels),
  };
}
export function vocabularyOf(tokenizer) {
  return Math.max(...Object.values(tokenizer.model.vocab), ...tokenizer.added_tokens.map(({ id }) => id)) + 1;
}
let scratchRoot = null;
let scratchCount = 0;
/** A new folder; it is removed when the process ends. */
export function scratch() {
  if (scratchRoot === null) {
    scratchRoot = mkdtempSync(join(tmpdir(), "case-"));
    process.on("exit", () => rmSync(scratchRoot, { recursive: true, force: true }));
  }
  const folder = join(scratchRoot, String(++scratchCount));
  mkdirSync(folder);
  return folder;
}
export function writeFolder(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return `${folder}/`;
}

/** Runs the command line. */
export function cli(args, { cwd, input } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, "cli.js"), ...args], {
    cwd,
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

const children = new Set();
process.on("exit", () => {
  for (const child of children) child.kill();
});
/** Starts a server that prints its address; it ends with this process. */
export async function start(script, args = [], env = {}) {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, DIST, ...env },
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const url = await new Promise((done, failed) => {
    child.stdout.once("data", (data) => done(String(data).trim()));
    child.once("exit", () => failed(new Error(`${script} ended`)));
  });
  return { url, stop: () => child.kill() };
}
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
/** Starts a site: the package's dist at /tabsense/, the folders in `roots` by prefix, an empty page at /. */
export async function site(roots = {}, { isolated = false } = {}) {
  const all = { "/tabsense/": DIST, ...roots };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.split("?")[0]);
    const headers = {
      "cache-control": "no-store",
      "access-control-allow-origin": "*",
      ...(isolated
        ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
        : {}),
    };
    if (path === "/")
      return response
        .writeHead(200, { ...headers, "content-type": TYPES[".html"] })
        .end("<!doctype html><meta charset=utf-8><link rel=icon href='data:,'><title>t</title>");
    const root = Object.keys(all)
      .sort((a, b) => b.length - a.length)
      .find((prefix) => path.startsWith(prefix));
    const file = root && join(all[root], path.slice(root.length));
    if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404, headers).end();
    response.writeHead(200, {
      ...headers,
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": statSync(file).size,
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
/** Chromium from the checkout's playwright-core; null if either is missing. CHROMIUM names the browser. */
export async function chromium() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  let playwright;
  try {
    playwright = createRequire(ENTRY)("playwright-core").chromium;
  } catch {
    return null;
  }
  if (!existsSync(executablePath)) return null;
  const options = (more = {}) => ({
    executablePath,
    headless: true,
    ...more,
    args: [
      "--no-sandbox",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(more.args ?? []),
    ],
  });
  return {
    launch: (more) => playwright.launch(options(more)),
    persistent: (folder, more) => playwright.launchPersistentContext(folder, options(more)),
  };
}
export { createRequire, join, dirname, existsSync, readFileSync, writeFileSync };
