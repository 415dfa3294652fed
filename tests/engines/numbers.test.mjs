// The same numbers in all engines: the build `simd` gives the same bits as in Node's V8, and the builds with
// relaxed SIMD stay within the differences that their instructions allow.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Classifier, Embedder } from "../../dist/node.js";
import { ROOT } from "../package/support.mjs";
import { inEachEngine } from "./harness.mjs";
import { startEngineSite } from "./site.mjs";

/** For fp32 logits, compared with PyTorch's, in every build; as in tests/common/goldens.rs. */
const FP32_TOLERANCE = 2e-5;

/**
 * For sentiment-en's logits in a build with relaxed SIMD, which multiplies int4 weights with 8-bit
 * activations: they are at most 0.19 off on these goldens (tests/page/harness.mjs).
 */
const INT4_TOLERANCE = 0.2;

const json = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));

/** Token ids of the goldens without `[CLS]` and `[SEP]`, which the engine adds, and PyTorch's logits. */
const CASES = json("test_data/goldens/tiny-f32.json").cases.filter(
  ({ ids }) => ids[0] === 2 && ids.length > 2 && ids.at(-1) === 3,
);
const SENTENCES = readFileSync(join(ROOT, "test_data/sentiment_goldens.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const TINY = { folder: "tiny", inputs: CASES.map(({ ids }) => ids.slice(1, -1)) };
const SENTIMENT = { folder: "models/sentiment-en", inputs: SENTENCES.map(({ text }) => text) };

/** The models with PyTorch's logits, and how far any build's logits may differ. */
const MODELS = [
  { what: TINY, goldens: CASES, tolerance: FP32_TOLERANCE },
  { what: SENTIMENT, goldens: SENTENCES, tolerance: INT4_TOLERANCE },
];

let site;

before(async () => {
  site = await startEngineSite();
});

after(() => site?.close());

/**
 * Runs in a page and in Node: the logits of texts, or of lists of tokens, from a build of the engine whose
 * JavaScript is at `glue`, as their raw 32 bits.
 */
async function logitBits({ folder, inputs }, build, site, glue) {
  const bytes = async (path) => {
    const response = await fetch(`${site}${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
  const { default: init, Loader } = await import(glue);
  const wasm = await bytes(`node_modules/tabsense/dist/wasm/${build}/tabsense_bg.wasm`);
  await init({ module_or_path: await WebAssembly.compile(wasm) });
  const [config, tokenizer, tokenizerConfig, weights] = await Promise.all(
    ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"].map((name) =>
      bytes(`${folder}/${name}`),
    ),
  );
  const loader = new Loader(
    "classify",
    config,
    tokenizer,
    tokenizerConfig,
    "auto",
    undefined,
    true,
    undefined,
  );
  loader.push(weights);
  loader.endFile();
  const engine = await loader.finish();
  const rows = await engine.rows(
    inputs.map((input) => (typeof input === "string" ? input : new Uint32Array(input))),
    false,
  );
  engine.free();
  return rows.map((row) => [...new Uint32Array(row.buffer, row.byteOffset, row.length)]);
}

/** Converts the bits back to numbers. */
const floats = (rows) => rows.map((row) => [...new Float32Array(new Uint32Array(row).buffer)]);

const digest = (rows) => createHash("sha256").update(JSON.stringify(rows)).digest("hex").slice(0, 12);

/** The largest difference between two lists of rows. */
function worst(rows, others) {
  return Math.max(...rows.flatMap((row, i) => row.map((value, at) => Math.abs(value - others[i][at]))));
}

/** Fails if logits differ from PyTorch's by more than the tolerance. */
function assertNear(t, engine, { what, goldens, tolerance }, bits) {
  const wanted = goldens.map(({ logits }) => logits);
  const difference = worst(floats(bits), wanted);
  t.diagnostic(`${engine}, ${what.folder}: ${digest(bits)}, ${difference.toExponential(1)} from PyTorch's`);
  assert.ok(difference <= tolerance, `${what.folder}: ${difference}`);
}

/** The same in Node, with the same build. */
const inNode = (what, build) =>
  logitBits(what, build, site.url, new URL(`../../dist/wasm/${build}/tabsense.js`, import.meta.url).href);

inEachEngine(({ name, version, open, supports }) => {
  const bitsOf = (page, what, build) =>
    page.run(
      logitBits,
      what,
      build,
      site.url,
      `${site.url}node_modules/tabsense/dist/wasm/${build}/tabsense.js`,
    );

  test("the build `simd` has Node's logits to the bit, which are PyTorch's", async (t) => {
    const page = await open(t, site.url);
    for (const model of MODELS) {
      const bits = await bitsOf(page, model.what, "simd");
      assert.deepEqual(
        bits.map(({ length }) => length),
        model.goldens.map(() => 3),
      );
      assert.deepEqual(bits, await inNode(model.what, "simd"), model.what.folder);
      assertNear(t, `${name} ${version()}`, model, bits);
    }
  });

  test("`tabsense/simd` has Node's scores and vectors, number for number", async (t) => {
    const page = await open(t, `${site.url}simd.html`);
    const texts = SENTIMENT.inputs.slice(0, 20);
    const ask = async ({ Classifier, Embedder }, source, texts) => {
      const options = { device: "cpu", threads: 1 };
      const classifier = await Classifier.load(source, options);
      const scores = await classifier.classify(texts, { topK: null });
      const { build, threads } = classifier.info;
      await classifier.dispose();
      const embedder = await Embedder.load(source, options);
      const vectors = (await embedder.embed(texts)).map((vector) => [...vector]);
      await embedder.dispose();
      return { build, threads, scores, vectors };
    };
    const code = `(...all) => (${ask})(tabsense, ...all)`;
    const seen = await page.run(code, "/models/sentiment-en/", texts);
    const { build, threads, ...numbers } = await ask(
      { Classifier, Embedder },
      join(ROOT, "models/sentiment-en"),
      texts,
    );
    assert.deepEqual([build, threads, seen.build, seen.threads], ["simd", 1, "simd", 1]);
    assert.deepEqual({ scores: seen.scores, vectors: seen.vectors }, numbers);
  });

  test("the build `relaxed` stays within its bound of PyTorch's logits", async (t) => {
    const page = await open(t, site.url);
    if (!(await supports(t, page, "relaxed"))) return;
    for (const model of MODELS)
      assertNear(t, `${name} ${version()}`, model, await bitsOf(page, model.what, "relaxed"));
  });
});
