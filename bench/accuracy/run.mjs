// Answers of each build variant and precision to the texts whose answers by PyTorch are known, in headless
// Chromium. `npm run bench:accuracy` builds the package, makes what is missing, and calls this.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium as browsers } from "playwright-core";
import { ROOT } from "../../scripts/run.mjs";
import { serve } from "../../scripts/serve.mjs";

/** The opcode of f32x4.relaxed_madd, by which the package's probe for relaxed SIMD is known. */
const RELAXED_OPCODE = [253, 133, 2];

/**
 * Makes an engine say that it lacks relaxed SIMD, in the page's and the worker's own scope; written so that
 * it can be passed on as text.
 */
function withoutRelaxed(opcode) {
  const validate = WebAssembly.validate.bind(WebAssembly);
  WebAssembly.validate = (bytes) => !new Uint8Array(bytes).join().includes(opcode.join()) && validate(bytes);
}

/**
 * Runs each variant (names of wasm-pack.toml) on each model (`{ dtype, folder }`) and compares with `rows`
 * (`{ text, label, logits }`). Yields a result each: `{ variant, dtype, agreement, accuracy, mean, largest,
 * hash, encoderBytes, fileBytes }`, shares of 1.
 */
export async function measureAccuracy({ chromium, variants, models, rows, onResult }) {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const mounts = Object.fromEntries(
    models.map(({ dtype, folder }) => [`/models/${dtype}/`, join(ROOT, folder)]),
  );
  const server = await serve({ "/": here, "/package/": join(ROOT, "dist"), ...mounts }, { isolated: true });
  const browser = await browsers.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  try {
    for (const { dtype, folder } of models) {
      for (const variant of variants) {
        const page = await pageOf(browser, server.url, variant);
        const threads = variant.endsWith("-threads") ? 2 : 1;
        const answers = await page.evaluate((request) => window.answers(request), {
          model: `models/${dtype}/`,
          threads,
          texts: rows.map(({ text }) => text),
        });
        await page.close();
        if (answers.build !== variant || answers.dtype !== heldAs(dtype, variant))
          throw new Error(`${variant}, ${dtype}: the page ran ${answers.build}, ${answers.dtype}.`);
        onResult({
          variant,
          dtype,
          ...compare(answers, rows),
          encoderBytes: encoderBytes(join(ROOT, folder)),
          fileBytes: answers.fileBytes,
        });
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

/** How a build holds weights of `dtype`: without relaxed SIMD it computes with int4 weights as int8. */
function heldAs(dtype, variant) {
  return dtype === "int4" && variant.startsWith("simd") ? "int8" : dtype;
}

/** A page in which the package takes `variant`, or its version without threads. */
async function pageOf(browser, url, variant) {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  if (!variant.startsWith("relaxed")) {
    const stub = `(${withoutRelaxed})(${JSON.stringify(RELAXED_OPCODE)});\n`;
    // The worker chooses the build, once it is asked to load a model.
    await page.route("**/package/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: stub + (await response.text()) });
    });
  }
  await page.goto(url);
  await page.waitForFunction(() => "answers" in window);
  return page;
}

/** The scores of a model that chooses one label, against PyTorch's logits and the labels (ids) themselves. */
export function compare({ scores }, rows) {
  let same = 0;
  let right = 0;
  let sum = 0;
  let largest = 0;
  for (const [i, { label, logits }] of rows.entries()) {
    const wanted = softmax(logits);
    const answer = best(scores[i]);
    same += Number(answer === best(wanted));
    right += Number(answer === label);
    const difference = Math.max(...wanted.map((p, id) => Math.abs(p - scores[i][id])));
    sum += difference;
    largest = Math.max(largest, difference);
  }
  const hash = createHash("sha256").update(Float64Array.from(scores.flat())).digest("hex").slice(0, 12);
  return {
    agreement: same / rows.length,
    accuracy: right / rows.length,
    mean: sum / rows.length,
    largest,
    hash,
  };
}

/** The share of `rows` that PyTorch's own answers get right. */
export function accuracyOf(rows) {
  return rows.filter(({ label, logits }) => best(logits) === label).length / rows.length;
}

/** Bytes of the layers' matrices, with their scales. */
export function encoderBytes(folder) {
  const file = readFileSync(join(folder, "model.safetensors"));
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString());
  const matrices = Object.entries(header).filter(
    ([name, { shape }]) =>
      /\.layer\.\d+\..*\.weight(_scale)?$/.test(name) && (shape?.length === 2 || name.endsWith("_scale")),
  );
  return matrices.reduce(
    (
      bytes,
      [
        ,
        {
          data_offsets: [from, to],
        },
      ],
    ) => bytes + to - from,
    0,
  );
}

function softmax(logits) {
  const powers = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((x) => x / sum);
}

function best(values) {
  return values.indexOf(Math.max(...values));
}
